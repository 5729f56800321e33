"""The spec makes a source package and, from the programs that were built here, binary packages.

Those are linked against this system's libraries, not CentOS's: what they show is that the spec, its file lists and its
scriptlets are right. Installation into a folder is without dependencies for the same reason.
"""

import re
import subprocess

from support.paths import TOP

SECONDS = 300


def rpm(*words):
    return subprocess.run(["rpm", *map(str, words)], capture_output=True, text=True, check=True, timeout=120).stdout


def named(rpms, start):
    return next(p for p in rpms if p.name.startswith(start))


def binary(rpms):
    return next(p for p in rpms if p.name.startswith("mainstay-0") or p.name.startswith("mainstay-1")
                if not p.name.endswith(".src.rpm"))


def test_there_is_a_source_package_with_spec_and_sources(rpms):
    source = next(p for p in rpms if p.name.endswith(".src.rpm"))

    listed = rpm("-qpl", source).split()

    assert "mainstay.spec" in listed
    assert any(name.startswith("mainstay-") and name.endswith(".tar.gz") for name in listed)
    needed = rpm("-qp", "--requires", source)
    for package in ("libnl3-devel", "libmnl-devel", "boost-devel", "libcurl-devel", "meson"):
        assert package in needed


def test_the_binary_package_has_the_programs_units_and_settings(rpms):
    listed = rpm("-qpl", binary(rpms)).split("\n")

    for path in ("/usr/sbin/mainstayd", "/usr/bin/mainstayctl", "/usr/libexec/mainstay/mainstayd-vrrp",
                 "/usr/lib/systemd/system/mainstay.service", "/usr/lib/systemd/system/mainstay@.service", "/usr/share/doc/mainstay/README.md",
                 "/etc/mainstay/mainstay.toml", "/etc/sysconfig/mainstay"):
        assert path in listed
    settings = rpm("-qp", "--configfiles", binary(rpms)).split()
    assert settings == ["/etc/mainstay/mainstay.toml", "/etc/sysconfig/mainstay"]


def test_what_not_every_host_needs_is_in_packages_of_its_own(rpms):
    held = {name: rpm("-qpl", named(rpms, f"mainstay-{name}")).split("\n") for name in ("realserver", "snmp", "doc")}

    assert "/usr/sbin/mainstay-realserver" in held["realserver"]
    assert "/usr/lib/systemd/system/mainstay-realserver@.service" in held["realserver"]
    assert "/usr/libexec/mainstay/mainstayd-snmp" in held["snmp"]
    assert "/usr/share/doc/mainstay/docs/compatibility.md" in held["doc"]
    for name in ("realserver", "snmp", "doc"):  # dnf installs them when it upgrades the one package of 0.1.0
        assert "mainstay < 0.2.0" in rpm("-qp", "--obsoletes", named(rpms, f"mainstay-{name}"))
    assert "mainstay-snmp" in rpm("-qp", "--recommends", binary(rpms))
    assert not re.search(r"^mainstay\b", rpm("-qp", "--requires", named(rpms, "mainstay-realserver")), re.MULTILINE)


def test_an_upgrade_restarts_nothing(rpms):
    """A restart takes addresses and services away; `mainstayctl upgrade` does not."""
    for package in rpms:
        if not package.name.endswith(".src.rpm"):
            lines = [line for line in rpm("-qp", "--scripts", package).splitlines() if not line.startswith("#")]
            assert not [line for line in lines if "restart" in line or re.search(r"systemctl .*\bstart\b", line)]


def test_the_source_package_knows_its_version_and_what_changed(rpms):
    version = re.search(r"version: '([^']+)'", (TOP / "meson.build").read_text(encoding="utf-8"))[1]
    source = next(p for p in rpms if p.name.endswith(".src.rpm"))

    assert rpm("-qp", "--qf", "%{VERSION}", source) == version
    assert f"- {version}-1\n" in rpm("-qp", "--changelog", source)


