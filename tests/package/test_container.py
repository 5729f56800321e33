"""The container of packaging/container: its root folder is made and run as an engine would, without one."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest

from support.capture import Capture
from support.container import CAPABILITIES, FOLDER, Container, make_root
from support.vmac import MAC4
from support.vrrp import VIP, office, wait_holds, wait_released
from support.wait import wait_until

yaml = pytest.importorskip("yaml")

COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
RIGHTS = COMPOSE["services"]["one"]["cap_add"]
SERVICE = "virtual_server 192.168.4.201 80 {\n protocol TCP\n real_server 192.168.4.12 80 {\n TCP_CHECK {\n }\n }\n}\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """With a shell and sleep, for a script that leaves a process behind."""
    folder = tmp_path_factory.mktemp("container")
    yield make_root(folder, "--with", "/bin/sh", "--with", "/bin/sleep")
    shutil.rmtree(folder)


@pytest.fixture
def start(lan, root, tmp_path):
    """start(host, rights=..., options=..., inside=..., more=...): a container of compose.yaml's service of this name.

    The configuration gets more text inside its instance and behind it.
    """
    running = []

    def begin(host, rights=RIGHTS, options=(), inside="", more=""):
        folders, number = {}, len(running)
        for volume in COMPOSE["services"][host.name]["volumes"]:
            outside, place, mode = volume.split(":")
            assert mode == "ro"
            folders[place] = tmp_path / str(number) / place[1:]
            shutil.copytree(FOLDER / outside, folders[place])
        configuration = folders["/etc/keepalived"] / "keepalived.conf"
        text = configuration.read_text(encoding="utf-8").replace("advert_int 1\n", f"advert_int 1\n{inside}")
        configuration.write_text(text + more, encoding="utf-8")
        running.append(Container(host, root, tmp_path / f"{host.name}.{number}.log", rights, folders, *options))
        running[-1].configuration = configuration
        return running[-1]

    yield begin
    for container in running:
        print(f"---- {container.log_file.name} ----\n{container.output()}")
        container.kill()


def children(container, name):
    """Pids of the processes of this name whose parent is process 1 of the container."""
    first = container.pid()
    pids = pathlib.Path(f"/proc/{first}/task/{first}/children").read_text(encoding="ascii").split()
    names = subprocess.run(["ps", "-o", "pid=,comm=", "-p", ",".join(pids)], capture_output=True, text=True,
                           check=False).stdout
    return [line.split()[0] for line in names.splitlines() if line.split()[1] == name]


def ask(host, path):
    """(status, document) of the API at the container's loopback address."""
    done = host.run(["curl", "-s", "-w", "\n%{http_code}", f"http://127.0.0.1:9112{path}"], check=False).stdout
    body, _, status = done.rpartition("\n")
    return status, json.loads(body) if body else None


