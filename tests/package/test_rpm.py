"""The spec makes a source package and, from the programs that were built here, binary packages.

Those are linked against this system's libraries, not CentOS's: what they show is that the spec, its file lists and its
scriptlets are right. Installation into a folder is without dependencies for the same reason.
"""

import subprocess


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

    for path in ("/usr/sbin/mainstayd", "/usr/sbin/mainstay-realserver", "/usr/bin/mainstayctl",
                 "/usr/lib/systemd/system/mainstay.service", "/usr/lib/systemd/system/mainstay-realserver@.service",
                 "/etc/mainstay/mainstay.toml", "/etc/sysconfig/mainstay"):
        assert path in listed
    settings = rpm("-qp", "--configfiles", binary(rpms)).split()
    assert settings == ["/etc/mainstay/mainstay.toml", "/etc/sysconfig/mainstay"]


def test_the_drop_in_provides_and_excludes_keepalived(rpms):
    drop_in = named(rpms, "mainstay-keepalived-compat")

    assert "keepalived = 2.4.3" in rpm("-qp", "--provides", drop_in)
    assert "keepalived" in rpm("-qp", "--conflicts", drop_in).split()
    assert "mainstay = " in rpm("-qp", "--requires", drop_in)
    assert "keepalived.conf" in rpm("-qp", "--triggers", drop_in)


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
    rpm("--root", root, "-i", "--nodeps", "--noplugins", binary(rpms), named(rpms, "mainstay-keepalived-compat"))

    # An account for each role: from the scriptlet, or from rpm itself (4.19 and later), which reads the package's sysusers.d before that.
    accounts = (root / "etc/passwd").read_text(encoding="ascii").splitlines()
    assert sorted(line.split(":")[0] for line in accounts) == [
        "mainstay-bfd", "mainstay-lvs", "mainstay-obs", "mainstay-read", "mainstay-snmp", "mainstay-track", "mainstay-vrrp", "root"]
    assert (root / "usr/sbin/mainstayd").exists()
    assert (root / "usr/sbin/keepalived").is_symlink()
    assert (root / "var/spool/mainstay").stat().st_mode & 0o777 == 0o750
    assert len(rpm("--root", root, "-qa").split()) == 2

    rpm("--root", root, "-e", "--noplugins", "mainstay-keepalived-compat", "mainstay")

    assert not (root / "usr/sbin/mainstayd").exists()
    assert not (root / "usr/sbin/keepalived").is_symlink()
