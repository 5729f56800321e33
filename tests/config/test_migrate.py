"""mainstayctl migrate: what it reports of a set-up in a folder, and files of other programs that mainstayd accepts."""

import json
import os
import subprocess

import pytest

from support.paths import program

SECONDS = 30

RULES = """\
-A -t 10.0.0.1:80 -s wlc -p 300 -M 255.255.255.0
-a -t 10.0.0.1:80 -r 10.0.0.11:8080 -m -w 3
-a -t 10.0.0.1:80 -r 10.0.0.12:80 -i -w 1 --tun-type gue --tun-port 6080
-A -f 6 -6 -s rr -p 360
-a -f 6 -6 -r [2001:db8::11]:0 -g -w 1
"""
LDIRECTORD = """\
checktimeout=3
checkinterval=5
fallback=127.0.0.1:80 gate
fallbackcommand=/bin/true
emailalert="root@example.com"
quiescent=no
virtual=192.168.6.240:http
\treal=192.168.6.2->192.168.6.4:80 gate
\tservice=http
\tscheduler=rr
\tchecktype=negotiate
\trequest="index.html"
\treceive="Test Page"
\tvirtualhost=www.example.com
virtual=192.168.6.240:25
\treal=192.168.6.2:25 masq
\tchecktype=external
\tcheckcommand="/bin/true"
virtual6=[2001:db8::5]:443
\treal6=[2001:db8::6]:443 masq
\tchecktype=connect
\tfallback6=[::1]:443
"""


def ctl(*words, text_in=None):
    return subprocess.run([program("mainstayctl"), "migrate", *map(str, words)], input=text_in, capture_output=True,
                          text=True, timeout=SECONDS, check=False)


