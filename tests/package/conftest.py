"""The packages, built once from the programs in the build folder, and a clean Debian root to install them in."""

import os
import pathlib
import shutil
import subprocess

import pytest

from support.paths import BUILD, TOP

INSTALL_SECONDS = 300


def build(kind, out):
    done = subprocess.run([TOP / "tools" / "package", kind, "--from-build", BUILD, "--out", out], capture_output=True,
                          text=True, timeout=INSTALL_SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return sorted(out.glob(f"*.{kind}"))


@pytest.fixture(scope="session")
def debs(tmp_path_factory):
    return build("deb", tmp_path_factory.mktemp("deb"))


@pytest.fixture(scope="session")
def rpms(tmp_path_factory):
    return build("rpm", tmp_path_factory.mktemp("rpm"))


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


@pytest.fixture(scope="session")
def clean_root(tmp_path_factory):
    """Debian's essential packages and apt, nothing else. Fetched anew: that apt finds every dependency is the test."""
    path = tmp_path_factory.mktemp("root") / "debian"
    path.mkdir()
    # In memory: dpkg waits for the disk after each file otherwise.
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2G,mode=755", "clean-root", str(path)], check=True)
    try:
        yield make_clean_root(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=False)


def make_clean_root(path):
    codename = subprocess.run(["bash", "-c", ". /etc/os-release; echo $VERSION_CODENAME"], capture_output=True,
                              text=True, check=True).stdout.strip()
    done = subprocess.run(["mmdebstrap", "--quiet", "--variant=apt",
                           "--mode=root", "--skip=cleanup/apt,check/empty",
                           "--dpkgopt=force-unsafe-io", codename, str(path)],
                          capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("resolv.conf", "hosts"):
        shutil.copy(pathlib.Path("/etc") / name, path / "etc" / name)
    # A root in a folder has no service manager; should a maintainer script try to start something, it is told no.
    (path / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\necho \"$@\" >>/var/log/start-requests\nexit 101\n", encoding="ascii")
    (path / "usr/sbin/policy-rc.d").chmod(0o755)
    return Root(path)
