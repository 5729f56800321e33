"""What users of keepalived reported of configurations: docs/field-cases.md has the reports' numbers."""

import subprocess

import pytest

from support.paths import program

INSTANCE = """vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    priority 100
    %s
}
"""
ADDRESS = "virtual_ipaddress {\n 192.168.1.99/24\n}"


def tried(tmp_path, text, **files):
    """The exit code and the messages of a configuration test."""
    for name, content in files.items():
        (tmp_path / f"{name}.inc").write_text(content, encoding="utf-8")
    path = tmp_path / "keepalived.conf"
    path.write_text(text, encoding="utf-8")
    done = subprocess.run([program("mainstayctl"), "config", "check", path], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_static_addresses_and_virtual_servers_in_one_file_are_all_known(tmp_path):
    code, said = tried(tmp_path, """global_defs {
   router_id a1
}
static_ipaddress {
    192.168.10.10/32 dev lo
}
virtual_server 192.168.10.10 23 {
    delay_loop 6
    lb_algo rr
    lb_kind TUN
    protocol TCP
    real_server 192.168.10.11 23 {
        weight 1
    }
}
""")
    assert code == 0 and said.endswith(": no problems\n"), said


def test_virtual_addresses_in_an_included_file_are_addresses_of_their_instance(tmp_path):
    code, said = tried(tmp_path, INSTANCE % "include vips.inc", vips=ADDRESS + "\n")
    assert code == 0 and said.endswith(": no problems\n"), said


def test_an_instance_in_a_file_that_a_pattern_includes_is_there_once(tmp_path):
    code, said = tried(tmp_path, f"include {tmp_path}/*.inc\n", one=INSTANCE % ADDRESS)
    assert code == 0 and said.endswith(": no problems\n"), said


@pytest.mark.parametrize("keyword", ["state", "priority", "advert_int", "interface"])
def test_a_keyword_without_its_value_is_named_with_its_line_and_the_value_that_it_wants(tmp_path, keyword):
    code, said = tried(tmp_path, INSTANCE % f"{keyword}\n{ADDRESS}")
    assert code == 2
    assert f"/keepalived.conf:5:5: fatal MS0113: {keyword} has no value" in said
    assert f"expected: {keyword} " in said


def test_routes_of_both_families_may_go_with_addresses_of_one(tmp_path):
    routes = "virtual_routes {\n 10.7.0.0/16 via 192.168.1.1 dev lo\n 2001:db8:7::/48 via 2001:db8::1 dev lo\n}"
    excluded = "virtual_ipaddress_excluded {\n 2001:db8::99/64\n}"
    code, said = tried(tmp_path, INSTANCE % "\n".join((ADDRESS, excluded, routes)))
    assert code == 0 and said.endswith(": no problems\n"), said


def test_what_follows_a_quoted_command_is_named_as_no_user_of_this_host(tmp_path):
    code, said = tried(tmp_path, INSTANCE % f'notify_master "/bin/true master">  /etc/keepalived/abc.txt\n{ADDRESS}')
    assert code == 1
    assert "/keepalived.conf:5:19: warning MS0300: (VI_1) notify_master: there is no user /etc/keepalived/abc.txt" in said
    assert "put command and arguments in double quotes" in said
