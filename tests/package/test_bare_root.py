"""tools/bare-root gives a command a bare Debian with this checkout in it, and leaves nothing of it on the host."""

import subprocess

import pytest

from support.paths import TOP

MAKE_SECONDS = 300
TOOL = TOP / "tools" / "bare-root"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the root is, in memory: dpkg waits for the disk after each file otherwise."""
    memory = tmp_path_factory.mktemp("bare")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1G,mode=755", "bare-root", str(memory)], check=True)
    try:
        yield memory / "root"
    finally:
        subprocess.run(["umount", "--lazy", str(memory)], check=False)


def bare_root(folder, *words):
    return subprocess.run([TOOL, "bookworm", "--folder", folder, *words], capture_output=True, text=True,
                          timeout=MAKE_SECONDS, stdin=subprocess.DEVNULL, check=False)


def test_a_command_runs_in_this_checkout_with_build_folders_of_its_own(folder):
    script = "pwd; ls -A build; touch build/of-the-root; command -v g++ python3; . /etc/os-release; echo $VERSION_CODENAME; exit 7"

    done = bare_root(folder, "--", "/bin/sh", "-c", script)

    assert done.returncode == 7, done.stdout + done.stderr
    assert done.stdout.splitlines()[1:] == [str(TOP), "bookworm"]  # the first line says that a root is made
    assert not (TOP / "build" / "of-the-root").exists()


def test_the_next_command_finds_the_root_as_the_last_one_left_it(folder):
    done = bare_root(folder, "--", "ls", "build")

    assert (done.returncode, done.stdout) == (0, "of-the-root\n"), done.stderr
    mounts = (TOP / "/proc/self/mounts").read_text(encoding="utf-8")
    assert f"{folder}/" not in mounts  # nothing is left mounted on the host


def test_in_a_plain_chroot_too_a_program_gets_a_mount_namespace_of_its_own(folder):
    """The folder is no mount point, and its mounts are shared with the host, as systemd has them."""
    installed = bare_root(folder, "--", "sh", "-c", "apt-get -qq update && apt-get -qq install mount")
    assert installed.returncode == 0, installed.stdout + installed.stderr
    script = ('unshare --mount echo without; tools/test.d/in_own_root unshare --mount echo "with it"; '
              'tools/test.d/in_own_root sh -c pwd; ls /proc/self/comm')
    enter = ('mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && mount --bind "$1" "$0$1" && '
             'exec chroot "$0" /bin/sh -c "cd \\"\\$0\\"; $2" "$1"')

    done = subprocess.run(["unshare", "--mount", "--propagation", "shared", "/bin/sh", "-c", enter, folder, TOP, script],
                          capture_output=True, text=True, check=False)

    assert done.stdout == f"with it\n{TOP}\n/proc/self/comm\n", done.stderr


def test_a_folder_that_is_not_its_own_is_neither_used_nor_thrown_away(tmp_path):
    (tmp_path / "precious").touch()

    for words in ([], ["--fresh"]):
        done = bare_root(tmp_path, *words, "--", "true")
        assert (done.returncode, done.stdout) == (1, "")
        assert str(tmp_path) in done.stderr

    assert [entry.name for entry in tmp_path.iterdir()] == ["precious"]


def test_without_a_release_it_says_so():
    done = subprocess.run([TOOL, "--", "true"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (1, "bare-root: which release? (see --help)\n")