def accepts(text, tmp_path):
    """What `mainstayd -t` says of it."""
    path = tmp_path / "made.conf"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    done = subprocess.run([program("mainstayd"), "-t", "-f", str(path)], capture_output=True, text=True, timeout=SECONDS,
                          check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name,text", [("ipvsadm", RULES), ("ldirectord", LDIRECTORD)])
def test_what_is_made_is_accepted_by_the_daemon(name, text, tmp_path):
    source = tmp_path / "source"
    source.write_text(text, encoding="utf-8")

    from_file, from_stdin = ctl("--from", name, source), ctl("--from", name, "-", text_in=text)

    assert (from_file.returncode, from_file.stderr) == (0, "")
    assert from_stdin.stdout == from_file.stdout
    code, said = accepts(from_file.stdout, tmp_path)
    assert code == 0, said


def test_what_is_lost_is_reported_with_its_line_and_exit_code_1(tmp_path):
    done = ctl("--from", "ldirectord", "-", text_in=LDIRECTORD + "\tservice=ldap\n\tchecktype=negotiate\n\tpasswd=geheim\n")

    assert done.returncode == 1
    assert "mainstayctl: standard input:23: not carried over: service=ldap: no check of mainstay speaks ldap; " \
           "TCP_CHECK stands for it\n" in done.stderr
    assert "# not carried over (line 23): service=ldap" in done.stdout
    assert "geheim" not in done.stdout + done.stderr
    assert accepts(done.stdout, tmp_path)[0] == 0


@pytest.mark.parametrize("name,text,said", [
    ("ipvsadm", "-A -t 10.0.0.1:http -s rr\n", "standard input:1: '10.0.0.1:http' is not an address with a port number"),
    ("ipvsadm", "IP Virtual Server version 1.2.1\n", "standard input:1: 'IP Virtual Server version 1.2.1' is no rule"),
    ("ldirectord", "vrrp_instance VI_1 {\n", "standard input:1: 'vrrp_instance VI_1 {' is no line"),
])
def test_an_input_that_cannot_be_read_is_exit_code_2(name, text, said):
    done = ctl("--from", name, "-", text_in=text)

    assert (done.returncode, done.stdout) == (2, "")
    assert f"mainstayctl: {said}" in done.stderr


def test_a_missing_file_is_exit_code_2():
    done = ctl("--from", "ipvsadm", "/there/is/none")

    assert (done.returncode, done.stdout, done.stderr) == (2, "", "mainstayctl: /there/is/none cannot be read\n")


@pytest.mark.parametrize("words", [["--from", "ipvsadm"], ["file"], ["--from", "haproxy", "-"], ["--from", "ipvsadm", "-", "--json"]])
def test_wrong_arguments_are_exit_code_2(words):
    assert ctl(*words).returncode == 2


@pytest.fixture
def root(tmp_path):
    """A host's set-up below a folder."""
    def put(path, text, mode=0o644):
        file = tmp_path / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(mode)

    put("/etc/keepalived/keepalived.conf", """\
global_defs {
    enable_snmp_vrrp
    notify_fifo /run/keepalived.fifo
}
include conf.d/*.conf
""")
    put("/etc/keepalived/conf.d/instance.conf", """\
vrrp_script chk {
    script "/usr/local/bin/check --fast"
    interval 2
}
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    virtual_ipaddress {
        192.0.2.10/24
    }
    track_script {
        chk
    }
    notify_master /usr/local/bin/gone
}
""")
    put("/etc/default/keepalived", 'DAEMON_ARGS="-D -d"\n')
    put("/etc/systemd/system/keepalived.service.d/nice.conf", "[Service]\nNice=-10\n")
    put("/lib/systemd/system/keepalived.service.d/nice.conf", "[Service]\nNice=5\n")
    put("/usr/local/bin/check", "#!/bin/sh\n", 0o777)
    return tmp_path


def snapshot(folder):
    return {path: path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}


def test_the_report_of_a_set_up_names_what_was_found_what_differs_and_what_to_do(root):
    before = snapshot(root)
    done = ctl("--root", root)
    text = done.stdout.replace(str(root), "ROOT")

    assert (done.returncode, done.stderr) == (1, "")
    assert [line for line in text.splitlines() if line.startswith("What ")] == ["What was found", "What differs", "What to do"]
    owner = f"{os.getuid()}:{os.getgid()}"
    for line in ["- /etc/keepalived/keepalived.conf: 1 VRRP instance, 0 sync groups, 0 virtual servers",
                 "- ROOT/etc/keepalived/conf.d/instance.conf: included",
                 "- options of keepalived: -D -d",
                 f"- script /usr/local/bin/check of vrrp_script chk: owner {owner}, mode 0777",
                 "- script /usr/local/bin/gone of vrrp_instance VI_1 notify_master: it does not exist",
                 "- notify_fifo /run/keepalived.fifo: it does not exist now",
                 "- SNMP over AgentX",
                 "- -d/--dump-conf has no effect yet",
                 "- /etc/systemd/system/keepalived.service.d/nice.conf:2: Nice=-10: mainstay.service does not have it"]:
        assert line in text.splitlines(), line
    assert "Nice=5" not in text
    assert "/usr/local/bin/check: others than root may change" in text
    assert 'MAINSTAY_OPTIONS="-D"' in text
    assert "systemctl disable --now keepalived && systemctl enable --now mainstay" in text
    assert snapshot(root) == before


def test_the_report_as_json(root):
    done = ctl("--root", root, "--json")
    report = json.loads(done.stdout)

    assert done.returncode == 1
    assert list(report) == ["can_run", "found", "differs", "steps"]
    assert report["can_run"] is True
    assert {"what": "KEEPALIVED-MIB has no tables of virtual routes and rules", "fix": ""} in report["differs"]


def test_a_set_up_without_a_configuration_is_exit_code_2(tmp_path):
    done = ctl("--root", tmp_path)

    assert done.returncode == 2
    assert "- no configuration: /etc/keepalived/keepalived.conf does not exist" in done.stdout


def test_an_absolute_include_is_one_below_the_root(root):
    conf = root / "etc/keepalived/keepalived.conf"
    conf.write_text("include /etc/keepalived/conf.d/*.conf\n", encoding="utf-8")

    done = ctl("--root", root)
    assert "- /etc/keepalived/keepalived.conf: 1 VRRP instance," in done.stdout
    assert f"- {root}/etc/keepalived/conf.d/instance.conf: included" in done.stdout


def test_the_file_that_an_option_names_is_read(root):
    (root / "etc/ha.conf").write_text("vrrp_instance OTHER {\n  interface eth0\n  virtual_router_id 9\n}\n", encoding="utf-8")
    (root / "etc/default/keepalived").write_text("DAEMON_ARGS='-f /etc/ha.conf'\n", encoding="utf-8")

    assert "- /etc/ha.conf: 1 VRRP instance," in ctl("--root", root).stdout
