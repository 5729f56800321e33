"""One story on a clean Debian with systemd as PID 1: install, start, look at it, purge. Nothing is left behind.
Then again, with other units and under keepalived's name."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess

import pytest

from support.wait import wait_until

from .booted import CONFIG, addresses

CONSUL = pathlib.Path(__file__).resolve().parents[1] / "support" / "consul_server.py"
# What no package decides, and what installing any package changes. dpkg keeps what it removed in its own folder.
OTHERS = ("proc", "sys", "dev", "run", "tmp", "root", "var/log", "var/lib/dpkg", "var/lib/apt", "var/cache", "var/lib/systemd",
          "var/tmp", "etc/machine-id", "etc/.updated", "var/.updated", "etc/ld.so.cache")
# The accounts stay: files may bear their numbers.
ACCOUNTS = {f"etc/{name}{suffix}" for name in ("passwd", "group", "shadow", "gshadow", "subuid", "subgid") for suffix in ("", "-")}
# keepalived, which runs here as well, writes its name for `ip address` there from 2.3 on, and leaves it.
NAMED_BY_KEEPALIVED = {"etc/iproute2", "etc/iproute2/rt_addrprotos.d", "etc/iproute2/rt_addrprotos.d/keepalived.conf"}


def listing(root):
    """{path: what it is} of all that an administrator could find."""
    found = {}
    for folder, folders, files in os.walk(root):
        relative = os.path.relpath(folder, root).removeprefix("./")
        folders[:] = [name for name in folders if os.path.normpath(f"{relative}/{name}") not in OTHERS]
        for name in folders + files:
            path = pathlib.Path(folder, name)
            known = os.path.normpath(f"{relative}/{name}")
            facts = path.lstat()
            if stat.S_ISREG(facts.st_mode):
                what = hashlib.sha256(path.read_bytes()).hexdigest()
            else:
                what = os.readlink(path) if stat.S_ISLNK(facts.st_mode) else ""
            if known not in OTHERS:
                found[known] = (oct(facts.st_mode), facts.st_uid, facts.st_gid, what)
    return found


@pytest.fixture(scope="module")
def before(booted):
    return listing(booted.root.path)


def test_the_installation_starts_nothing(booted, before, debs):
    wanted = [deb for deb in debs if re.match(r"mainstay(-realserver)?_", deb.name)]
    booted.root.put(*wanted)

    booted.run("dpkg", "-i", *(f"/root/{deb.name}" for deb in wanted))

    assert (booted.show("ActiveState"), booted.show("UnitFileState")) == ("inactive", "disabled")


def test_a_keepalived_is_taken_over_and_given_back_by_systemd(booted, before):
    file = booted.root.path / "etc/keepalived/keepalived.conf"
    file.write_text(CONFIG, encoding="utf-8")
    booted.run("systemctl", "start", "keepalived")
    held = {"192.168.4.11/24", "192.168.4.200/24"}
    wait_until(lambda: addresses(booted) == held, 20, "keepalived's address")

    booted.run("mainstayctl", "takeover")
    assert (booted.show("ActiveState"), booted.show("ActiveState", "keepalived")) == ("active", "inactive")
    assert (booted.show("Restart"), addresses(booted)) == ("on-failure", held)
    assert "VI_1" in booted.run("mainstayctl", "status").stdout

    booted.run("mainstayctl", "takeover", "--undo")
    assert (booted.show("ActiveState"), booted.show("ActiveState", "keepalived")) == ("inactive", "active")
    assert addresses(booted) == held

    booted.run("mainstayctl", "takeover")
    booted.run("mainstayctl", "takeover", "--confirm")
    assert (booted.show("UnitFileState"), booted.show("UnitFileState", "keepalived")) == ("enabled", "disabled")
    assert (booted.show("ActiveState"), addresses(booted)) == ("active", held)
    assert booted.run("find", "/run", "-name", "*takeover*").stdout == ""

    booted.run("systemctl", "disable", "--now", "mainstay")
    booted.run("systemctl", "enable", "keepalived")
    file.unlink()
    assert addresses(booted) == {"192.168.4.11/24"}


def test_the_unit_starts_it_and_it_holds_its_address(booted):
    (booted.root.path / "etc/mainstay/mainstay.conf").write_text(CONFIG, encoding="utf-8")
    (booted.root.path / "etc/mainstay/mainstay.toml").write_text('[api]\nlisten = ["127.0.0.1:9112"]\n', encoding="utf-8")

    (booted.root.path / "etc/mainstay/blue.conf").write_text(
        "instance blue\n" + CONFIG.replace("51", "52").replace(".200", ".201"), encoding="utf-8")

    booted.run("systemctl", "enable", "--now", "mainstay", "mainstay@blue")

    assert booted.show("ActiveState") == "active"
    wait_until(lambda: addresses(booted) == {"192.168.4.11/24", "192.168.4.200/24", "192.168.4.201/24"}, 20, "the addresses")
    assert "VI_1" in booted.run("mainstayctl", "status").stdout
    assert "<title>" in booted.fetch("http://127.0.0.1:9112/")


def processes(booted):
    """The numbers of the processes of both units, as they are called inside."""
    files = [f"/sys/fs/cgroup{booted.show('ControlGroup', unit)}/cgroup.procs" for unit in ("mainstay", "mainstay@blue")]
    return set(booted.run("cat", *files).stdout.split())


def test_an_upgrade_of_the_package_leaves_the_daemon_alone_until_it_is_asked(booted, before, debs):
    """dpkg stops a service in one package's script and starts it in another's: between the two the address would be gone."""
    running, held = processes(booted), addresses(booted)
    main, blue = booted.show("MainPID"), booted.show("MainPID", "mainstay@blue")
    wanted = [deb for deb in debs if re.match(r"mainstay(-realserver)?_", deb.name)]

    booted.run("dpkg", "-i", *(f"/root/{deb.name}" for deb in wanted))

    assert ({main, blue} & running, processes(booted)) == ({main, blue}, running)
    assert addresses(booted) == held

    for file, first in (("", main), ("/run/mainstay/blue/control.sock", blue)):
        booted.run("mainstayctl", *(("--socket", file) if file else ()), "upgrade")
    wait_until(lambda: processes(booted) & running == {main, blue}, 20, "every role to be the new program's")
    assert (booted.show("MainPID"), booted.show("MainPID", "mainstay@blue")) == (main, blue)
    assert addresses(booted) == held == {"192.168.4.11/24", "192.168.4.200/24", "192.168.4.201/24"}


def test_a_purge_takes_everything_away(booted, before):
    for name in ("mainstay", "blue"):  # the administrator's own files
        (booted.root.path / f"etc/mainstay/{name}.conf").unlink()
    booted.run("systemctl", "disable", "mainstay@blue")

    booted.run("dpkg", "--purge", "mainstay", "mainstay-realserver")

    assert addresses(booted) == {"192.168.4.11/24"}
    assert booted.run("find", "/run", "-name", "*mainstay*").stdout == ""
    after = listing(booted.root.path)
    different = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    assert {path: (before.get(path), after.get(path)) for path in different - ACCOUNTS - NAMED_BY_KEEPALIVED} == {}


def test_units_without_scripts_do_their_work_in_their_sandbox(booted, debs, tmp_path):
    wanted = [deb for deb in debs if re.match(r"mainstay(-realserver)?_", deb.name)]
    booted.root.put(*wanted)
    booted.run("dpkg", "-i", *(f"/root/{deb.name}" for deb in wanted))

    booted.run("systemctl", "start", "mainstay-realserver@192.168.4.15")
    assert "192.168.4.15/32" in booted.run("ip", "-4", "addr", "show", "lo").stdout
    assert booted.run("cat", "/proc/sys/net/ipv4/conf/all/arp_ignore").stdout == "1\n"
    booted.run("systemctl", "stop", "mainstay-realserver@192.168.4.15")
    assert booted.show("Result", "mainstay-realserver@192.168.4.15") == "success"
    assert "192.168.4.15" not in booted.run("ip", "-4", "addr", "show", "lo").stdout
    assert booted.run("cat", "/proc/sys/net/ipv4/conf/all/arp_ignore").stdout == "0\n"

    (tmp_path / "state").write_text(json.dumps({"index": 1, "instances": [
        {"Node": {"Address": "10.0.0.9"}, "Service": {"Address": "10.0.0.1", "Port": 80, "Tags": []},
         "Checks": [{"Status": "passing"}]}]}), encoding="utf-8")
    folder = booted.root.path / "etc/mainstay/discover"
    folder.mkdir()
    (folder / "web.conf").write_text('DISCOVER="consul web"\n', encoding="utf-8")
    agent = subprocess.Popen(["nsenter", "--target", booted.init, "--net", "--", "/usr/bin/python3", CONSUL, "8500", tmp_path / "state"],
                             stdout=subprocess.DEVNULL)
    try:
        booted.run("systemctl", "start", "mainstay-discover@web")
        wait_until(lambda: "10.0.0.1:80" in booted.run("cat", "/run/mainstay-discover/web/servers.json", check=False).stdout, 20,
                   lambda: booted.run("journalctl", "-u", "mainstay-discover@web", check=False).stdout)
        booted.run("systemctl", "stop", "mainstay-discover@web")
    finally:
        agent.kill()
        agent.wait()
    assert booted.show("Result", "mainstay-discover@web") == "success"
    shutil.rmtree(folder)


def found(booted, *command):
    return set(map(int, booted.run(*command).stdout.split()))


def test_under_keepalived_s_name_it_is_found_as_keepalived_is(booted, debs):
    """Agents look at /proc/PID/exe before they signal (rootwrap's KillFilter), operators use pidof, pgrep and killall."""
    wanted = [deb for deb in debs if re.match(r"mainstay(-realserver|-keepalived-compat)?_", deb.name)]
    booted.root.put(*wanted)
    (booted.root.path / "etc/keepalived/keepalived.conf").write_text(CONFIG, encoding="utf-8")
    booted.run("dpkg", "-i", *(f"/root/{deb.name}" for deb in wanted))
    version = booted.run("keepalived", "--version").stderr
    assert version.startswith("Keepalived v2.4.3") and booted.run("/usr/sbin/keepalived", "-v").stderr == version
    for genhash in (["genhash"], ["keepalived", "--genhash"]):
        assert booted.run(*genhash, "--help").stdout.startswith("usage: genhash ")
    booted.run("systemctl", "restart", "keepalived")
    wait_until(lambda: "192.168.4.200/24" in addresses(booted), 20, "the address")
    main = int(booted.show("MainPID", "keepalived"))

    def seen(pid):
        return (booted.run("readlink", f"/proc/{pid}/exe").stdout.strip(), booted.run("cat", f"/proc/{pid}/comm").stdout.strip(),
                booted.run("cat", f"/proc/{pid}/cmdline").stdout.split("\0")[0])
    assert seen(main) == ("/usr/sbin/keepalived", "keepalived", "/usr/sbin/keepalived")
    vrrp = int(booted.run("cat", "/run/vrrp.pid").stdout)
    assert seen(vrrp) == ("/usr/libexec/mainstay/mainstayd-vrrp", "keepalived", "/usr/sbin/keepalived")
    group = f"/sys/fs/cgroup{booted.show('ControlGroup', 'keepalived')}/cgroup.procs"
    wait_until(lambda: len(found(booted, "cat", group)) == 4, 20, "supervisor, vrrp, observer and reader")
    assert {main, vrrp} < found(booted, "pgrep", "-x", "keepalived") < found(booted, "cat", group)
    assert found(booted, "pidof", "keepalived") == found(booted, "pgrep", "-f", "^/usr/sbin/keepalived ") == found(booted, "cat", group)
    assert booted.run("mainstayctl", "takeover", check=False).returncode != 0  # this is no keepalived

    booted.run("dpkg", "-i", *(f"/root/{deb.name}" for deb in wanted))
    booted.run("mainstayctl", "upgrade")
    assert int(booted.show("MainPID", "keepalived")) == main
    assert seen(main) == ("/usr/sbin/keepalived", "keepalived", "/usr/sbin/keepalived")

    booted.run("killall", "keepalived")
    wait_until(lambda: booted.show("ActiveState", "keepalived") == "inactive", 20, "the end")
    assert (booted.show("Result", "keepalived"), addresses(booted)) == ("success", {"192.168.4.11/24"})
    booted.run("systemctl", "start", "keepalived")
    wait_until(lambda: "192.168.4.200/24" in addresses(booted), 20, "the address")
    booted.run("systemctl", "stop", "keepalived")
    assert (booted.show("Result", "keepalived"), addresses(booted)) == ("success", {"192.168.4.11/24"})
