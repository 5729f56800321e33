"""The packages, built once from the programs in the build folder, and a clean Debian root to install them in."""

import contextlib
import fcntl
import os
import pathlib
import shutil
import subprocess

import pytest

from support.paths import BUILD, TOP

from .booted import Booted

INSTALL_SECONDS = 300
# Packed quickly: these packages live for one run.
os.environ.update(DPKG_DEB_COMPRESSOR_TYPE="gzip", DPKG_DEB_COMPRESSOR_LEVEL="1")


def build(kind, out):
    done = subprocess.run([TOP / "tools" / "package", kind, "--from-build", BUILD, "--out", out], capture_output=True,
                          text=True, timeout=INSTALL_SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """made_once(name, make): a folder with what make(folder) puts into it. For all files of a run of tools/test it is made once."""
    def made(name, make):
        if "MAINSTAY_MADE" not in os.environ:
            folder = tmp_path_factory.mktemp(name)
            make(folder)
            return folder
        folder = pathlib.Path(os.environ["MAINSTAY_MADE"]) / name
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder.with_suffix(".lock"), "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.with_suffix(".done").exists():
                make(folder)
                folder.with_suffix(".done").touch()
        return folder
    return made


@pytest.fixture(scope="session")
def debs(made_once):
    return sorted(made_once("deb", lambda out: build("deb", out)).glob("*.deb"))


@pytest.fixture(scope="session")
def rpms(made_once):
    return sorted(made_once("rpm", lambda out: build("rpm", out)).glob("*.rpm"))


KEY = "Test of mainstay <test@localhost>"


@pytest.fixture(scope="session")
def keyring(tmp_path_factory):
    """The environment with a home of gpg that has one signing key, which is thrown away."""
    home = tmp_path_factory.mktemp("gpg")
    home.chmod(0o700)
    env = {**os.environ, "GNUPGHOME": str(home)}
    try:
        subprocess.run(["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", KEY, "rsa2048", "sign",
                        "1d"], check=True, env=env, capture_output=True, timeout=INSTALL_SECONDS)
        yield env
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], check=False, env=env)


@pytest.fixture(scope="session")
def make_release(keyring):
    """make_release(packages, out, word...): what tools/release makes of these packages, signed with the key above."""
    def make(packages, out, *words):
        done = subprocess.run([TOP / "tools" / "release", "--from-build", BUILD, "--packages", packages[0].parent,
                               "--sign", KEY, "--out", out, *words], capture_output=True, text=True,
                              timeout=INSTALL_SECONDS, check=False, env=keyring)
        assert done.returncode == 0, done.stdout + done.stderr
        return out
    return make


class Root:
    """A folder with a whole small Debian in it."""

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def run(self, *command, check=True, eth0=False):
        """A program inside, in a mount and PID namespace of its own; with eth0, also in a network that has only that."""
        enter = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"'
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C",
                       **{k: v for k, v in os.environ.items() if k.endswith("_proxy")}}
        if eth0:
            enter = f"ip link add eth0 type veth peer name other && {enter}"
        done = subprocess.run(["unshare", "--mount", "--pid", *(["--net"] if eth0 else []), "--fork", "--kill-child",
                               "/bin/sh", "-c", enter, str(self.path), *command], capture_output=True, text=True,
                              timeout=INSTALL_SECONDS, stdin=subprocess.DEVNULL, env=environment, check=False)
        if check:
            assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
        return done

    def put(self, *files):
        for file in files:
            shutil.copy(file, self.path / "root")

    def packages(self):
        """{name: status} of what dpkg knows."""
        shown = self.run("dpkg-query", "-W", "-f", "${Package} ${db:Status-Abbrev}\n").stdout
        return {line.split()[0]: line.split()[1] for line in shown.splitlines()}


@contextlib.contextmanager
def unpacked(archive, path):
    """A root in memory: dpkg waits for the disk after each file otherwise."""
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2G,mode=755", path.name, path], check=True)
    try:
        subprocess.run(["tar", "-xpf", archive, "--numeric-owner", "-C", path], check=True)
        yield Root(path)
    finally:
        subprocess.run(["umount", "--lazy", path], check=False)


@pytest.fixture(scope="session")
def clean_archive(made_once):
    """Debian's essential packages and apt, nothing else. Fetched anew: that apt finds every dependency is the test."""
    def make(folder):
        codename = subprocess.run(["bash", "-c", ". /etc/os-release; echo $VERSION_CODENAME"], capture_output=True,
                                  text=True, check=True).stdout.strip()
        done = subprocess.run(["mmdebstrap", "--quiet", "--variant=apt", "--mode=root", "--skip=cleanup/apt",
                               "--dpkgopt=force-unsafe-io", '--customize-hook=cp /etc/resolv.conf /etc/hosts "$1/etc"',
                               codename, folder / "root.tar"],
                              capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return made_once("clean", make) / "root.tar"


@pytest.fixture(scope="session")
def clean_root(clean_archive, tmp_path_factory):
    with unpacked(clean_archive, tmp_path_factory.mktemp("root") / "debian") as root:
        # It has no service manager; should a maintainer script try to start something, it is told no.
        refusal = root.path / "usr/sbin/policy-rc.d"
        refusal.write_text("#!/bin/sh\necho \"$@\" >>/var/log/start-requests\nexit 101\n", encoding="ascii")
        refusal.chmod(0o755)
        yield root


@pytest.fixture(scope="session")
def service_archive(clean_archive, made_once, tmp_path_factory):
    """With systemd, for tests in which it is PID 1, and keepalived."""
    def make(folder):
        with unpacked(clean_archive, tmp_path_factory.mktemp("service") / "debian") as root:
            root.run("apt-get", "install", "-y", "--no-install-recommends", "systemd", "iproute2", "procps", "psmisc", "apt-utils",
                     "keepalived")
            subprocess.run(["tar", "-cpf", folder / "root.tar", "--numeric-owner", "-C", root.path, "."], check=True)
    return made_once("service", make) / "root.tar"


@pytest.fixture(scope="module")
def booted(service_archive, debs, tmp_path_factory):
    path = tmp_path_factory.mktemp("life") / "debian"
    needed = subprocess.run(["dpkg-deb", "-f", next(deb for deb in debs if deb.name.startswith("mainstay_")), "Depends"],
                            capture_output=True, text=True, check=True).stdout
    needed = ", ".join(part for part in needed.strip().split(", ") if not part.startswith("mainstay"))
    with unpacked(service_archive, path) as root:
        root.run("apt-get", "satisfy", "-y", "--no-install-recommends", needed)
        machine = Booted(root, path.parent / "systemd.log")
        try:
            yield machine
        finally:
            machine.end()
