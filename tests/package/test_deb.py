"""The Debian packages install with apt in a clean root, and what they bring works there. One story, in order."""

import subprocess

GOOD = """vrrp_instance VI_1 {
    state MASTER
    interface eth0
    virtual_router_id 51
    priority 150
    virtual_ipaddress {
        192.168.4.200
    }
}
"""


def only(packages, name):
    return next(p for p in packages if p.name.startswith(name + "_"))


def test_the_files_are_where_an_operator_looks_for_them(debs):
    listed = subprocess.run(["dpkg", "-c", only(debs, "mainstay")], capture_output=True, text=True, check=True).stdout

    for path in ("./usr/sbin/mainstayd", "./usr/sbin/mainstay-realserver", "./usr/bin/mainstayctl",
                 "./etc/mainstay/mainstay.toml", "./etc/default/mainstay", "/systemd/system/mainstay.service",
                 "/systemd/system/mainstay-realserver@.service", "./usr/lib/sysusers.d/mainstay.conf"):
        assert path in listed, f"{path} is not in the package:\n{listed}"


def test_apt_installs_it_with_its_account_and_spool_and_starts_nothing(debs, clean_root):
    clean_root.put(only(debs, "mainstay"))

    clean_root.run("apt-get", "install", "-y", "--no-install-recommends", f"/root/{only(debs, 'mainstay').name}")

    assert clean_root.packages()["mainstay"] == "ii"
    for role in ("vrrp", "lvs", "bfd", "track", "snmp", "obs"):
        assert clean_root.run("id", "-un", f"mainstay-{role}").stdout == f"mainstay-{role}\n"
    assert clean_root.run("id", "-Gn", "mainstay-obs").stdout == "mainstay\n"
    assert clean_root.run("stat", "-c", "%U %a", "/var/spool/mainstay").stdout == "mainstay-obs 750\n"
    asked_for = clean_root.path / "var/log/start-requests"
    assert not asked_for.exists() or "mainstay" not in asked_for.read_text(encoding="utf-8")
    assert not list((clean_root.path / "etc/systemd/system").glob("*.wants/mainstay*"))


def test_the_installed_program_tests_a_configuration(clean_root):
    (clean_root.path / "root/good.conf").write_text(GOOD, encoding="utf-8")
    (clean_root.path / "root/bad.conf").write_text(GOOD.replace("virtual_router_id 51", "virtual_router_id 256"), encoding="utf-8")

    good = clean_root.run("mainstayd", "-t", "-f", "/root/good.conf", check=False, eth0=True)
    bad = clean_root.run("mainstayd", "-t", "-f", "/root/bad.conf", check=False, eth0=True)

    assert good.returncode == 0, good.stdout + good.stderr
    assert bad.returncode not in (0, 126, 127)
    assert "/root/bad.conf:4:" in bad.stdout + bad.stderr


def test_the_other_programs_run(clean_root):
    for program in ("mainstayctl", "mainstay-realserver"):
        done = clean_root.run(program, "--help", check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_drop_in_takes_keepalived_away_and_answers_to_its_name(debs, clean_root):
    clean_root.run("apt-get", "install", "-y", "--no-install-recommends", "keepalived")
    (clean_root.path / "etc/keepalived/keepalived.conf").write_text(GOOD, encoding="utf-8")
    (clean_root.path / "etc/default/keepalived").write_text('DAEMON_ARGS="-D"\n', encoding="utf-8")
    clean_root.put(only(debs, "mainstay-keepalived-compat"))

    clean_root.run("apt-get", "install", "-y", "--no-install-recommends",
                   f"/root/{only(debs, 'mainstay-keepalived-compat').name}")

    packages = clean_root.packages()
    assert packages["mainstay-keepalived-compat"] == "ii"
    assert packages["keepalived"] == "rc"  # removed; its configuration files are left
    version = clean_root.run("keepalived", "--version")
    assert version.stderr.startswith("Keepalived v2.4.3")
    assert "mainstay" in version.stderr
    assert clean_root.run("keepalived", "-t", check=False, eth0=True).returncode == 0  # of /etc/keepalived/keepalived.conf
    assert (clean_root.path / "etc/default/keepalived").read_text(encoding="utf-8") == 'DAEMON_ARGS="-D"\n'
    unit = clean_root.run("sh", "-c", "cat /lib/systemd/system/keepalived.service").stdout
    assert "ExecStart=/usr/sbin/keepalived " in unit


def test_purging_leaves_no_spool_and_no_program(clean_root):
    clean_root.run("apt-get", "purge", "-y", "mainstay", "mainstay-keepalived-compat")

    assert not (clean_root.path / "var/spool/mainstay").exists()
    assert not (clean_root.path / "usr/sbin/mainstayd").exists()
    assert (clean_root.path / "etc/keepalived/keepalived.conf").exists()
