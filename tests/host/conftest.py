"""What several files of host tests begin with."""

import pytest

from support.fault_rows import make_fault_site  # noqa: F401  (a fixture)
from support.page import pair  # noqa: F401  (a fixture)
from support.paths import program
from support.wait import wait_until

# Files full of failovers: after each of their tests, what the VRRP process of each daemon that still runs has recorded is
# replayed, and has to be identical.
REPLAYED = {"test_hand_over", "test_pair", "test_pair_words", "test_links", "test_addresses", "test_resources", "test_storm",
            "test_tracking", "test_scripts", "test_notifications", "test_interop", "test_vrrp_elections", "test_why"}


@pytest.fixture
def lan(request, lan):
    yield lan
    if request.module.__name__.rpartition(".")[2] in REPLAYED:
        for host in lan.hosts.values():
            if any(one.name == "mainstayd" and one.alive() for one in host.processes):
                replay_record(host)


def replay_record(host):
    """Saves the host's flight record and replays it."""
    saved = host.run([program("mainstayctl"), "record", "save", "/tmp/replayed.rec"], check=False)
    if "nothing has been recorded yet" in saved.stderr or "there is no flight record" in saved.stderr:
        return  # its VRRP process has not run
    assert saved.returncode == 0, saved.stderr
    done = host.run([program("mainstayctl"), "replay", "/tmp/replayed.rec"], check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout[-3000:] + done.stderr
    last = done.stdout.splitlines()[-1]
    assert "identical to the recording: " in last, last
    print(f"{host.name}: {last}")


@pytest.fixture
def two(lan):
    """Two hosts on one switch, whose IPv6 addresses can be used."""
    lan.switch("office")
    hosts = (lan.host("one", eth0=("office", "192.168.4.11/24", "fd00:4::11/64")),
             lan.host("two", eth0=("office", "192.168.4.12/24", "fd00:4::12/64")))
    for host in hosts:
        wait_until(lambda host=host: "tentative" not in host.run(["ip", "-6", "addr"]).stdout, 10, "IPv6 addresses")
    return hosts


@pytest.fixture(name="disk")
def make_disk(lan):  # after whose processes it goes
    assert lan
    made = []

    def mount(host, at="/run/disk"):
        """A file system of 16 MB."""
        made.append((host, at))
        image = f"/run/image.{len(made)}"
        done = host.run(["sh", "-c", f"head -c 16M /dev/zero >{image} && mkfs.ext4 -q -m 0 {image} && mkdir -p {at} && "
                         f"mount -o loop {image} {at}"], check=False)
        if done.returncode != 0:
            pytest.skip(f"no file system can be made and mounted here: {done.stderr.strip()}")

    yield mount
    for host, at in made:
        host.run(["fsfreeze", "--unfreeze", at], check=False)
        host.run(["umount", "--lazy", at], check=False)
