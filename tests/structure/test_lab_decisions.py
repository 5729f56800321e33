"""tools/lab without a guest: which kernels want the library for extended registers, and what is said of a dead one."""

import itertools
import re
import sys

import pytest

from support.paths import TOP

sys.path.insert(0, str(TOP / "tools" / "lab.d"))

import lab_registers  # noqa: E402
from lab_ending import Ending, LabError  # noqa: E402
from lab_registers import library_for, needs_whole_registers  # noqa: E402

CPUINFO = """processor	: 0
vendor_id	: GenuineIntel
model name	: Intel(R) Xeon(R)
flags		: fpu vme sse sse2 {flags} constant_tsc
bugs		: spectre_v1

processor	: 1
flags		: fpu vme sse sse2 {flags} constant_tsc
"""
WITHOUT_AVX = CPUINFO.format(flags="ssse3")
AVX512 = CPUINFO.format(flags="xsave avx avx2 avx512f pku")
AMX = CPUINFO.format(flags="xsave avx avx2 avx512f pku amx_bf16 amx_tile amx_int8")


@pytest.mark.parametrize("cpuinfo, version, needed", [
    (WITHOUT_AVX, "6.1.176", False),
    (AVX512, "6.1.176", False),
    (AMX, "6.1.176", True),
    (AMX, "5.10.0", True),
    (AMX, "6.12.41\n", True),
    (AMX, "6.13.0", False),
    (AMX, "6.13-rc1", False),
    (AMX, "7.0", False),
    (AMX, "", True),
    (AMX, "a version of its own", True),
    (AVX512, "", False),
    ("", "6.1.176", False),
    ("model name : amx_tile\n", "6.1.176", False),
    (CPUINFO.format(flags="no_amx_tile amx_tiles"), "6.1.176", False),
], ids=itertools.count())
def test_the_library_is_for_processors_with_amx_and_kernels_before_6_13(cpuinfo, version, needed):
    assert needs_whole_registers(cpuinfo, version) is needed


@pytest.fixture
def host_with_amx(monkeypatch):
    monkeypatch.setattr(lab_registers, "cpuinfo_begin", lambda: AMX)
    monkeypatch.setattr(lab_registers, "version_of", lambda _kernel: "6.1.176")


def test_auto_takes_the_library_where_it_is_needed(host_with_amx, monkeypatch, tmp_path):
    built = tmp_path / "a build" / "tools" / "lab.d"
    built.mkdir(parents=True)
    (built / "uml_xstate.so").write_text("the built one")
    monkeypatch.setenv("MAINSTAY_BUILD", str(tmp_path / "a build"))

    assert library_for("auto", "linux.uml", tmp_path) == str(tmp_path / "uml_xstate.so")
    assert (tmp_path / "uml_xstate.so").read_text() == "the built one"
    assert library_for("never", "linux.uml", tmp_path) is None


def test_auto_takes_no_library_where_none_is_needed(monkeypatch, tmp_path):
    monkeypatch.setattr(lab_registers, "cpuinfo_begin", lambda: AVX512)
    monkeypatch.setattr(lab_registers, "version_of", lambda _kernel: "6.1.176")

    assert library_for("auto", "linux.uml", tmp_path) is None
    assert not any(tmp_path.iterdir())


def test_what_is_not_built_is_compiled(host_with_amx, monkeypatch, tmp_path):
    monkeypatch.setenv("MAINSTAY_BUILD", str(tmp_path / "not-there"))
    if not any(map(lab_registers.shutil.which, ("c++", "g++", "clang++"))):
        pytest.skip("there is no C++ compiler")

    assert (tmp_path / library_for("auto", "linux.uml", tmp_path)).read_bytes()[:4] == b"\x7fELF"


def test_without_a_compiler_it_says_what_to_do(host_with_amx, monkeypatch, tmp_path):
    monkeypatch.setenv("MAINSTAY_BUILD", str(tmp_path / "not-there"))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(LabError, match="there is no C\\+\\+ compiler: run tools/setup --build$"):
        library_for("auto", "linux.uml", tmp_path)


