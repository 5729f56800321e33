"""Routes and rules that an instance sets while it is master, read back from the kernel option by option.

What no kernel of these tests has (encap mpls and ila) is shown by its bytes in tests/netlink/routing_test.cpp; what
wants a VRF is in tests/lab/test_vrf_routes.py.
"""

import json
import signal

import pytest
from support.vrrp import instance, signal_role, wait_holds, wait_ready
from support.wait import stays, wait_until

ROUTES = """
    10.1.0.0/24 dev eth0
    10.2.0.0/24 via 192.168.4.1 dev eth0 mtu lock 1400 advmss lock 1300 rtt lock 300ms rttvar lock 900 \
reordering lock 5 window 1000 cwnd lock 20 ssthresh lock 30 realms 3/4 rto_min lock 1s initcwnd 11 initrwnd 12 \
features ecn quickack 1 congctl lock cubic hoplimit 33
    src 192.168.4.11 10.3.0.0/24 gw 192.168.4.1 or 192.168.4.2
    blackhole 10.4.0.0/24
    unreachable 10.5.0.0/24 metric 20
    prohibit 10.6.0.0/24 table 100 priority 21
    throw to 10.7.0.0/24 table 100 preference 22
    to 10.8.0.0/24 scope link oif eth0 tos 0x10 protocol 5 no_track
    10.9.0.0/24 scope site dev eth0 protocol 5 dsfield 8
    default via 192.168.4.1 table 200 onlink dev eth0
    10.11.0.0/24 nexthop via 192.168.4.1 dev eth0 weight 3 onlink nexthop via 192.168.4.2 dev eth0 weight 256 realms 7
    2001:db8:1::/48 via 2001:db8::1 dev eth0 expires 1000 pref high metric 50
    2001:db8:2::/48 dev eth0 from 2001:db8:3::/48
    2001:db8:4::/48 nexthop via 2001:db8::1 dev eth0 nexthop via 2001:db8::2 dev eth0 weight 2
    10.15.0.0/24 encap ip id 3 dst 1.2.3.4 src 4.3.2.1 tos 3 ttl 4 via 192.168.4.1 dev eth0
    10.16.0.0/24 dev eth0 fastopen_no_cookie 1 ttl-propagate enabled
    10.17.0.0/24 dev eth0 append
    10.18.0.0/24 dev eth0 add
    10.19.0.0/24 dev eth0 prepend quickack 0
"""

RULES = """
    from 10.0.0.0/24 table 100
    to 10.1.0.0/24 lookup 200
    from 10.2.0.0/24 to 10.3.0.0/16 table 300 preference 100 tos 0x10 fwmark 5/255 realms 3/4 \
suppress_prefixlength 4 suppress_ifgroup 3 iif eth0 oif eth1
    not from 10.0.0.3 goto 200 order 101
    from 10.0.0.3 nop priority 200
    from 10.0.0.4 blackhole preference 103
    from 10.0.0.4 type unreachable preference 104
    from 10.0.0.4 prohibit preference 105
    from 10.0.0.4 l3mdev preference 106
    from 10.0.0.5 table 100 preference 107 ipproto tcp sport 5-10 dport 10-20 uidrange 1-5 tunnel-id 7
    from 10.0.0.5 table 100 preference 109 protocol 7 no_track
    from all table 100 preference 110 dsfield 4 sup_pl 8 sup_group 2 dev eth0 protocol 9
    from 2001:db8::/32 table 100 preference 111
"""


def director(lan, **more):
    lan.switch("office")
    lan.switch("dmz")
    return lan.host("one", eth0=("office", "192.168.4.11/24", "2001:db8::11/64"), eth1=("dmz", "10.20.0.1/24"), **more)


def config(routes=ROUTES, rules=RULES, **more):
    return instance(more=f"virtual_routes {{{routes}}}\nvirtual_rules {{{rules}}}\n", **more)


def routes_of(host, *selector):
    """Our routes by destination; those of both families."""
    found = {}
    for family in ("-4", "-6"):
        text = host.run(["ip", "-json", "-details", family, "route", "show", "table", "all", *selector]).stdout
        for route in json.loads(text or "[]"):
            route.pop("expires", None)
            found.setdefault(route["dst"], []).append(route)
    return found


def rules_of(host):
    found = {}
    for family in ("-4", "-6"):
        for rule in json.loads(host.run(["ip", "-json", "-details", family, "rule"]).stdout or "[]"):
            if rule.get("protocol") != "kernel":
                found[rule["priority"]] = rule
    return found


def route_text(host, destination, *table):
    return host.run(["ip", "-details", "route", "show", destination, *table]).stdout.strip()