def test_rpmlint_finds_nothing_but_what_is_filtered_with_a_reason(rpms):
    done = subprocess.run(["rpmlint", "-c", TOP / "packaging" / "rpm" / "rpmlint.toml", *rpms], capture_output=True,
                          text=True, timeout=SECONDS, check=False)

    findings = [line for line in done.stdout.splitlines() if re.search(r": [EW]: ", line)]
    assert (done.returncode, findings) == (0, []), done.stdout + done.stderr


def test_a_release_has_a_signed_repository_for_dnf_with_signed_packages(rpms, make_release, tmp_path):
    out = make_release(rpms, tmp_path / "out", "--rpm")

    index = out / "dnf" / "repodata" / "repomd.xml"
    signature = subprocess.run(["gpgv", "--keyring", out / "mainstay-archive-keyring.gpg", f"{index}.asc", index],
                               capture_output=True, text=True, check=False)
    assert signature.returncode == 0, signature.stderr
    # Binary packages of this system are not for installation, so they are not in it.
    packages = sorted(path.name for path in (out / "dnf").glob("*.rpm"))
    assert [name for name in packages if not name.endswith(".src.rpm")] == []
    assert len(packages) == 1
    (primary,) = (out / "dnf" / "repodata").glob("*primary.xml.gz")
    listed = subprocess.run(["zcat", primary], capture_output=True, text=True, check=True).stdout
    assert f'<location href="{packages[0]}"/>' in listed
    (tmp_path / "db").mkdir()
    rpm("--dbpath", tmp_path / "db", "--initdb")
    rpm("--dbpath", tmp_path / "db", "--import", out / "mainstay-archive-keyring.asc")
    assert "digests signatures OK" in rpm("--dbpath", tmp_path / "db", "--checksig", out / "dnf" / packages[0])


def test_the_drop_in_provides_and_excludes_keepalived(rpms):
    drop_in = named(rpms, "mainstay-keepalived-compat")

    assert "keepalived = 2.4.3" in rpm("-qp", "--provides", drop_in)
    assert "keepalived" in rpm("-qp", "--conflicts", drop_in).split()
    assert "mainstay = " in rpm("-qp", "--requires", drop_in)
    assert "keepalived.conf" in rpm("-qp", "--triggers", drop_in)


class Scriptlets:
    """The drop-in's scriptlets, on a host where systemctl and mainstayctl are scripts that write down how they are called."""

    def __init__(self, rpms, folder, active=(), status=0):
        self.package, self.folder = named(rpms, "mainstay-keepalived-compat"), folder
        for name, line in (("systemctl", f'case "$*" in *is-active*) for u in {" ".join(active)}; do case "$*" in *$u) exit 0 ;; '
                                         'esac; done; exit 3 ;; esac; echo "systemctl $*" >>"$CALLS"'),
                           ("mainstayctl", f'echo "mainstayctl $*" >>"$CALLS"; exit {status}')):
            (folder / name).write_text(f"#!/bin/sh\n{line}\n", encoding="ascii")
            (folder / name).chmod(0o755)
        (folder / "systemd").mkdir()

    def run(self, tag, number):
        """(what was called, what was said)"""
        text = rpm("-qp", "--qf", f"[%{{{tag}}}]", self.package).replace("/run/systemd/system", str(self.folder / "systemd"))
        calls = self.folder / "calls"
        calls.write_text("", encoding="ascii")
        done = subprocess.run(["/bin/sh", "-c", text, "scriptlet", str(number)], capture_output=True, text=True, check=False,
                              env={"PATH": f"{self.folder}:/usr/bin:/bin", "CALLS": str(calls)})
        assert done.returncode == 0, done.stderr
        return calls.read_text(encoding="ascii").splitlines(), done.stderr


def test_the_drop_in_takes_over_from_a_keepalived_before_its_package_stops_it(rpms, tmp_path):
    host = Scriptlets(rpms, tmp_path, active=["keepalived.service"])

    assert host.run("PREIN", 1) == (["mainstayctl takeover"], "")
    assert host.run("PREIN", 2) == ([], "")  # an upgrade


