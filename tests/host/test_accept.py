"""Accept mode: a master that does not accept packets to its addresses, and the rules that see to it."""

import json
import shutil

import pytest

from support import versions
from support.accept import LOCAL6, VIP6, client_of, globals_, instance, pings, ruleset
from support.vrrp import VIP, office, role_pid, signal_role, wait_holds, wait_ready
from support.wait import stays, wait_until


def rules(host, leave_out=()):
    """The ruleset as a sorted list: handles and the kernel's own numbers left out."""
    def plain(value):
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items() if k not in ("handle", "packets", "bytes")}
        return [plain(v) for v in value] if isinstance(value, list) else value
    found = json.loads(host.run(["nft", "-j", "list", "ruleset"]).stdout)["nftables"]
    return sorted(json.dumps(plain(entry), sort_keys=True) for entry in found
                  if "metainfo" not in entry and not any(word in json.dumps(entry) for word in leave_out))


def test_a_master_drops_what_is_sent_to_its_addresses_with_no_accept_alone(lan):
    # effect: vrrp_instance: accept no_accept
    (one,) = office(lan, "one")
    client = client_of(lan)
    one.run(["ip", "addr", "add", "2001:db8:4::11/64", "dev", "eth0", "nodad"])
    daemon = wait_ready(one.mainstayd(
        instance(vips=[VIP]) + instance(vips=[LOCAL6, VIP6], name="VI_6") +
        instance("accept", ["192.168.4.201"], "VI_2", vrid=52) +
        instance("no_accept", ["192.168.4.202"], "VI_3", 255, vrid=53)))
    for address in (VIP, VIP6, LOCAL6, "192.168.4.201", "192.168.4.202"):
        wait_holds(one, address)

    assert not pings(client, VIP)
    assert not pings(client, VIP6)
    assert not pings(client, f"{LOCAL6}%eth0")
    assert pings(client, "192.168.4.201")
    assert pings(client, "192.168.4.202")  # its owner
    assert pings(client, "192.168.4.11") and pings(client, "2001:db8:4::11")
    # The neighbour cache was filled all the same: ARP and neighbour discovery are answered.
    neighbours = client.run(["ip", "neigh"]).stdout
    assert all(f"{address} dev eth0 lladdr" in neighbours for address in (VIP, VIP6, LOCAL6))

    daemon.stop()
    assert ruleset(one) == ""


def test_strict_mode_refuses_packets_by_itself(lan):
    (one,) = office(lan, "one")
    client = client_of(lan)
    wait_ready(one.mainstayd(globals_("vrrp_strict") + instance("")))
    wait_holds(one)

    assert not pings(client, VIP)
    assert pings(client, "192.168.4.11")


def test_the_rules_go_with_the_addresses(lan):
    one, two = office(lan, "one", "two")
    master = wait_ready(one.mainstayd(instance()))
    wait_ready(two.mainstayd(instance(priority=100)))
    wait_holds(one)
    assert VIP in ruleset(one)
    assert VIP not in ruleset(two)

    master.stop()

    wait_holds(two)
    assert VIP in ruleset(two)


@pytest.mark.skipif(shutil.which("keepalived") is None, reason="no keepalived to compare with")
@pytest.mark.parametrize("options", [
    ["nftables_ifindex"],
    ["nftables director", "nftables_priority 5", "nftables_counters", "nftables_ifindex"],
], ids=["plain", "every-option"])
def test_the_ruleset_is_the_one_that_keepalived_makes_of_the_same_file(lan, options):
    # effect: global_defs: nftables nftables_priority nftables_ifindex nftables_counters
    lan.switch("office")
    lan.switch("elsewhere")
    one = lan.host("one", eth0=("office", "192.168.4.11/24", "2001:db8:4::11/64"))
    two = lan.host("two", eth0=("elsewhere", "192.168.4.11/24", "2001:db8:4::11/64"))
    text = (globals_(*options) + instance(vips=[VIP, "192.168.4.201/24"], more="use_vmac") +
            instance(vips=[LOCAL6, VIP6], name="VI_6", more="use_vmac") + instance("", ["192.168.4.210"], "VI_2", vrid=52))
    wait_ready(one.mainstayd(text))
    two.keepalived(text)
    for host in (one, two):
        for address in (VIP, VIP6, "192.168.4.210"):
            wait_holds(host, address)

    # 2.4.3 names the kinds of reports in a set, 2.2.7 (Debian's) one of them in the rule; since 2.3 (Debian 13) a VMAC does
    # not answer for the link-local address of its parent, which is another one on each host.
    different = ("mld-report", "mld2-listener-report", "parent_link_local")
    def differences():
        return set(rules(one, different)) ^ set(rules(two, different))
    wait_until(lambda: not differences(), 5, lambda: f"the same rules: {differences()}")
    assert len(rules(one, different)) == len(rules(two, different)) > 20
    assert ("parent_link_local" in ruleset(two)) == (versions.keepalived() >= (2, 3))
    rule = "nd-neighbor-advert meta oifkind \"macvlan\" ip6 saddr . oif @parent_link_local"
    assert rule in ruleset(one)