def said_of(console, **facts):
    ending = Ending(console=console, status=1, memory_mb=512, memory_folder="/dev/shm", room=True, completed=False,
                    began=False)
    for name, value in facts.items():
        setattr(ending, name, value)
    sentence = ending.sentence()
    assert "\n" not in sentence and len(sentence) < 260, sentence
    return sentence


# As the console of user-mode-linux 6.1.176 has it. Whatever it dies of ends in the same panic.
REGISTERS = ("userspace - ptrace set fp regs failed, errno = 14\n"
             "Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b\n"
             " [<6002e653>] fatal_sigsegv+0x39/0x45\n [<6004b1ca>] ? put_fp_registers+0x10/0x12\n")


@pytest.mark.parametrize("console, facts, words", [
    (REGISTERS, {}, "this processor has AMX.*: give --xstate always"),
    (REGISTERS, {"completed": True}, "refuses a process's extended registers.*: use user-mode-linux 6.13"),
    ("ERROR: ld.so: object '/tmp/x/uml_xstate.so' from LD_PRELOAD cannot be preloaded (why): ignored.\n"
     + REGISTERS, {"completed": True}, "could not be loaded: mount /tmp without noexec"),
    ("ptrace: Operation not permitted\ncheck_ptrace : expected SIGSTOP, got status = 9\n", {}, "use ptrace: allow it"),
    ("Operation not permitted\n/dev/shm must be not mounted noexec\n", {}, "/dev/shm, .*, is mounted noexec: mount"),
    ("Too few physical memory! Needed=88080384, given=87367680\n", {}, "512 MB of memory are too few for it: .*--mem"),
    ("<0>Kernel panic - not syncing: Failed to allocate 7274496 bytes for node 0 memory map\n", {"status": -6},
     "512 MB of memory are too few for it: give more"),
    ("Out of memory: Killed process 148 (busybox) total-vm:2240kB\nlab: cannot load ip_vs\nlab: ip_vs did not start\n",
     {"status": 0}, "512 MB of memory are too few"),
    ("setup_physmem - mapping 1055436800 bytes of memory at 0x(____ptrval____) failed - errno = -12\n", {},
     "this host gave it no 512 MB of memory: free some"),
    ("", {"status": -6, "room": False}, "/dev/shm has too little room for its 512 MB of memory: free some"),
    ("Kernel panic - not syncing: Kernel mode signal 7\n", {}, "/dev/shm has too little room"),
    ("lab: cannot mount /srv/work\nreboot: System halted\n", {"status": 0}, "it cannot mount /srv/work: see"),
    ("modprobe: not found\nlab: cannot load ip_vs\nlab: ip_vs did not start\n", {"status": 0}, "could not load IPVS"),
    ("Kernel panic - not syncing: Requested init /tmp/mainstay-lab.x/init failed (error -13).\n", {},
     "may not execute /tmp/mainstay-lab.x/init: mount /tmp without noexec"),
    ("Kernel panic - not syncing: Requested init /tmp/x/init failed (error -2).\n", {}, "could not start /tmp/x/init"),
    ("Kernel panic - not syncing: VFS: Unable to mount root fs on x\n", {}, "root file system: run it"),
    ("Kernel panic - not syncing: Fatal exception in interrupt\n", {}, "panicked \\(Fatal exception in interrupt\\)"),
    ("", {"status": -9}, "SIGKILL ended its kernel, .*: look into its log"),
    ("", {"status": -11}, "signal 11 \\(Segmentation fault\\) ended its kernel: run it with --verbose"),
    ("nothing that is known\n", {}, "exited with status 1: run it with --verbose to see its console"),
], ids=itertools.count())
def test_one_sentence_says_what_a_guest_died_of_and_what_to_do(console, facts, words):
    assert re.search(f"^the guest ended before COMMAND ran: .*{words}", said_of(console, **facts)), \
        said_of(console, **facts)


def test_a_guest_that_died_of_its_command_is_told_apart():
    said = said_of("Kernel panic - not syncing: sysrq triggered crash\n", began=True)

    assert said == ("the guest ended while COMMAND ran: its kernel panicked (sysrq triggered crash): "
                    "run it with --verbose to see its console")