def run_master(host, text):
    daemon = wait_ready(host.mainstayd(text))
    wait_until(lambda: "Entering MASTER STATE" in daemon.output(), 15, "the instance to be master")
    wait_until(lambda: routes_of(host, "proto", "18") or rules_of(host), 10, "routes or rules")
    return daemon


def tunnel_of(single):
    """The encapsulation of the route through a tunnel. iproute2 before 6.12 writes its options among those of the route: the
    end of the tunnel is a second `dst`, which counts."""
    if "10.15.0.0/24" in single:
        return single["10.15.0.0/24"]["encap"]
    flat = single["1.2.3.4"]
    return {"encap_type": flat["encap"], **{name: flat[name] for name in ("id", "src", "dst", "ttl", "tos")}}


def test_every_option_of_a_route_stands_in_the_kernel_while_master(lan):
    # effect: vrrp_instance: virtual_routes
    # effect: vrrp_instance/virtual_routes: <entry> <type> <to> to src via gw or from tos dsfield table protocol scope
    # effect: vrrp_instance/virtual_routes: metric
    # effect: vrrp_instance/virtual_routes: priority preference dev oif onlink encap expires mtu hoplimit advmss rtt
    # effect: vrrp_instance/virtual_routes: rttvar reordering window cwnd ssthresh realms rto_min initcwnd initrwnd
    # effect: vrrp_instance/virtual_routes: features quickack congctl pref fastopen_no_cookie add prepend append nexthop
    # effect: vrrp_instance/virtual_routes: inet inet6 as
    one = director(lan)
    more = "inet 10.61.0.0/24 dev eth0 as to 5\ninet6 default via 2001:db8::9 dev eth0 table 201\n"
    daemon = run_master(one, config(ROUTES + more))
    assert "cannot be set" not in daemon.output()

    routes = routes_of(one)
    single = {destination: entries[0] for destination, entries in routes.items()}
    assert single["10.1.0.0/24"] == {"type": "unicast", "dst": "10.1.0.0/24", "dev": "eth0", "table": "main",
                                     "protocol": "keepalived", "scope": "global", "flags": []}
    assert single["10.2.0.0/24"]["gateway"] == "192.168.4.1"
    assert single["10.2.0.0/24"]["flow"] == {"from": "3", "to": "4"}
    assert single["10.2.0.0/24"]["metrics"] == [
        {"mtu": 1400, "window": 1000, "rtt": 300, "rttvar": 225, "ssthresh": 30, "cwnd": 20, "advmss": 1300,
         "reordering": 5, "hoplimit": 33, "initcwnd": 11, "ecn": None, "rto_min": 1000, "initrwnd": 12, "quickack": 1,
         "congestion": "cubic"}]
    text = route_text(one, "10.2.0.0/24")
    for locked in ("mtu", "advmss", "rtt", "rttvar", "reordering", "cwnd", "ssthresh", "rto_min", "congctl"):
        assert f"{locked} lock " in text
    assert single["10.3.0.0/24"]["prefsrc"] == "192.168.4.11"
    assert [hop["gateway"] for hop in single["10.3.0.0/24"]["nexthops"]] == ["192.168.4.1", "192.168.4.2"]
    assert single["10.4.0.0/24"]["type"] == "blackhole"
    assert single["10.5.0.0/24"]["type"] == "unreachable" and single["10.5.0.0/24"]["metric"] == 20
    assert single["10.6.0.0/24"]["type"] == "prohibit" and single["10.6.0.0/24"]["metric"] == 21
    assert single["10.6.0.0/24"]["table"] == "100"
    assert single["10.7.0.0/24"]["type"] == "throw" and single["10.7.0.0/24"]["metric"] == 22
    assert single["10.8.0.0/24"] == {"type": "unicast", "dst": "10.8.0.0/24", "tos": "0x10", "dev": "eth0",
                                     "table": "main", "protocol": "5", "scope": "link", "flags": []}
    assert single["10.9.0.0/24"]["protocol"] == "keepalived", "only an untracked route has a protocol of its own"
    assert single["10.9.0.0/24"]["scope"] == "site" and single["10.9.0.0/24"]["tos"] == "0x08"
    assert "10.61.0.0/24" in single and "`as` is for MPLS routes, which these are not" in daemon.output()
    assert [(r["gateway"], r["table"]) for r in routes["default"]][-1] == ("2001:db8::9", "201")
    assert single["default"]["table"] == "200" and single["default"]["flags"] == ["onlink"]
    assert [(hop["weight"], hop["flags"], hop.get("flow")) for hop in single["10.11.0.0/24"]["nexthops"]] == [
        (3, ["onlink"], None), (256, [], {"to": "7"})]
    assert single["2001:db8:1::/48"]["pref"] == "high" and single["2001:db8:1::/48"]["metric"] == 50
    assert "expires" in one.run(["ip", "-6", "route", "show", "2001:db8:1::/48"]).stdout
    assert single["2001:db8:2::/48"]["from"] == "2001:db8:3::/48"
    assert [hop["weight"] for hop in single["2001:db8:4::/48"]["nexthops"]] == [1, 2]
    assert tunnel_of(single) == {"encap_type": "ip", "id": 3, "src": "4.3.2.1", "dst": "1.2.3.4", "ttl": 4, "tos": 3}
    assert single["10.16.0.0/24"]["metrics"] == [{"fastopen_no_cookie": 1}]
    assert {"10.17.0.0/24", "10.18.0.0/24", "10.19.0.0/24"} <= set(single)

    assert daemon.stop() == 0
    assert not routes_of(one, "proto", "18") and not routes_of(one, "proto", "5")


