"""Addresses that others take away, change or bring late: virtual ones, an interface's own, and those that adverts are sent
from. What peer and clients notice of it is measured (docs/faults.md); a number is that of a report (docs/field-cases.md)."""

import os
import shutil

import pytest

from support.bus import CONFIGURATION
from support.capture import Capture
from support.fault_rows import PLENTY, adverts_pass, shared_site
from support.vrrp import VIP, fast, logged, office, reload, vrrp_status, wait_holds, wait_ready, wait_released
from support.wait import stays, wait_until

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


# ---- virtual addresses ----

def test_virtual_addresses_that_somebody_removes_are_put_back_with_a_warning_and_counted(lan):
    """Report 534."""
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(fast(vip=f"{VIP}\n192.168.4.201")))
    wait_holds(one)
    for address in (VIP, "192.168.4.201"):
        one.run(["ip", "addr", "del", f"{address}/32", "dev", "eth0"])

    for address in (VIP, "192.168.4.201"):
        wait_holds(one, address)
        assert f"{address}/32" in daemon.output()
    wait_until(lambda: vrrp_status(one)["instances"][0]["counters"]["addresses_restored"] == 2, 5, lambda: str(vrrp_status(one)))
    assert stays(lambda: one.holds(VIP), 0.5)
    assert "Entering BACKUP STATE" not in daemon.output().split("Entering MASTER STATE")[1]


def test_an_instance_that_gives_up_the_first_address_of_a_subnet_leaves_the_others_theirs(lan):
    """Report 442."""
    (one,) = office(lan, "one")
    one.write("/run/f1", "0\n")
    one.sysctl(net__ipv4__conf__eth0__promote_secondaries=0)
    first = "track_file f1 {\n file /run/f1\n weight 0\n}\n" + fast("A", 1, "10.30.0.101/24", more="track_file {\n f1\n}")
    daemon = wait_ready(one.mainstayd(first))
    wait_holds(one, "10.30.0.101")
    reload(one, daemon, first + fast("B", 2, "10.30.0.102/24"))
    wait_holds(one, "10.30.0.102")

    one.write("/run/f1", "1\n")  # the kernel takes the secondary address of the subnet away with the first one

    wait_released(one, "10.30.0.101")
    wait_holds(one, "10.30.0.102/24", timeout=3)
    assert stays(lambda: one.holds("10.30.0.102/24"), 1)


def test_one_link_local_address_may_be_virtual_on_several_interfaces(lan):
    """Report 2573."""
    (one,) = office(lan, "one")
    lan.switch("inner")
    lan.plug(one, "lan1", "inner", "10.40.0.11/24")
    daemon = wait_ready(one.mainstayd(fast("VI_1", 1, "fe80::1:1/64") + fast("VI_2", 2, "fe80::1:1/64", interface="lan1")))

    wait_until(lambda: all("fe80::1:1/64" in one.addresses(name) for name in ("eth0", "lan1")), 10, "both addresses")
    assert "duplicate" not in daemon.output()


# ---- addresses that adverts are sent from ----

def test_a_source_address_that_goes_is_a_fault_with_track_src_ip(lan):
    # effect: vrrp_instance: track_src_ip
    one, two = office(lan, "one", "two")
    one.run(["ip", "addr", "add", "192.168.4.61/24", "dev", "eth0"])
    daemon = wait_ready(one.mainstayd(fast(more="mcast_src_ip 192.168.4.61\ntrack_src_ip")))
    wait_ready(two.mainstayd(fast(priority=100)))
    wait_holds(one)

    one.run(["ip", "addr", "del", "192.168.4.61/24", "dev", "eth0"])
    wait_holds(two)
    wait_released(one)
    assert daemon.output().count("entering FAULT state (source address 192.168.4.61 is not on the interface)") == 1
    one.run(["ip", "addr", "add", "192.168.4.61/24", "dev", "eth0"])

    wait_holds(one)


def test_a_unicast_source_address_that_comes_late_is_a_fault_until_then(lan):
    """Report 2237."""
    # effect: vrrp_instance: unicast_src_ip unicast_peer
    one, two = office(lan, "one", "two")
    peers = "unicast_src_ip {}\nunicast_peer {{\n{}\n}}"
    daemon = wait_ready(one.mainstayd(fast(more=peers.format("192.168.4.61", "192.168.4.12"))))
    wait_ready(two.mainstayd(fast(priority=100, more=peers.format("192.168.4.12", "192.168.4.61"))))
    wait_holds(two)
    assert not one.holds(VIP)
    assert "entering FAULT state (source address 192.168.4.61 is not on this host)" in daemon.output()
    one.run(["ip", "addr", "add", "192.168.4.61/32", "dev", "lo"])

    wait_holds(one)
    wait_released(two)


def test_one_file_for_all_nodes_with_the_source_of_each_leaves_no_address_on_two_of_them(lan):
    """Report 2651."""
    hosts = office(lan, "one", "two", "three")
    text = "".join(
        fast(f"VI_{own}", own, f"192.168.4.2{own}", 100 + own,
             f"unicast_src_ip 192.168.4.{own}\nunicast_peer {{\n"
             + "".join(f" 192.168.4.{peer}\n" for peer in (11, 12, 13) if peer != own) + "}")
        for own in (11, 12, 13))
    daemons = [wait_ready(host.mainstayd(text)) for host in hosts]

    def settled():
        return all(host.holds(f"192.168.4.2{11 + vip}") == (vip == number)
                   for number, host in enumerate(hosts) for vip in range(3))
    wait_until(settled, 15, "each node to hold the address of its own")
    assert stays(settled, 2)
    logged(daemons[0], "(VI_12) entering FAULT state (source address 192.168.4.12 is not on this host)")


def test_adverts_leave_from_the_address_that_the_interface_has_now(lan):
    """Report 183."""
    one, two = office(lan, "one", "two")
    wait_ready(one.mainstayd(fast()))
    wait_holds(one)

    one.run(["ip", "addr", "del", "192.168.4.11/24", "dev", "eth0"])
    one.run(["ip", "addr", "add", "192.168.4.21/24", "dev", "eth0"])

    with Capture(two, what="vrrp") as capture:
        capture.wait_for(2, timeout=15, which=lambda p: "IP" in p and p["IP"].src == "192.168.4.21")
    wait_holds(one)


# ---- measured: what peer and clients notice ----

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
    with site.fault("`networkctl reconfigure eth0` on the MASTER: systemd-networkd removes all addresses, and sets its own",
                    takeovers=1, unanswered=2):
        host.run(["networkctl", "reconfigure", "eth0"])
        wait_configured(networkd, 2)
    assert "Removing foreign address" in networkd.output()
    networkd.stop()
