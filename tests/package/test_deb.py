"""The Debian packages: what is in which, lintian."""

import re
import subprocess

from support.paths import TOP

from .deb_files import field, only

NAMES = ["mainstay", "mainstay-doc", "mainstay-keepalived-compat", "mainstay-realserver", "mainstay-snmp"]
SECONDS = 300


def contents(package):
    """The paths of a package, without folders."""
    listed = subprocess.run(["dpkg-deb", "-c", package], capture_output=True, text=True, check=True).stdout
    return {line.split()[5].removeprefix(".") for line in listed.splitlines() if not line.startswith("d")}


def test_the_files_are_where_an_operator_looks_for_them(debs):
    held = {name: contents(only(debs, name)) for name in NAMES}

    for path in ("/usr/sbin/mainstayd", "/usr/bin/mainstayctl", "/etc/mainstay/mainstay.toml", "/etc/default/mainstay",
                 "/lib/systemd/system/mainstay.service", "/lib/systemd/system/mainstay@.service",
                 "/etc/needrestart/conf.d/mainstay.conf", "/usr/lib/sysusers.d/mainstay.conf",
                 "/usr/share/doc/mainstay/README.md", "/usr/libexec/mainstay/mainstayd-vrrp", "/usr/share/mainstay/apparmor/usr.sbin.mainstayd"):
        assert path in held["mainstay"] or f"/usr{path}" in held["mainstay"]
    for path in ("/usr/sbin/mainstay-realserver", "/lib/systemd/system/mainstay-realserver@.service"):
        assert path in held["mainstay-realserver"] or f"/usr{path}" in held["mainstay-realserver"]
    assert "/usr/libexec/mainstay/mainstayd-snmp" in held["mainstay-snmp"]
    documents = "/usr/share/doc/mainstay"
    assert {f"{documents}/docs/compatibility.md", f"{documents}/examples/routing/frr-director.conf"} <= held["mainstay-doc"]
    assert "/usr/share/doc/mainstay/docs/compatibility.head.md" not in held["mainstay-doc"]
    assert {"/usr/sbin/keepalived", "/usr/bin/genhash",
            "/etc/needrestart/conf.d/mainstay-keepalived-compat.conf"} <= held["mainstay-keepalived-compat"]
    listed = subprocess.run(["dpkg-deb", "-c", only(debs, "mainstay-keepalived-compat")], capture_output=True, text=True, check=True)
    assert re.search(r"^-rwxr-xr-x .* \./usr/sbin/keepalived$", listed.stdout, re.MULTILINE)  # a link's target would be its exe
    assert not [path for path in held["mainstay"] if path.startswith(("/etc/apparmor.d", "/usr/share/selinux"))]


def test_no_file_is_in_two_packages_and_each_that_moved_replaces_the_old_one(debs):
    every = [path for name in NAMES for path in contents(only(debs, name))]

    assert sorted(every) == sorted(set(every))
    for name in ("mainstay-realserver", "mainstay-snmp", "mainstay-doc"):
        assert field(only(debs, name), "Breaks") == field(only(debs, name), "Replaces") == "mainstay (<< 0.2.0~)"


def test_needrestart_restarts_no_daemon_by_itself():
    """Its files are evaluated as it does that; a unit is restarted unless a pattern that matches it says 0."""
    script = r"""
our %nrconf = (override_rc => {});
foreach my $fn (sort <packaging/needrestart/*.conf>) { eval do { local(@ARGV, $/) = $fn; <> }; die $@ if $@; }
foreach my $unit (@ARGV) { print "$unit\n" unless grep { $unit =~ /$_/ && !$nrconf{override_rc}{$_} } keys %{$nrconf{override_rc}}; }
"""
    units = ["mainstay.service", "mainstay@blue.service", "keepalived.service", "mainstay-realserver@192.168.4.15.service",
             "nginx.service", "not-mainstay.service"]

    done = subprocess.run(["perl", "-e", script, *units], cwd=TOP, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout.split(), done.stderr) == (0, units[3:], "")


def test_an_upgrade_restarts_nothing(debs, tmp_path):
    """A restart takes addresses and services away; `mainstayctl upgrade` does not."""
    for package in debs:
        subprocess.run(["dpkg-deb", "-e", package, tmp_path / package.name], check=True)
        for script in (tmp_path / package.name).glob("p*[mt]"):  # preinst, postinst, prerm, postrm
            lines = [line for line in script.read_text(encoding="utf-8").splitlines() if not line.strip().startswith("#")]
            assert not [line for line in lines if "restart" in line], f"{package.name}: {script.name}"
            # The script before the unpacking can only be that of an upgrade; the one at a removal has a stop of its own.
            assert script.name != "preinst" or "stop" not in " ".join(lines), f"{package.name}: {script.name}"


def test_the_links_between_the_documents_lead_somewhere(debs):
    held = contents(only(debs, "mainstay")) | contents(only(debs, "mainstay-doc"))
    readme = (TOP / "README.md").read_text(encoding="utf-8")

    for link in re.findall(r"\]\((docs/[\w./-]+)\)", readme):
        assert f"/usr/share/doc/mainstay/{link}" in held, link


def test_lintian_finds_nothing_but_what_is_overridden_with_a_reason(debs):
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0", *debs],
                          capture_output=True, text=True, timeout=SECONDS, check=False)

    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    for file in (TOP / "packaging" / "debian").glob("*.lintian-overrides"):
        lines = file.read_text(encoding="utf-8").splitlines()
        for before, line in zip(["", *lines], lines):
            assert line.startswith("#") or before.startswith("#"), f"{file.name}: no reason above {line}"