def test_the_root_has_the_programs_their_libraries_and_no_package_manager(root):
    for name in ("sbin/mainstayd", "bin/mainstayctl", "sbin/mainstay-realserver"):
        done = subprocess.run(["chroot", root, f"/usr/{name}", "--help"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    programs = {path.name for folder in ("usr/sbin", "usr/bin") for path in (root / folder).iterdir()}
    assert programs == {"mainstayd", "mainstayctl", "mainstay-realserver", "mainstay-genhash", "sh", "sleep"}
    assert not (root / "etc/shadow").exists()
    writable = [path for path in root.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o022]
    assert writable == [root / "tmp"]


def test_the_readme_and_both_services_of_compose_yaml_have_the_same_rights():
    command = (FOLDER / "README.md").read_text(encoding="utf-8").split("mainstay\n    podman exec")[0]
    given = ",".join(re.findall(r"--cap-add (\S+)", command)).split(",")

    assert given == RIGHTS == COMPOSE["services"]["two"]["cap_add"]
    assert COMPOSE["services"]["one"]["cap_drop"] == ["ALL"]


def test_make_root_refuses_a_folder_that_is_not_empty(root):
    done = subprocess.run([FOLDER / "make-root", root, root / "usr"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (1, f"make-root: {root}/usr is not empty\n")


def test_a_pair_runs_with_a_read_only_root_and_the_rights_of_compose_yaml(lan, start):
    one, two = office(lan, "one", "two")
    second = start(two)
    first = start(one)
    for container in (first, second):
        container.logged("Startup complete")
    wait_holds(one)
    wait_released(two)
    wait_until(lambda: ask(one, "/readyz") == ("200", {"ok": True}), 10, "the API to be ready")

    assert ask(one, "/livez") == ("200", {"ok": True})
    assert (first.status(), second.status()) == (0, 0)
    assert first.run("/usr/bin/mainstayctl", "status", "--check").stdout.startswith("MAINSTAY OK - 1 instance MASTER")
    assert pathlib.Path(f"/proc/{first.pid()}/comm").read_text(encoding="ascii") == "mainstayd\n"
    facts = pathlib.Path(f"/proc/{first.pid()}/status").read_text(encoding="ascii")
    assert int(re.search(r"CapBnd:\s+(\w+)", facts)[1], 16) == sum(1 << CAPABILITIES[name] for name in RIGHTS)
    with pytest.raises(OSError, match="Read-only file system"):
        pathlib.Path(f"/proc/{first.pid()}/root/etc/new").touch()

    # The mounted folder has a new file, and the daemon reads it.
    text = first.configuration.read_text(encoding="utf-8")
    first.configuration.write_text(text.replace(VIP, "192.168.4.210"), encoding="utf-8")
    done = first.run("/usr/bin/mainstayctl", "reload")
    assert done.returncode == 0, done.stderr
    wait_holds(one, "192.168.4.210")

    assert first.stop() == 0
    wait_holds(two)
    assert not one.holds("192.168.4.210")
    assert "Stopped mainstay" in first.output()


def test_one_account_for_all_roles_is_warned_of(lan, start):
    (one,) = office(lan, "one")
    container = start(one, options=["--shared-account=mainstay-obs"])
    container.logged("all roles run as mainstay-obs (--shared-account): a compromised one can signal and trace all")
    wait_holds(one)


def filters_reverse_paths(host, *, every, new):
    """Strict reverse path filtering (1) of all interfaces, and of those that appear from now on."""
    host.run(["sysctl", "-qw", f"net.ipv4.conf.all.rp_filter={every}", f"net.ipv4.conf.default.rp_filter={new}"])


def test_a_pair_on_vmacs_has_one_holder_and_one_mac_address(lan, start):
    """Hosts filter reverse paths on each new interface, and in a container /proc/sys cannot be written."""
    one, two = office(lan, "one", "two")
    client = lan.host("client", eth0=("office", "192.168.4.50/24"))
    for host in (one, two):
        filters_reverse_paths(host, every=0, new=1)
    with Capture(client, what="vrrp or arp") as capture:
        second, first = start(two, inside="use_vmac\n"), start(one, inside="use_vmac\n")
        for container in (first, second):
            container.logged("Startup complete")
        wait_holds(one)
        wait_released(two)
        settled = max(packet.time for packet in capture.packets())
        # Longer than a BACKUP that hears none of them would wait.
        capture.wait_for(6, 20, lambda p: p.time > settled and "VRRP" in p)
        client.run(["ping", "-c1", "-W2", VIP])
        packets = capture.packets()

    assert {p["IP"].src for p in packets if p.time > settled and "VRRP" in p} == {"192.168.4.11"}
    assert {p["ARP"].hwsrc for p in packets if "ARP" in p and p["ARP"].psrc == VIP} == {MAC4}
    assert not two.holds(VIP)


def test_a_director_whose_vmac_would_hear_no_adverts_is_in_fault(lan, start):
    """all.rp_filter belongs to no interface, so that only /proc/sys has it."""
    one, two = office(lan, "one", "two")
    filters_reverse_paths(two, every=1, new=0)
    second, first = start(two, inside="use_vmac\n"), start(one, inside="use_vmac\n")
    second.logged("(VI_1) vrrp.51: it stays down: net.ipv4.conf.all.rp_filter is 1 and cannot be changed")
    second.logged("Startup complete")
    wait_holds(one)

    why = second.run("/usr/bin/mainstayctl", "why", "VI_1").stdout
    assert "VI_1 is FAULT" in why, why
    assert "vrrp.51: it stays down: net.ipv4.conf.all.rp_filter is 1" in why, why
    assert "setting sysctl" not in second.output()
    assert not two.holds(VIP)

    # The engine's own setting, and a reload.
    filters_reverse_paths(two, every=0, new=0)
    assert second.run("/usr/bin/mainstayctl", "reload").returncode == 0
    assert first.stop() == 0
    wait_holds(two)


@pytest.mark.skipif(pathlib.Path("/proc/net/ip_vs").exists(), reason="this kernel has IPVS")
def test_a_module_that_the_host_has_not_loaded_is_named_with_the_command_that_loads_it(lan, start):
    (one,) = office(lan, "one")
    container = start(one, more=SERVICE)
    container.logged("the kernel has no IPVS: load its module with `modprobe ip_vs`")
    wait_holds(one)  # VRRP runs all the same


def test_without_one_of_the_rights_it_does_not_start(lan, start):
    """KILL is left out: without it a role that hangs is not ended."""
    (one,) = office(lan, "one")
    containers = {missing: start(one, [name for name in RIGHTS if name != missing], more=SERVICE)
                  for missing in RIGHTS if missing != "KILL"}

    ended = {missing: container.wait() for missing, container in containers.items()}

    assert set(ended.values()) <= {1, 4}, ended
    for missing, container in containers.items():
        assert f"CAP_{missing} is missing, which is needed to" in container.output()
    assert not one.holds(VIP)


def test_a_role_that_hangs_and_cannot_be_ended_without_kill_is_reported(lan, start):
    (one,) = office(lan, "one")
    container = start(one, [name for name in RIGHTS if name != "KILL"])
    container.logged("CAP_KILL is missing, which is needed to end a role that hangs: add it to this container (--cap-add KILL)")
    container.logged("Startup complete")
    (role,) = wait_until(lambda: children(container, "mainstayd-vrrp"), 10, "the vrrp process")

    os.kill(int(role), signal.SIGSTOP)

    container.logged("continues to hang: kill: Operation not permitted", 60)


def test_process_1_reaps_what_scripts_leave_behind(lan, start):
    (one,) = office(lan, "one")
    container = start(one, inside="notify_backup \"/bin/sh -c '/bin/sleep 2 & exit 0'\" root\n")
    container.logged("Startup complete")

    left = wait_until(lambda: children(container, "sleep"), 10, "a process without its parent")
    wait_until(lambda: not pathlib.Path(f"/proc/{left[0]}").exists(), 10, f"{left[0]} to be reaped")