def test_every_option_of_a_rule_stands_in_the_kernel_while_master(lan):
    # effect: vrrp_instance: virtual_rules
    # effect: vrrp_instance/virtual_rules: <entry> from to table lookup not preference order priority tos dsfield
    # effect: vrrp_instance/virtual_rules: fwmark realms suppress_prefixlength sup_pl suppress_ifgroup sup_group iif dev
    # effect: vrrp_instance/virtual_rules: oif tunnel-id uidrange l3mdev protocol ipproto sport dport type goto nop
    # effect: vrrp_instance/virtual_rules: blackhole unreachable prohibit no_track inet inet6
    one = director(lan)
    before = rules_of(one)
    daemon = run_master(one, config("\n 10.1.0.0/24 dev eth0\n", RULES + "inet6 from all table 100 preference 112\n"
                                    "inet from all table 100 preference 113\n"))
    assert "cannot be set" not in daemon.output()

    rules = rules_of(one)
    ours = {"protocol": "keepalived"}
    assert rules[16384] == {"priority": 16384, "src": "10.0.0.0", "srclen": 24, "table": "100", **ours}
    assert rules[16383] == {"priority": 16383, "src": "all", "dst": "10.1.0.0", "dstlen": 24, "table": "200", **ours}
    assert rules[100] == {
        "priority": 100, "src": "10.2.0.0", "srclen": 24, "dst": "10.3.0.0", "dstlen": 16, "tos": "0x10",
        "fwmark": "0x5", "fwmask": "0xff", "iif": "eth0", "oif": "eth1", "table": "300", "suppress_prefixlen": 4,
        "suppress_ifgroup": "3", "flow_from": "3", "flow_to": "4", **ours}
    assert rules[101] == {"priority": 101, "not": None, "src": "10.0.0.3", "goto": 200, **ours}
    assert rules[200] == {"priority": 200, "src": "10.0.0.3", "nop": None, **ours}
    assert [rules[n]["action"] for n in (103, 104, 105)] == ["blackhole", "unreachable", "prohibit"]
    assert rules[106] == {"priority": 106, "src": "10.0.0.4", "l3mdev": None, **ours}
    assert rules[107] == {
        "priority": 107, "src": "10.0.0.5", "uid_start": 1, "uid_end": 5, "ipproto": "tcp", "sport_start": 5,
        "sport_end": 10, "dport_start": 10, "dport_end": 20, "tun_id": 7, "table": "100", **ours}
    assert rules[109]["protocol"] == "7"
    assert rules[110] == {"priority": 110, "src": "all", "tos": "0x04", "iif": "eth0", "table": "100",
                          "suppress_prefixlen": 8, "suppress_ifgroup": "2", **ours}
    assert rules[111]["src"] == "2001:db8::" and rules[111]["srclen"] == 32
    six = {r["priority"] for r in json.loads(one.run(["ip", "-6", "-json", "rule"]).stdout)}
    assert 112 in six and 113 not in six and 113 in rules

    assert daemon.stop() == 0
    assert rules_of(one) == before


