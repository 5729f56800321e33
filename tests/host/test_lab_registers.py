"""uml_xstate, which tools/lab preloads into a user-mode kernel on a processor with AMX: the registers of the guest's
processes are kept with it, and where the host refuses too few of them, the guest lives with it only.

amx_host.cpp stands in for such a host, so that this runs on any.
"""

import os
import shlex
import shutil
import subprocess
import sys

import pytest

from support.guests import LAB, skip_without_guests
from support.paths import BUILD, TOP, program

LIBRARY = BUILD / "tools" / "lab.d" / "uml_xstate.so"

pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="only x86-64 has these registers")


def lab(*words, env=None):
    return subprocess.run([LAB, "--mem", "256", "--timeout", "100", *words], cwd=TOP, capture_output=True, text=True,
                          timeout=120, env={**os.environ, **(env or {})}, check=False)


@pytest.fixture
def amx_host(tmp_path):
    """What is preloaded for a host with AMX; copied, because LD_PRELOAD takes no path with blanks."""
    return {"LD_PRELOAD": str(shutil.copy(program("amx_host.so"), tmp_path))}


# Gives a stopped child 576 bytes of extended registers, those of x87 and SSE and the header, and prints what came of
# it. Any processor with AVX has more than these, and its host refuses them as one with AMX refuses those of a guest.
GIVE_TOO_FEW = """
import ctypes, errno, os, signal, struct
ptrace = ctypes.CDLL(None, use_errno=True).ptrace
ptrace.restype = ctypes.c_long
ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
TRACEME, DETACH, GETREGSET, SETREGSET, XSTATE = 0, 17, 0x4204, 0x4205, 0x202
XMM0, IN_USE = slice(160, 176), slice(512, 520)
X87, SSE, AVX = 1, 2, 4

def registers(request, pid, state, length):
    pair = ctypes.create_string_buffer(struct.pack("PP", ctypes.addressof(state), length))
    if ptrace(request, pid, XSTATE, ctypes.addressof(pair)) != 0:
        return errno.errorcode[ctypes.get_errno()]
    return struct.unpack("PP", pair.raw[:16])[1]

child = os.fork()
if child == 0:
    ptrace(TRACEME, 0, None, None)
    os.kill(os.getpid(), signal.SIGSTOP)
    os._exit(7)
os.waitpid(child, 0)
state = ctypes.create_string_buffer(65536)
whole = registers(GETREGSET, child, state, 65536)
state[XMM0] = b"kept, every byte"
state[IN_USE] = struct.pack("<Q", X87 | SSE | AVX)  # the registers of AVX are not among those that are given
given = registers(SETREGSET, child, state, 576)
after = ctypes.create_string_buffer(65536)
registers(GETREGSET, child, after, 65536)
print(whole, given, struct.unpack("<Q", after[IN_USE])[0], after[XMM0])
ptrace(DETACH, child, None, None)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def give_too_few(library=""):
    done = subprocess.run([sys.executable, "-c", GIVE_TOO_FEW], env={**os.environ, "LD_PRELOAD": str(library)},
                          capture_output=True, text=True, timeout=30, check=True)
    assert done.stderr == ""
    said, status = done.stdout.splitlines()
    assert status == "7"
    whole, given, *rest = said.split(" ", 3)
    if int(whole) <= 576:
        pytest.skip("this processor has no AVX")
    return given, *rest


def test_the_host_refuses_too_few_registers():
    given, _in_use, after = give_too_few()

    assert given == "EFAULT"
    assert "kept" not in after


def test_the_library_completes_them(tmp_path):
    assert give_too_few(shutil.copy(LIBRARY, tmp_path)) == ("576", "3", "b'kept, every byte'")  # x87 and SSE alone are in use


def test_registers_are_kept_with_the_library():
    skip_without_guests()

    done = lab("--xstate", "always", "--", "bash", "-c",
               f'{shlex.quote(program("keeps_registers"))} 2 && echo "preloaded: $LD_PRELOAD" && ! grep uml_xstate /proc/self/maps')

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(" registers kept\npreloaded: \n")


def test_on_a_host_that_refuses_them_registers_are_kept_with_the_library(amx_host):
    skip_without_guests()

    done = lab("--xstate", "always", "--", program("keeps_registers"), "2", env=amx_host)

    # COMMAND has the caller's environment, and a /tmp of its own.
    assert (done.returncode, [line for line in done.stderr.splitlines() if "ld.so: object '/tmp" not in line]) == (0, [])
    assert done.stdout.endswith(" registers kept\n")


def test_on_a_host_that_refuses_them_one_sentence_says_so_without_the_library(amx_host):
    skip_without_guests()

    done = lab("--xstate", "never", "--", "true", env=amx_host)

    assert done.returncode == 125
    assert done.stderr == ("lab: the guest ended before COMMAND ran: this processor has AMX, and with it more extended "
                           "registers than the user-mode kernel keeps: give --xstate always, or use user-mode-linux "
                           "6.13 or newer\n")


def test_the_console_is_for_verbose(amx_host):
    skip_without_guests()

    done = lab("--verbose", "--xstate", "never", "--", "true", env=amx_host)

    assert done.returncode == 125
    assert "put_fp_registers" in done.stderr
    assert "Kernel panic" in done.stderr
