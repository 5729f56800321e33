"""Files that are wrong in every way we could think of: a clear message, keepalived's kind of exit code, no crash, and
never more memory than a limit that is set on the process."""

import os
import resource
import subprocess
import tempfile

import pytest

from support.needs import needs_root
from support.paths import program, program_for_everybody

SECONDS = 30
MEGABYTES = 600  # of address space
INSTANCE = """vrrp_instance VI_1 {{
    interface lo1
    virtual_router_id 51
    {line}
    virtual_ipaddress {{
        10.9.9.9/24
    }}
}}
"""


def config_test(path):
    limit = MEGABYTES << 20
    done = subprocess.run([program("mainstayd"), "-t", "-f", str(path)], capture_output=True, timeout=SECONDS, check=False,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    return done.returncode, done.stderr.decode(errors="replace")


def laughs(levels):
    lines = ["$L0=ha"] + [f"$L{n}=" + f"${{L{n - 1}}} " * 10 for n in range(1, levels)]
    return "\n".join(lines) + f"\nglobal_defs {{\nrouter_id ${{L{levels - 1}}}\n}}\n"


TEXTS = {
    "recursive definition": ("$A=${B}\n$B=${A}\n" + INSTANCE.format(line="priority ${A}"), "MS0120"),
    "billion laughs": (laughs(12), "MS0120"),
    "repetition without end": ("~SEQ(N, 1, 2000000000) foo $N\n", "MS012"),
    "brackets that never close": ("vrrp_instance A {\n" * 2000, "MS0109"),
    "braces alone": ("{\n" * 200_000, "MS0111"),
    "one line of braces": ("{" * (4 << 20), "MS0101"),
    "closing braces": ("}\n" * 200_000, "MS0110"),
    "open quote": (INSTANCE.format(line='notify "/bin/true'), "MS0103"),
    "NUL bytes": (INSTANCE.format(line="priority 1\0" + "00"), "MS0102"),
    "full-width digits": (INSTANCE.format(line="priority １００"), "MS0200"),
    "full-width space": (INSTANCE.format(line="priority　100"), "MS0105"),
    "byte order mark": ("\ufeff" + INSTANCE.format(line="priority 100"), "MS0100"),
    "number with a sign": (INSTANCE.format(line="priority -100"), "MS0201"),
    "number past 64 bits": (INSTANCE.format(line="priority 99999999999999999999999"), "MS0201"),
    "number with a letter": (INSTANCE.format(line="priority 100x"), "MS0202"),
    "prefix too long": (INSTANCE.format(line="virtual_ipaddress_excluded {\n10.1.1.1/64\n}"), "MS0213"),
    "two families": (INSTANCE.format(line="virtual_ipaddress {\n2001:db8::1/64\n10.1.1.1\n}"), "MS0212"),
    "block twice": (INSTANCE.format(line="priority 100") * 2, "MS0416"),
    "garbage of a million lines": ("foo bar baz\n" * 1_000_000, "MS0105"),
    "a long word": ("global_defs {\nrouter_id " + "x" * 2000 + "\n}\n", "MS0101"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_bad_text_is_named_within_a_limit_of_memory(tmp_path, name):
    text, code = TEXTS[name]
    path = tmp_path / "ha.conf"
    path.write_text(text, encoding="utf-8")

    exit_code, said = config_test(path)

    assert exit_code in (2, 4, 5), said[-2000:]
    assert code in said, said[:2000]


def test_bytes_that_are_no_utf8_are_read_and_shown(tmp_path):
    path = tmp_path / "ha.conf"
    path.write_bytes(INSTANCE.format(line="priorit\\ 100").encode().replace(b"\\", b"\xff\xfe"))

    exit_code, said = config_test(path)

    assert exit_code == 5
    assert ":4:5: error MS0105" in said


def test_windows_line_ends_are_nothing_to_speak_of(tmp_path):
    path = tmp_path / "ha.conf"
    path.write_bytes(b"global_defs {\r\n    router_id lvs1\r\n}\r\n")

    assert config_test(path)[0] == 0


def included(tmp_path, name):
    path = tmp_path / "ha.conf"
    path.write_text(f"include {name}\nglobal_defs {{\n}}\n", encoding="utf-8")
    return config_test(path)


def test_includes_that_cannot_be_read_are_named_at_their_line(tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop.conf").write_text("include loop.conf\n", encoding="utf-8")
    (tmp_path / "huge.conf").touch()
    os.truncate(tmp_path / "huge.conf", 1 << 30)  # a gigabyte of nothing

    for name in ("folder", "fifo", "huge.conf", "nosuch*.conf", "nosuch.conf"):
        exit_code, said = included(tmp_path, name)
        assert exit_code in (0, 4, 5, 6), said
        assert "ha.conf:1:" in said and "MS00" in said, f"{name}: {said}"
    assert "loop.conf:1:1: " in included(tmp_path, "loop.conf")[1]


def test_a_folder_and_a_huge_file_are_no_configuration(tmp_path):
    huge = tmp_path / "huge.conf"
    huge.touch()
    os.truncate(huge, 1 << 30)

    assert config_test(tmp_path)[0] == 4
    assert config_test(huge)[0] == 4


def test_a_file_that_this_user_may_not_read_is_named():
    needs_root()
    nobody = 65534
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        top, secret = os.path.join(folder, "ha.conf"), os.path.join(folder, "secret.conf")
        for path, text in ((top, "include secret.conf\n"), (secret, "global_defs {\n}\n")):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        os.chmod(secret, 0o000)
        mainstayd = program_for_everybody("mainstayd", folder)

        def test_as_nobody(path):
            done = subprocess.run([mainstayd, "-t", "-f", path], capture_output=True, timeout=SECONDS, check=False,
                                  user=nobody, group=nobody, extra_groups=[])
            return done.returncode, done.stderr.decode(errors="replace")

        exit_code, said = test_as_nobody(top)
        assert exit_code == 0  # as keepalived's: includer insists
        assert f"{top}:1:1: warning MS0007: include: open {secret}: Permission denied" in said, said
        exit_code, said = test_as_nobody(secret)
        assert exit_code == 4
        assert f"{secret}: fatal MS0002: open {secret}: Permission denied" in said, said
