"""Every program is hardened in the default build, and tools/check-hardening refuses one that is not."""

import os
import re
import shutil
import subprocess

import pytest

from support.paths import BUILD, TOP

PROGRAMS = sorted(path for path in (BUILD / "src" / "cli").glob("mainstay*") if path.is_file() and os.access(path, os.X_OK))
MANY = "".join(f"int f{i}(int a) {{ return a * {i}; }}\n" for i in range(20))
PLAIN = MANY + '#include <cstdio>\n#include <cstring>\nint main(int, char** v) { char b[9]; std::strcpy(b, v[0]); return std::puts(b); }\n'


def check(*programs):
    return subprocess.run([TOP / "tools" / "check-hardening", *programs], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_a_built_program_is_hardened(program):
    done = check(program)

    assert (done.returncode, done.stderr) == (0, "")


def test_there_is_a_program_for_each_role():
    assert {"mainstayd", "mainstayd-read", "mainstayd-vrrp", "mainstayd-lvs", "mainstayd-bfd", "mainstayd-track",
            "mainstayd-obs", "mainstayd-yield"} <= {path.name for path in PROGRAMS}


@pytest.mark.parametrize("flags, missing", [
    (["-no-pie"], "no position-independent code"),
    (["-Wl,-z,norelro"], "no RELRO"),
    (["-Wl,-z,lazy"], "no immediate binding (full RELRO)"),
    (["-Wl,-z,execstack"], "no stack that cannot be executed"),
    (["-fno-stack-protector"], "no stack protector"),
    (["-fcf-protection=none"], "no CET landing marks (endbr64)"),
    (["-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=0"], "no checked libc calls (_FORTIFY_SOURCE)"),
])
def test_one_that_lacks_a_protection_is_refused(tmp_path, flags, missing):
    hardened = ["-O2", "-fPIE", "-pie", "-fstack-protector-all", "-fcf-protection", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2",
                "-Wl,-z,relro", "-Wl,-z,now"]
    source, program = tmp_path / "plain.cpp", tmp_path / "plain"
    source.write_text(PLAIN, encoding="ascii")
    subprocess.run(["c++", "-w", *hardened, *flags, source, "-o", program], check=True)

    done = check(program)

    assert done.returncode == 1
    assert f"{program} has {missing}" in done.stderr


def test_what_is_no_program_is_refused(tmp_path):
    (tmp_path / "text").write_text("#!/bin/sh\n", encoding="ascii")

    assert check(tmp_path / "text").returncode == 1


UNITS = TOP / "packaging" / "systemd"


@pytest.mark.parametrize("unit, most", [("mainstay-discover@.service", 1.2), ("mainstay-realserver@.service", 1.7)])
def test_a_unit_that_runs_no_script_has_what_systemd_analyze_asks_for(tmp_path, unit, most):
    name = unit.replace("@", "@x")
    shutil.copy(UNITS / unit, tmp_path / name)

    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={most * 10:.0f}", name],
                          cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


# What the service manager does with a daemon, and nothing that a process inherits.
OF_THE_MANAGER = {"Type", "NotifyAccess", "EnvironmentFile", "ExecStart", "ExecReload", "WatchdogSec", "KillMode", "TimeoutStopSec",
                  "Restart", "RestartSec", "RestartPreventExitStatus"}


@pytest.mark.parametrize("unit", ["mainstay.service", "mainstay@.service", "keepalived.service"])
def test_a_unit_whose_daemon_runs_scripts_takes_nothing_from_them(unit):
    service = (UNITS / unit).read_text(encoding="utf-8").split("[Service]")[1].split("[Install]")[0]

    assert set(re.findall(r"^(\w+)=", service, re.MULTILINE)) == OF_THE_MANAGER
