"""The SELinux module and the AppArmor profile compile, and say of scripts what docs/packaging.md says.

Neither is tried in action: the tests' kernel has neither of the two.
"""

import re
import shutil
import subprocess

import pytest

from support.paths import TOP

SELINUX = TOP / "packaging" / "selinux"
PROFILE = TOP / "packaging" / "apparmor" / "usr.sbin.mainstayd"
REFERENCE_POLICY = "/usr/share/selinux/devel/Makefile"
COMPILE_SECONDS = 120


def parse(*words):
    """apparmor_parser without a kernel that knows AppArmor."""
    return subprocess.run(["apparmor_parser", "--skip-kernel-load", *map(str, words)], capture_output=True, text=True,
                          timeout=COMPILE_SECONDS, check=False)


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    """The folder with the policy module, made by the reference policy's Makefile: m4, checkmodule, semodule_package."""
    folder = tmp_path_factory.mktemp("selinux")
    for name in ("mainstay.te", "mainstay.fc", "mainstay.if"):
        shutil.copy(SELINUX / name, folder)
    made = subprocess.run(["make", "-C", folder, "-f", REFERENCE_POLICY, "mainstay.pp"], capture_output=True, text=True,
                          timeout=COMPILE_SECONDS, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


def test_the_selinux_module_compiles_against_the_reference_policy(module):
    assert (module / "mainstay.pp").stat().st_size > 1000


def test_checkmodule_finds_the_scripts_transition_but_none_for_mainstays_own_programs(module, tmp_path):
    expanded = (module / "tmp" / "mainstay.tmp").read_text(encoding="utf-8")

    made = subprocess.run(["checkmodule", "-M", "-m", "-o", tmp_path / "mainstay.mod", module / "tmp" / "mainstay.tmp"],
                          capture_output=True, text=True, timeout=COMPILE_SECONDS, check=False)

    assert made.returncode == 0, made.stderr
    transitions = re.findall(r"^\s*type_transition mainstay_t (.*):process (\w+);", expanded, re.MULTILINE)
    assert ("{ file_type -mainstay_exec_t }", "mainstay_script_t") in transitions
    assert re.search(r"^\s*permissive mainstay_t;", expanded, re.MULTILINE)
    assert not re.search(r"^\s*permissive mainstay_script_t;", expanded, re.MULTILINE)


def test_a_module_with_a_mistake_is_refused(module, tmp_path):
    expanded = (module / "tmp" / "mainstay.tmp").read_text(encoding="utf-8")
    (tmp_path / "wrong.tmp").write_text(expanded + "\nallow mainstay_t nothing_known_t:file read;\n", encoding="utf-8")

    made = subprocess.run(["checkmodule", "-M", "-m", "-o", tmp_path / "mainstay.mod", tmp_path / "wrong.tmp"],
                          capture_output=True, text=True, timeout=COMPILE_SECONDS, check=False)

    assert made.returncode != 0
    assert "nothing_known_t" in made.stderr


def test_each_program_of_the_daemon_has_a_label(module):
    labels = (SELINUX / "mainstay.fc").read_text(encoding="utf-8")
    patterns = [line.split()[0] for line in labels.splitlines() if "mainstay_exec_t" in line]

    for program in ("sbin/mainstayd", "libexec/mainstay/mainstayd-vrrp", "libexec/mainstay/mainstayd-snmp"):
        assert any(re.fullmatch(pattern, f"/usr/{program}") for pattern in patterns), program
    assert not any(re.fullmatch(pattern, "/usr/sbin/mainstay-realserver") for pattern in patterns)


def test_the_apparmor_profile_compiles():
    done = parse("-Q", PROFILE)

    assert done.returncode == 0, done.stderr
    assert parse("-N", PROFILE).stdout.split() == ["mainstayd", "mainstayd//role"]


def test_the_apparmor_profile_compiles_when_it_enforces(tmp_path):
    text = PROFILE.read_text(encoding="utf-8")
    assert text.count(", complain)") == 2
    (tmp_path / "enforced").write_text(text.replace(", complain)", ")"), encoding="utf-8")  # as docs/packaging.md says

    done = parse("-Q", tmp_path / "enforced")

    assert done.returncode == 0, done.stderr


def test_apparmor_confines_each_role_and_no_script():
    text = PROFILE.read_text(encoding="utf-8")

    for role in ("bfd", "lvs", "obs", "read", "snmp", "track", "vrrp"):
        assert f"  /usr/libexec/mainstay/mainstayd-{role} mrcx -> role," in text
    assert "  /** PUx," in text
    assert "ux" not in text.split("profile role")[1].replace("include", "").lower()  # a role starts nothing


def test_a_profile_with_a_mistake_is_refused(tmp_path):
    wrong = PROFILE.read_text(encoding="utf-8").replace("  signal,", "  signla,")
    (tmp_path / "wrong").write_text(wrong, encoding="utf-8")

    assert parse("-Q", tmp_path / "wrong").returncode != 0