def test_a_keepalived_that_cannot_be_taken_over_is_said_to_stop(rpms, tmp_path):
    host = Scriptlets(rpms, tmp_path, active=["keepalived.service"], status=2)

    calls, said = host.run("PREIN", 1)

    assert (calls, said.startswith("keepalived stops with its package")) == (["mainstayctl takeover"], True)


def test_where_no_keepalived_runs_nothing_is_taken_over(rpms, tmp_path):
    assert Scriptlets(rpms, tmp_path).run("PREIN", 1) == ([], "")


def test_what_has_taken_over_goes_on_and_the_next_boot_starts_the_drop_in_s_unit(rpms, tmp_path):
    host = Scriptlets(rpms, tmp_path, active=["mainstay.service"])

    assert host.run("TRIGGERSCRIPTS", 1)[0] == ["systemctl daemon-reload", "systemctl --quiet disable mainstay.service",
                                                "systemctl --quiet enable keepalived.service"]


def test_it_installs_and_goes_again_with_all_its_scriptlets(rpms, tmp_path):
    """rpm runs scriptlets in a chroot: a copy of the few programs they use stands there."""
    root = tmp_path / "root"
    # rpm writes a scriptlet to a file in the root: before 4.20 in /var/lib, since then in /var/tmp.
    for folder in ("etc", "usr/sbin", "usr/bin", "var/lib", "var/tmp", "proc", "dev", "tmp"):
        (root / folder).mkdir(parents=True)
    for link in ("bin", "sbin", "lib", "lib64"):
        (root / link).symlink_to(f"usr/{link}")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n", encoding="ascii")
    (root / "etc/group").write_text("root:x:0:\n", encoding="ascii")
    subprocess.run(["cp", "/bin/busybox", root / "usr/bin/sh"], check=True)
    # The account programs leave a trace that can be looked at; busybox takes the account up.
    for name, line in (("groupadd", 'for name; do :; done; echo "$name:x:990:" >>/etc/group'),
                       ("useradd", 'for name; do :; done; echo "$name:x:990:990::/:/sbin/nologin" >>/etc/passwd'),
                       ("getent", 'case $1 in group) f=/etc/group ;; *) f=/etc/passwd ;; esac\n'
                                  'while IFS= read -r l; do case $l in "$2:"*) exit 0 ;; esac; done <$f; exit 2')):
        (root / "usr/sbin" / name).write_text(f"#!/bin/sh\n{line}\n", encoding="ascii")
        (root / "usr/sbin" / name).chmod(0o755)

    rpm("--root", root, "--initdb")
    rpm("--root", root, "-i", "--nodeps", "--noplugins", binary(rpms),
        *(named(rpms, f"mainstay-{name}") for name in ("keepalived-compat", "realserver", "snmp", "doc")))

    # An account for each role: from the scriptlet, or from rpm itself (4.19 and later), which reads the package's sysusers.d before that.
    accounts = (root / "etc/passwd").read_text(encoding="ascii").splitlines()
    assert sorted(line.split(":")[0] for line in accounts) == [
        "mainstay-bfd", "mainstay-lvs", "mainstay-obs", "mainstay-read", "mainstay-snmp", "mainstay-track", "mainstay-vrrp", "root"]
    assert (root / "usr/sbin/mainstayd").exists()
    assert (root / "usr/sbin/keepalived").read_bytes() == (root / "usr/sbin/mainstayd").read_bytes()
    assert not (root / "usr/sbin/keepalived").is_symlink()  # its target would be its /proc/PID/exe
    assert (root / "var/spool/mainstay").stat().st_mode & 0o777 == 0o750
    assert len(rpm("--root", root, "-qa").split()) == 5

    rpm("--root", root, "-e", "--noplugins", "mainstay-keepalived-compat", "mainstay-snmp", "mainstay")

    assert (root / "usr/sbin/mainstay-realserver").exists()  # which needs nothing else

    assert not (root / "usr/sbin/mainstayd").exists()
    assert not (root / "usr/sbin/keepalived").exists()
