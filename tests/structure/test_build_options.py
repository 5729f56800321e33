"""What a build is refused without, and which can be set up."""

import os
import subprocess

from support.paths import TOP

NO_SECCOMP = """#!/bin/sh
case "$*" in *libseccomp*) exit 1;; esac
exec pkg-config "$@"
"""


def meson_setup(folder, *options):
    """The exit status and the output of a build's set-up on a system without libseccomp."""
    tool = folder / "pkg-config-without"
    tool.write_text(NO_SECCOMP, encoding="utf-8")
    tool.chmod(0o755)
    done = subprocess.run(["meson", "setup", str(folder / "build"), str(TOP), "-Dtests=false", *options], check=False,
                          capture_output=True, text=True, timeout=300, env={**os.environ, "PKG_CONFIG": str(tool)})
    return done.returncode, done.stdout


def test_without_libseccomp_a_build_is_refused_unless_it_is_disabled_by_name(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    status, text = meson_setup(tmp_path / "one")
    assert status == 1, text
    assert ("libseccomp is missing, without which no role is confined to its system calls: install libseccomp-dev (Debian) or "
            "libseccomp-devel (RHEL), or give -Dseccomp=disabled") in text
    assert meson_setup(tmp_path / "two", "-Dseccomp=disabled")[0] == 0


def test_the_fuzz_targets_can_be_set_up(tmp_path):
    done = subprocess.run(["meson", "setup", str(tmp_path), str(TOP), "-Dfuzz=true"], check=False, capture_output=True, text=True,
                          timeout=300, env={**os.environ, "CXX": "clang++-19"})
    assert done.returncode == 0, done.stdout
