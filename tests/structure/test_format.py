"""Each C++ file is as clang-format 19 writes it with the repository's file."""

import re
import shutil
import subprocess

import pytest

from support.paths import TOP

VERSION = 19  # another version breaks lines elsewhere


def the_program():
    """The path of a clang-format of that version, or None."""
    for name in (f"clang-format-{VERSION}", "clang-format"):
        path = shutil.which(name)
        if path:
            said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
            found = re.search(r"version (\d+)\.", said)
            if found and int(found[1]) == VERSION:
                return path
    return None


def test_every_file_is_formatted():
    program = the_program()
    if program is None:
        pytest.skip(f"there is no clang-format {VERSION}")
    files = sorted(path for folder in ("include", "src", "tests") for path in (TOP / folder).rglob("*.[ch]pp"))
    assert files
    done = subprocess.run([program, "--dry-run", "-Werror", *files], capture_output=True, text=True, check=False)
    wrong = sorted(set(re.findall(r"^(.+?):\d+:\d+: error", done.stderr, re.MULTILINE)))
    assert done.returncode == 0, f"clang-format-{VERSION} -i wants to change: {wrong}\n{done.stderr[:2000]}"