def test_the_kernel_holds_the_same_as_under_keepalived(lan):
    one = director(lan)

    def kernel():
        addresses = json.loads(one.run(["ip", "-json", "-details", "addr", "show", "dev", "eth0"]).stdout)[0]
        passing = ("valid_life_time", "preferred_life_time", "tentative")
        kept = [{key: value for key, value in entry.items() if key not in passing} for entry in addresses["addr_info"]]
        return (routes_of(one, "proto", "18"), rules_of(one),
                sorted(kept, key=lambda entry: (entry["local"], entry["prefixlen"])))

    more = """virtual_ipaddress_excluded {
        192.168.5.1/24 dev eth0 scope link brd + label eth0:x
        192.168.6.1/24 dev eth0 brd - noprefixroute
        192.168.4.50 peer 192.168.4.51 dev eth0
        2001:db8::5/64 dev eth0
        2001:db8::6 dev eth0 preferred_lft forever
        2001:db8::7 dev eth0
    }
"""
    text = config(ROUTES.replace("throw to ", "throw ")).replace("virtual_routes", more + "virtual_routes", 1)
    daemon = run_master(one, text)
    mine = kernel()
    daemon.stop()
    empty = kernel()

    other = one.keepalived(text)
    wait_until(lambda: len(rules_of(one)) >= len(mine[1]), 15, "keepalived's rules")
    theirs = kernel()
    other.stop()

    assert mine[0] == theirs[0]
    # Not in the file: keepalived 2.2.7 raises rtt and rttvar to 200 ms, and knows no `to` behind a type.
    assert mine[1] == theirs[1]
    assert mine[2] == theirs[2]
    assert not empty[0]


def test_traffic_takes_a_virtual_rule_and_a_virtual_route_while_master(lan):
    one = director(lan)
    web = lan.host("web", eth0=("dmz", "10.20.0.2/24"))
    web.run(["ip", "addr", "add", "10.30.0.1/32", "dev", "lo"])
    web.run(["ip", "route", "add", "192.168.4.0/24", "via", "10.20.0.1"])
    ping = ["ping", "-c1", "-W1", "-I", "192.168.4.11", "10.30.0.1"]
    assert one.run(ping, check=False).returncode != 0

    daemon = run_master(one, config("\n 10.30.0.0/24 via 10.20.0.2 dev eth1 table 77\n",
                                    "\n from 192.168.4.11 to 10.30.0.0/24 table 77 preference 50\n"))
    assert one.run(ping).returncode == 0
    assert one.run(["ping", "-c1", "-W1", "-I", "10.20.0.1", "10.30.0.1"], check=False).returncode != 0

    daemon.stop()
    assert one.run(ping, check=False).returncode != 0


def test_routes_and_rules_that_somebody_removes_come_back(lan):
    one = director(lan)
    daemon = run_master(one, config("\n 10.1.0.0/24 dev eth1\n 10.2.0.0/24 dev eth0 no_track\n",
                                    "\n from 10.0.0.1 table 5 preference 50\n"))
    before = routes_of(one, "proto", "18"), rules_of(one)

    one.run(["ip", "route", "del", "10.1.0.0/24"])
    one.run(["ip", "rule", "del", "pref", "50"])
    wait_until(lambda: (routes_of(one, "proto", "18"), rules_of(one)) == before, 5, "route and rule to come back")
    assert "route 10.1.0.0/24 dev eth1 was removed by another program: restoring it" in daemon.output()
    told = "rule from 10.0.0.1/32 lookup 5 preference 50 was removed by another program: restoring it"
    assert told in daemon.output()

    one.run(["ip", "route", "del", "10.2.0.0/24"])
    wait_until(lambda: "route 10.2.0.0/24 dev eth0 was removed by another program; it is not tracked" in daemon.output(),
               5, "the log line")
    assert "10.2.0.0/24" not in routes_of(one)
    assert daemon.output().count("Entering MASTER STATE") == 1


def test_what_the_kernel_drops_with_an_interface_comes_back_with_it(lan):
    one = director(lan)
    daemon = run_master(one, config("\n 10.1.0.0/24 via 10.20.0.2\n", "\n from 10.0.0.1 table 5 preference 50\n"))
    one.run(["ip", "link", "set", "eth1", "down"])
    assert "10.1.0.0/24" not in routes_of(one), "the kernel removes it without a word"
    one.run(["ip", "link", "set", "eth1", "up"])
    # eth1 is named by nobody: found by the next look at everything
    wait_until(lambda: "10.1.0.0/24" in routes_of(one), 40, "the route to come back")
    # Said by that look, or by the one before, which found eth1 still down.
    said = ("was missing: restored", "is missing: restoring it")
    assert any(f"route 10.1.0.0/24 via 10.20.0.2 {what}" in daemon.output() for what in said)
    assert "removed by another program" not in daemon.output()


