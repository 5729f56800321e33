"""no_accept and VMACs by iptables, where it has tables of its own; where it works on nftables, those are used."""

import shutil

import pytest

from support.accept import LOCAL6, VIP6, client_of, globals_, instance, pings, ruleset
from support.iptables import legacy_iptables, rules, slow_iptables
from support.vrrp import VIP, office, wait_holds, wait_ready
from support.wait import wait_until

pytestmark = pytest.mark.skipif(shutil.which("iptables-legacy") is None, reason="no iptables with tables of its own")


def test_each_address_that_refuses_packets_has_rules_in_the_named_chains(lan):
    # effect: global_defs: vrrp_iptables
    # effect: vrrp_instance: no_accept
    (one,) = office(lan, "one")
    client = client_of(lan)
    legacy_iptables(one)
    one.run(["ip", "addr", "add", "2001:db8:4::11/64", "dev", "eth0", "nodad"])
    for tool in ("iptables-legacy", "ip6tables-legacy"):
        for chain in ("vips_in", "vips_out"):
            one.run([tool, "-w", "10", "-N", chain])
        one.run([tool, "-w", "10", "-A", "INPUT", "-j", "vips_in"])
        one.run([tool, "-w", "10", "-A", "OUTPUT", "-j", "vips_out"])
    own4, own6 = rules(one), rules(one, "ip6tables")

    daemon = wait_ready(one.mainstayd(globals_("vrrp_iptables vips_in vips_out", "vrrp_ipsets") +
                                      instance(vips=[VIP]) + instance(vips=[LOCAL6, VIP6], name="VI_6")))
    wait_holds(one)
    wait_holds(one, VIP6)
    wait_until(lambda: f"-A vips_out -s {VIP6}/128 -j DROP" in rules(one, "ip6tables"), 10, daemon.output)
    wait_until(lambda: "-A vips_in -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j ACCEPT" in rules(one, "ip6tables"), 10,
               daemon.output)
    assert [rule for rule in rules(one) if "DROP" in rule] == [f"-A vips_in -d {VIP}/32 -j DROP",
                                                               f"-A vips_out -s {VIP}/32 -j DROP"]
    assert f"-A vips_in -d {LOCAL6}/128 -i eth0 -j DROP" in rules(one, "ip6tables")
    assert not pings(client, VIP) and not pings(client, VIP6) and not pings(client, f"{LOCAL6}%eth0")
    assert pings(client, "192.168.4.11") and pings(client, "2001:db8:4::11")
    assert ruleset(one) == ""

    one.write("/run/keepalived.conf", globals_("vrrp_iptables vips_in vips_out", "vrrp_ipsets") +
              instance(vips=["192.168.4.201"]) + instance(vips=[LOCAL6, VIP6], name="VI_6"))
    daemon.send(1)
    wait_until(lambda: [rule for rule in rules(one) if "DROP" in rule] ==
               ["-A vips_in -d 192.168.4.201/32 -j DROP", "-A vips_out -s 192.168.4.201/32 -j DROP"], 10,
               lambda: f"{rules(one)}\n{daemon.output()}")

    daemon.stop()
    assert (rules(one), rules(one, "ip6tables")) == (own4, own6)


def test_ipsets_hold_the_addresses_that_refuse_packets(lan):
    # effect: global_defs: vrrp_ipsets
    (one,) = office(lan, "one")
    client = client_of(lan)
    legacy_iptables(one)
    daemon = wait_ready(one.mainstayd(globals_("vrrp_iptables", "vrrp_ipsets mine") + instance(vips=[VIP, "192.168.4.201"], more="use_vmac")))
    wait_holds(one)

    wait_until(lambda: VIP in one.run(["ipset", "list", "mine"], check=False).stdout, 20, daemon.output)
    wanted = ["-A INPUT -m set --match-set mine dst -j DROP",
              "-A OUTPUT -p igmp -m set --match-set mine_igmp dst,dst -j DROP",
              "-A OUTPUT -m set --match-set mine src -j DROP"]
    wait_until(lambda: rules(one) == wanted, 10, lambda: f"{rules(one)}\n{daemon.output()}")
    assert "224.0.0.0/4,vrrp.51" in one.run(["ipset", "list", "mine_igmp"]).stdout
    assert not pings(client, VIP)
    assert pings(client, "192.168.4.11")

    daemon.stop()
    assert rules(one) == []
    assert one.run(["ipset", "list", "-n"]).stdout == ""


def test_the_stop_waits_for_the_rules_to_go(lan):
    """Rules that stay would drop the packets to an address that another program sets on this host later. Who waits 5 s
    for the end, and kills then, must not leave them there either."""
    (one,) = office(lan, "one")
    legacy_iptables(one)
    vips = [f"192.168.4.{number}" for number in range(101, 181)]
    daemon = wait_ready(one.mainstayd(globals_("vrrp_iptables", "vrrp_ipsets") + instance(vips=vips)))
    wait_holds(one, vips[-1])
    wait_until(lambda: len(rules(one)) == 2 * len(vips), 20, lambda: f"{rules(one)}\n{daemon.output()}")
    slow_iptables(one, 0.1)

    assert daemon.stop(timeout=5) == 0
    assert rules(one) == []
    assert "script firewall" not in daemon.output()


def test_rules_that_somebody_doubled_or_removed_go_one_by_one(lan):
    (one,) = office(lan, "one")
    legacy_iptables(one)
    vips = [f"192.168.4.{number}" for number in range(201, 207)]
    one.run(["iptables-legacy", "-w", "10", "-A", "INPUT", "-d", vips[0], "-j", "DROP"])
    daemon = wait_ready(one.mainstayd(globals_("vrrp_iptables", "vrrp_ipsets") + instance(vips=vips)))
    wait_until(lambda: len(rules(one)) == 2 * len(vips), 20, lambda: f"{rules(one)}\n{daemon.output()}")
    one.run(["iptables-legacy", "-w", "10", "-A", "INPUT", "-d", vips[1], "-j", "DROP"])
    one.run(["iptables-legacy", "-w", "10", "-D", "OUTPUT", "-s", vips[2], "-j", "DROP"])

    assert daemon.stop() == 0
    assert rules(one) == []


def test_iptables_that_works_on_nftables_is_passed_over_for_them(lan):
    # effect: global_defs: vrrp_iptables
    (one,) = office(lan, "one")
    if "nft" not in one.run(["readlink", "-f", "/usr/sbin/iptables"]).stdout:
        pytest.skip("this machine's iptables is not the nftables one")
    daemon = wait_ready(one.mainstayd(globals_("vrrp_iptables") + instance()))
    wait_holds(one)

    assert "the iptables of this host uses nftables, which is used directly instead" in daemon.output()
    assert VIP in ruleset(one)
