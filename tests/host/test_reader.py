"""The process that reads configurations: it stays for the next one, and nothing hangs on its staying."""

import os
import pathlib
import signal

import pytest

from support.vrrp import instance, office, reload, wait_holds, wait_ready
from support.wait import wait_until


def reader(daemon):
    """The pid of the waiting reader, a child of the daemon, if there is one."""
    children = pathlib.Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text(encoding="ascii").split()
    names = {int(pid): pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip() for pid in children}
    return next((pid for pid, name in names.items() if name == "mainstayd-read"), None)


def wait_reader(daemon):
    return wait_until(lambda: reader(daemon), 20, "the reader to wait for the next configuration")


def test_one_reader_reads_every_configuration_and_ends_with_the_daemon(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance("MASTER", 150)))
    wait_holds(one)
    first = wait_reader(daemon)

    for priority in (140, 130):
        assert "Reload complete" in reload(one, daemon, instance("MASTER", priority))
        assert wait_reader(daemon) == first
    assert "stays in use" in reload(one, daemon, "vrrp_instance VI_1 {\n")
    assert "Reload complete" in reload(one, daemon, instance("MASTER", 120))

    daemon.send(signal.SIGTERM)
    daemon.wait(20)
    assert not pathlib.Path(f"/proc/{first}").exists()


def test_a_reader_that_was_killed_while_it_waited_is_not_missed(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance("MASTER", 150)))
    wait_holds(one)
    first = wait_reader(daemon)

    os.kill(first, signal.SIGKILL)
    wait_until(lambda: not pathlib.Path(f"/proc/{first}").exists(), 20, "the dead reader to be reaped")

    assert "Reload complete" in reload(one, daemon, instance("MASTER", 140))
    assert wait_reader(daemon) != first


@pytest.mark.nightly
def test_the_memory_of_the_reader_does_not_grow(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance("MASTER", 150)))
    wait_holds(one)
    pid = wait_reader(daemon)

    def heap():
        status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        return int(status.split("VmData:")[1].split()[0])
    for _ in range(20):
        reload(one, daemon, instance("MASTER", 150))
    before = heap()
    for _ in range(200):
        reload(one, daemon, instance("MASTER", 150))

    assert reader(daemon) == pid
    assert heap() == before
