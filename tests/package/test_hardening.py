"""Every program is hardened in the default build, and tools/check-hardening refuses one that is not."""

import json
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


def analyzed(folder, unit, *options):
    """What systemd-analyze says of one unit as it is packaged."""
    name = unit.replace("@", "@x")
    shutil.copy(UNITS / unit, folder / name)
    return subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", *options, name], cwd=folder, capture_output=True,
                          text=True, check=False)


@pytest.mark.parametrize("unit, most", [
    ("mainstay-discover@.service", 1.4), ("mainstay-realserver@.service", 1.7), ("mainstay.service", 9.5), ("mainstay@.service", 9.5),
    ("keepalived.service", 9.5)])
def test_a_unit_has_what_systemd_analyze_asks_for_as_far_as_no_script_notices(tmp_path, unit, most):
    done = analyzed(tmp_path, unit, f"--threshold={most * 10:.0f}")

    assert done.returncode == 0, done.stdout + done.stderr


def test_each_option_that_systemd_analyze_asks_for_is_judged_in_the_document(tmp_path):
    rows = json.loads(analyzed(tmp_path, "mainstay.service", "--json=short").stdout)
    wanted = {part.rstrip("=") + "=" for row in rows for part in re.findall(r"[A-Z]\w+=", row["name"])}
    text = (TOP / "docs" / "security.md").read_text(encoding="utf-8").split("## The units")[1].split("\n## ")[0]
    judged = set(re.findall(r"`([A-Z]\w+=)", text))

    assert len(wanted) > 30
    assert wanted - judged - {"RootImage="} == set()  # RootDirectory= from an image
    calls = {group for row in rows for group in re.findall(r"@[\w-]+", row["name"])}
    assert calls <= set(re.findall(r"@[a-z-]+", text))


# What the service manager does with a daemon, and nothing that a process inherits.
OF_THE_MANAGER = {"Type", "NotifyAccess", "EnvironmentFile", "ExecStart", "ExecReload", "WatchdogSec", "KillMode", "TimeoutStopSec",
                  "Restart", "RestartSec", "RestartPreventExitStatus"}
# Calls that answer as a kernel without them does.
NOT_NOTICED = {"SystemCallFilter": "~@obsolete", "SystemCallErrorNumber": "ENOSYS"}


@pytest.mark.parametrize("unit", ["mainstay.service", "mainstay@.service", "keepalived.service"])
def test_a_unit_whose_daemon_runs_scripts_takes_nothing_from_them(unit):
    service = (UNITS / unit).read_text(encoding="utf-8").split("[Service]")[1].split("[Install]")[0]
    lines = dict(re.findall(r"^(\w+)=(.*)$", service, re.MULTILINE))

    assert {name: value for name, value in lines.items() if name not in OF_THE_MANAGER} == NOT_NOTICED