def test_without_nftables_ifindex_link_local_addresses_are_matched_by_the_interfaces_name(lan):
    # effect: global_defs: nftables_ifindex
    (one,) = office(lan, "one")
    wait_ready(one.mainstayd(instance(vips=[LOCAL6, VIP6])))
    wait_holds(one, VIP6)

    shown = ruleset(one)
    assert "set vips_link_local_name" in shown
    assert f'{LOCAL6} . "eth0"' in shown
    assert "ip6 daddr . iifname @vips_link_local_name drop" in shown


def test_a_left_over_table_is_deleted_at_the_start_and_said(lan):
    (one,) = office(lan, "one")
    for family in ("ip", "ip6"):
        one.run(["nft", "add", "table", family, "keepalived"])
    one.run(["nft", "add", "table", "ip", "mine"])

    daemon = wait_ready(one.mainstayd(instance()))

    assert "Deleting old ip keepalived table" in daemon.output()
    assert "Deleting old ip6 keepalived table" in daemon.output()
    assert "table ip6 keepalived" not in ruleset(one)
    daemon.stop()
    assert ruleset(one).split() == ["table", "ip", "mine", "{", "}"]


def test_rules_that_somebody_flushes_are_set_again(lan):
    (one,) = office(lan, "one")
    client = client_of(lan)
    daemon = wait_ready(one.mainstayd(instance()))
    wait_holds(one)
    before = rules(one)

    for number, command in enumerate((["flush", "ruleset"], ["flush", "table", "ip", "keepalived"],
                                      ["delete", "element", "ip", "keepalived", "vips", f"{{ {VIP} }}"]), 1):
        one.run(["nft", *command])
        said = "nftables table ip keepalived was changed by another program: restored"
        wait_until(lambda: daemon.output().count(said) == number, 5, f"rules after {command}")  # noqa: B023
        assert rules(one) == before
    assert not pings(client, VIP)
    # Other people's tables are none of our business.
    one.run(["nft", "add", "table", "ip", "mine"])
    assert stays(lambda: daemon.output().count(said) == 3, 0.5)


def test_the_rules_survive_a_reload_and_a_crash_of_the_role(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance()))
    wait_holds(one)
    one.write("/run/keepalived.conf", instance(vips=[VIP, "192.168.4.201"]))

    daemon.send(1)
    wait_holds(one, "192.168.4.201")
    assert "192.168.4.201" in ruleset(one)
    before, rules_before = role_pid(one, "mainstayd-vrrp"), rules(one)
    signal_role(one, "mainstayd-vrrp", 9)
    wait_until(lambda: role_pid(one, "mainstayd-vrrp") != before, 10, "the role to be back")
    wait_until(lambda: "state of the previous process resumed" in daemon.output(), 10, "the state to be taken over")
    wait_until(lambda: rules(one) == rules_before, 5, lambda: f"the rules:\n{ruleset(one)}")

    one.write("/run/keepalived.conf", instance("accept"))
    daemon.send(1)
    wait_until(lambda: ruleset(one) == "", 5, "the rules to go with no_accept")
    assert one.holds(VIP)


def test_igmp_of_a_vmac_leaves_from_its_parent(lan):
    from support.capture import Capture  # pylint: disable=import-outside-toplevel
    (one,) = office(lan, "one")
    own = json.loads(one.run(["ip", "-json", "link", "show", "eth0"]).stdout)[0]["address"]
    with Capture(one, what="igmp") as capture:
        wait_ready(one.mainstayd(instance("", more="use_vmac")))
        wait_holds(one)
        reports = capture.wait_for(1)

    assert {packet.src for packet in reports} == {own}
