"""Files of the configuration that others can change, and secrets that they can read: `mainstayd -t` warns of them."""

import os
import pathlib
import subprocess
import tempfile

import pytest

from support.needs import needs_root
from support.paths import program

SECONDS = 20
SERVICE = """virtual_server 10.9.9.9 80 {
    protocol TCP
    lb_algo rr
    lb_kind NAT
    real_server 10.1.1.1 80 {
        MISC_CHECK {
            misc_path %s
        }
    }
}
"""


def daemon_test(path, *words):
    done = subprocess.run([program("mainstayd"), "-t", "-f", str(path), *words], capture_output=True, text=True, timeout=SECONDS,
                          check=False)
    return done.returncode, done.stderr


@pytest.fixture(name="folder")
def _folder():
    """A folder of this account's alone, which others can look into (pytest's cannot), with a configuration."""
    with tempfile.TemporaryDirectory(prefix="mainstay-exposed.") as name:
        path = pathlib.Path(name).resolve()
        path.chmod(0o755)
        put(path / "ha.conf", "! nothing\n")
        yield path


def put(path, text, mode=0o644):
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def warnings(text):
    return [line for line in text.splitlines() if " warning MS001" in line]


def test_a_file_that_everybody_can_change_is_a_warning_with_its_fix_and_refused_by_strict(folder):
    path = folder / "ha.conf"
    assert daemon_test(path) == (0, f"{path}: 0 errors, 0 warnings, 0 notes; the configuration is fine (exit code 0)\n")
    assert daemon_test(path, "--strict")[0] == 0

    path.chmod(0o666)

    code, said = daemon_test(path)
    assert code == 0
    assert said.splitlines()[:3] == [
        f"{path}: warning MS0011: everybody can change {path} (mode 0666)",
        "  effect: it is used all the same; whoever changes it has commands run as root",
        f"  fix: chmod o-w {path}"]
    code, said = daemon_test(path, "--strict")
    assert code == 5
    assert "is refused by --strict (exit code 5)" in said
    check = subprocess.run([program("mainstayctl"), "config", "check", str(path)], capture_output=True, text=True, timeout=SECONDS,
                           check=False)
    assert (check.returncode, warnings(check.stdout)) == (1, warnings(said))


def test_each_included_file_and_a_folder_once(folder):
    put(folder / "a.conf", "! a\n", 0o606)
    put(folder / "b.conf", "! b\n")
    top = put(folder / "ha.conf", "include a.conf\ninclude b.conf\n")
    assert warnings(daemon_test(top)[1]) == [f"{folder}/a.conf: warning MS0011: everybody can change {folder}/a.conf (mode 0606)"]

    folder.chmod(0o777)
    assert warnings(daemon_test(top)[1]) == [f"{top}: warning MS0011: everybody can replace files in {folder} (mode 0777)"]

    folder.chmod(0o1777)
    (folder / "a.conf").chmod(0o644)
    assert warnings(daemon_test(top)[1]) == []
    put(top, "include [ab].conf\n")
    assert warnings(daemon_test(top)[1]) == [f"{folder}/a.conf: warning MS0011: everybody can add files to {folder} (mode 1777)"]


def test_a_script_that_runs_as_root(folder):
    scripts = folder / "scripts"
    scripts.mkdir()
    scripts.chmod(0o757)
    script = put(scripts / "check", "#!/bin/sh\n", 0o755)
    top = put(folder / "ha.conf", "global_defs {\n script_user root\n}\n" + SERVICE % script)
    code, said = daemon_test(top)
    assert code == 6  # as before, for enable_script_security is not set
    assert warnings(said) == [f"{top}: warning MS0011: script {script}: everybody can replace files in {scripts} (mode 0757)"]


def test_keys_and_credentials_that_others_can_read(folder):
    for name in ("api.key", "mail", "tls.key"):
        put(folder / name, "secret\n")
    settings = f"""[api]
tls_key = "{folder}/api.key"
[mail]
credentials = "{folder}/mail"
"""
    top = put(folder / "ha.toml", settings)
    assert warnings(daemon_test(top)[1]) == [
        f"{top}: warning MS0012: [api] tls_key: everybody can read {folder}/api.key (mode 0644)",
        f"{top}: warning MS0012: [mail] credentials: others than its owner can read {folder}/mail (mode 0644)"]
    (folder / "api.key").chmod(0o640)
    (folder / "mail").chmod(0o600)
    assert warnings(daemon_test(top)[1]) == []

    top = put(folder / "ha.conf", f"SSL {{\n key {folder}/tls.key\n}}\n")
    assert warnings(daemon_test(top)[1]) == [f"{top}: warning MS0012: SSL key: everybody can read {folder}/tls.key (mode 0644)"]


def test_the_owner_is_root_or_who_asks(folder):
    needs_root()
    path = folder / "ha.conf"
    os.chown(path, 12345, 12345)
    assert warnings(daemon_test(path)[1]) == [f"{path}: warning MS0011: {path} belongs to uid 12345, who can change it"]
    done = subprocess.run(["setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups", program("mainstayd"), "-t", "-f",
                           str(path)], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (done.returncode, warnings(done.stderr)) == (0, [])
