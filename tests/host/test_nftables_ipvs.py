"""nftables_ipvs: the table that gives packets to a group's addresses their mark. It is made without IPVS too."""

import signal

from support.wait import stays, wait_until

HEAD = ("global_defs {\n  nftables_ipvs marks\n  nftables_ipvs_priority -20\n  nftables_ipvs_start_fwmark 77\n"
        "  nftables_counters\n}\n")
GROUP = "virtual_server_group WEB {\n  10.1.0.0/16 80\n  10.2.0.1\n}\n"


def use(group, protocol="TCP"):
    return (f"virtual_server group {group} {{\n  lb_algo rr\n  lb_kind DR\n  protocol {protocol}\n"
            "  real_server 127.1.0.1 80 {\n    weight 1\n  }\n}\n")


def rules(host, family="ip"):
    """The rules of the table, as nft shows them."""
    shown = host.run(["nft", "list", "table", family, "marks"], check=False).stdout
    return [" ".join(line.split()) for line in shown.splitlines() if "mark set" in line]


def test_packets_to_a_group_get_its_mark_which_it_keeps(lan):
    # effect: global_defs: nftables_ipvs nftables_ipvs_priority nftables_ipvs_start_fwmark nftables_counters
    one = lan.host("one")
    daemon = one.mainstayd(HEAD + GROUP + use("WEB"), "-C")
    wait_until(lambda: len(rules(one)) == 2, 20, lambda: daemon.output())
    shown = one.run(["nft", "list", "table", "ip", "marks"]).stdout
    assert "type filter hook prerouting priority -20; policy accept;" in shown
    first, second = rules(one)
    assert first == ("ip daddr 10.1.0.0-10.1.255.255 tcp dport 80 "
                     "counter packets 0 bytes 0 meta mark set 0x0000004d")
    assert second == "meta l4proto tcp ip daddr 10.2.0.1 counter packets 0 bytes 0 meta mark set 0x0000004d"

    # Another group before it takes another mark: connections of this one stay where they are.
    other = "virtual_server_group A {\n  fd00::1-9 443\n}\n" + use("A").replace("127.1.0.1", "fd00::11")
    wait_until(lambda: "Startup complete" in daemon.output(), 20, lambda: daemon.output())
    one.write("/run/keepalived.conf", HEAD + other + GROUP + use("WEB") + use("WEB", "UDP"))
    daemon.send(signal.SIGHUP)
    wait_until(lambda: len(rules(one)) == 4, 20, lambda: daemon.output())
    assert [rule.rsplit(" ", 1)[1] for rule in rules(one)] == ["0x0000004d"] * 2 + ["0x0000004f"] * 2
    assert [rule.rsplit(" ", 1)[1] for rule in rules(one, "ip6")] == ["0x0000004e"]
    assert daemon.stop() == 0
    assert "marks" not in one.run(["nft", "list", "tables"]).stdout


def test_marks_that_somebody_takes_away_are_given_again(lan):
    one = lan.host("one")
    daemon = one.mainstayd(HEAD + GROUP + use("WEB"), "-C")
    wait_until(lambda: len(rules(one)) == 2, 20, lambda: daemon.output())
    told = "nftables table marks was changed by another program: restored"
    before = rules(one)

    for number, command in enumerate((["flush", "ruleset"], ["flush", "table", "ip", "marks"]), 1):
        one.run(["nft", *command])
        wait_until(lambda: daemon.output().count(told) == number, 20, lambda: daemon.output())
        wait_until(lambda: rules(one) == before, 20, lambda: "\n".join(rules(one)))

    # Other tables come and go without a word.
    one.run(["nft", "add", "table", "ip", "other"])
    one.run(["nft", "delete", "table", "ip", "other"])
    assert stays(lambda: daemon.output().count(told) == 2, 0.5)
    assert daemon.stop() == 0
    assert "marks" not in one.run(["nft", "list", "tables"]).stdout