def test_a_device_of_a_route_that_is_down_is_a_fault(lan):
    one = director(lan)
    daemon = run_master(one, config("\n 10.1.0.0/24 dev eth1\n", "\n from 10.0.0.1 table 5 preference 50\n"))
    one.run(["ip", "link", "set", "eth1", "down"])
    wait_until(lambda: "(VI_1) entering FAULT state (interface eth1 down)" in daemon.output(), 5, "FAULT")
    wait_until(lambda: 50 not in rules_of(one), 5, "the rule to go")
    one.run(["ip", "link", "set", "eth1", "up"])
    wait_until(lambda: "10.1.0.0/24" in routes_of(one) and 50 in rules_of(one), 10, "everything to come back")


def test_a_reload_and_a_crash_move_nothing_that_did_not_change(lan):
    one = director(lan)
    keep = "\n 10.1.0.0/24 dev eth1\n 2001:db8:1::/48 dev eth1 metric 5\n"
    first = config(keep + " 10.2.0.0/24 dev eth1\n", "\n from 10.0.0.1 table 5 preference 50\n")
    second = config(keep + " 10.3.0.0/24 dev eth1\n",
                    "\n from 10.0.0.1 table 5 preference 50\n from 10.0.0.2 table 5 preference 51\n")
    daemon = run_master(one, first)
    monitor = one.start(["ip", "monitor", "route", "rule"])
    wait_until(lambda: one.run(["ip", "route", "add", "10.99.0.0/24", "dev", "eth1"], check=False).returncode >= 0
               and one.run(["ip", "route", "del", "10.99.0.0/24"], check=False).returncode >= 0
               and "10.99.0.0/24" in monitor.output(), 10, "the monitor to listen")

    one.write("/run/keepalived.conf", second)
    daemon.send(signal.SIGHUP)
    wait_until(lambda: "10.3.0.0/24" in routes_of(one) and 51 in rules_of(one), 10, "the new route and rule")
    assert "10.2.0.0/24" not in routes_of(one)

    signal_role(one, "mainstayd-vrrp", signal.SIGKILL)
    wait_until(lambda: "state of the previous process resumed" in daemon.output(), 10, "the new process to adopt")
    assert stays(lambda: 50 in rules_of(one) and "10.1.0.0/24" in routes_of(one), 1)
    wait_until(lambda: "10.3.0.0/24" in monitor.output(), 5, "the monitor to tell")
    told = [line for line in monitor.output().splitlines() if "10.99." not in line]
    assert not [line for line in told if "10.1.0.0/24" in line or "2001:db8:1::/48" in line or " 10.0.0.1 " in line]
    assert len([line for line in told if "10.2.0.0/24" in line or "10.3.0.0/24" in line]) == 2

    assert daemon.stop() == 0
    assert not routes_of(one, "proto", "18") and 50 not in rules_of(one)


def test_names_of_tables_protocols_and_the_like_come_from_the_configured_files(lan):
    # effect: global_defs: iproute_usr_dir iproute_etc_dir
    one = director(lan)
    one.write("/run/usr/rt_tables", "100 blue\n101 red\n")
    one.write("/run/etc/rt_tables", "# ours\n102 red\n")
    one.write("/run/etc/rt_tables.d/more.conf", "103 green\n")
    one.write("/run/etc/rt_protos", "201 acme\n")
    one.write("/run/etc/rt_scopes", "77 campus\n")
    one.write("/run/etc/rt_dsfield", "0x10 quick\n")
    one.write("/run/etc/group", "5 uplinks\n")
    globals_ = "global_defs {\n iproute_usr_dir /run/usr\n iproute_etc_dir /run/etc\n}\n"
    daemon = run_master(one, globals_ + config(
        "\n 10.1.0.0/24 dev eth0 table blue\n 10.2.0.0/24 dev eth0 table red protocol acme no_track\n"
        " 10.3.0.0/24 dev eth0 table green scope campus tos quick\n 10.4.0.0/24 dev eth0 table nosuch\n",
        "\n from 10.0.0.1 lookup red preference 50 suppress_ifgroup uplinks ipproto sctp tos quick\n"))

    routes = routes_of(one)
    assert routes["10.1.0.0/24"][0]["table"] == "100"
    assert routes["10.2.0.0/24"][0]["table"] == "102" and routes["10.2.0.0/24"][0]["protocol"] == "201"
    assert routes["10.3.0.0/24"][0]["table"] == "103" and routes["10.3.0.0/24"][0]["scope"] == "77"
    assert routes["10.3.0.0/24"][0]["tos"] == "0x10"
    rule = rules_of(one)[50]
    assert rule["table"] == "102" and rule["suppress_ifgroup"] == "5"
    assert rule["ipproto"] == "sctp" and rule["tos"] == "0x10"
    assert "there is no table named 'nosuch'" in daemon.output()
    assert "10.4.0.0/24" not in routes
