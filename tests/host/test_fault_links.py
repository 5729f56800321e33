"""Addresses that others take away: by hand, or a network manager that reconfigures (docs/faults.md)."""

import os
import shutil

import pytest

from support.bus import CONFIGURATION
from support.fault_rows import PLENTY, adverts_pass, shared_site
from support.vrrp import VIP, wait_holds
from support.wait import wait_until

SECTION = "Addresses, links and netlink"
NETWORKD = "/lib/systemd/systemd-networkd"
NETWORK = """[Match]
Name=eth0
[Network]
Address=192.168.4.11/24
LinkLocalAddressing=no
IPv6AcceptRA=no
"""
# A bus where networkd may take its name and be called.
BUS = CONFIGURATION.replace("/run/bus<", "/run/dbus/system_bus_socket<").replace(
    "MORE", '<policy context="default"><allow own="*"/><allow send_type="method_call"/></policy>')
RESTORATIONS = 5  # of an address in ten seconds; after that it is restored when these are over


@pytest.fixture
def site(fault_site, request, tmp_path):
    return shared_site(fault_site, request, tmp_path, states=("MASTER", "BACKUP"), every=False)


def test_all_addresses_that_somebody_flushes(site):
    host = site.hosts["MASTER"]
    with site.fault("`ip addr flush dev eth0` on the MASTER: its own address goes, too, and comes back after 2 s",
                    takeovers=1, unanswered=2):
        host.run(["ip", "addr", "flush", "dev", "eth0"])
        adverts_pass(site, 2)
        host.run(["ip", "addr", "add", "192.168.4.11/24", "dev", "eth0"])


@pytest.mark.nightly
def test_a_virtual_address_that_somebody_removes_again_and_again(site):
    host, remove = site.hosts["MASTER"], ["ip", "addr", "del", f"{VIP}/32", "dev", "eth0"]
    with site.fault(f"the virtual address of the MASTER is removed {RESTORATIONS} times, whenever it is there again",
                    unanswered=1):
        for _ in range(RESTORATIONS):
            wait_holds(host)
            host.run(remove)
        wait_holds(host)
    with site.fault("it is removed once more within these ten seconds", unanswered=12,
                    clients="no answer until ten seconds are over",
                    lost="the address, until ten seconds are over: no more than five restorations in ten seconds"):
        host.run(remove)
        wait_holds(host)


def test_addresses_that_somebody_flushes_on_a_backup(site):
    host = site.hosts["BACKUP"]
    with site.fault("`ip addr flush dev eth0` on the BACKUP; its own address comes back after 2 s"):
        host.run(["ip", "addr", "flush", "dev", "eth0"])
        adverts_pass(site, 2)
        host.run(["ip", "addr", "add", "192.168.4.12/24", "dev", "eth0"])


def start_networkd(host):
    """systemd-networkd with a bus of its own; it manages the interface from now on, whose own address it has set."""
    host.run(["ip", "addr", "flush", "dev", "eth0"])
    # Where /sys can be written networkd waits for udev, which a namespace does not have.
    host.run(["mount", "-o", "remount,bind,ro", "/sys"])
    for name in ("dbus", "systemd/netif", "systemd/netif/links", "systemd/netif/leases", "systemd/netif/lldp"):
        host.run(["install", "-d", "-o", "systemd-network", "-g", "systemd-network", f"/run/{name}"])
    host.write("/run/bus.conf", BUS)
    host.write("/run/systemd/network/10-eth0.network", NETWORK)
    host.start(["dbus-daemon", "--nofork", "--config-file=/run/bus.conf"])
    wait_until(lambda: host.path("/run/dbus/system_bus_socket").exists(), PLENTY, "the bus")
    networkd = host.start([NETWORKD], env={"SYSTEMD_LOG_LEVEL": "debug", "SYSTEMD_LOG_TARGET": "console"})
    wait_configured(networkd, 1)
    return networkd


def wait_configured(networkd, times):
    wait_until(lambda: networkd.output().count("eth0: State changed: configuring -> configured") >= times, PLENTY,
               lambda: networkd.output()[-3000:])


@pytest.mark.skipif(not os.path.exists(NETWORKD) or not shutil.which("dbus-daemon"), reason="no systemd-networkd")
def test_a_networkd_that_reconfigures_the_interface(site):
    host = site.hosts["MASTER"]
    assert site.daemons["MASTER"].stop(timeout=PLENTY) == 0
    networkd = start_networkd(host)
    site.start("MASTER")
    site.settle()
    with site.fault("`networkctl reconfigure eth0` on the MASTER: systemd-networkd removes all addresses, sets its own",
                    takeovers=1, unanswered=2):
        host.run(["networkctl", "reconfigure", "eth0"])
        wait_configured(networkd, 2)
    assert "Removing foreign address" in networkd.output()
    networkd.stop()
