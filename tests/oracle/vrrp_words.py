"""What the generator can say of each keyword of VRRP, and which keywords it leaves out, and why.

A table goes from keyword to a function of (rng, place) that returns the words of a line, or None when it has nothing to
say there. `place` tells where the line will stand: interface, family ("inet", "inet6"), and what is not used yet.
test_oracle_words.py holds the tables to the schema: each keyword is in one of them, or in LEFT_OUT with its reason.
"""

SUBNETS = {"eth0": ("192.168.4.{}", "2001:db8:4::{}"), "eth1": ("10.20.0.{}", "2001:db8:20::{}"),
           "eth2": ("10.30.0.{}", "2001:db8:30::{}")}
GATEWAYS = {"eth0": ("192.168.4.1", "2001:db8:4::1"), "eth1": ("10.20.0.1", "2001:db8:20::1")}
MINE = {"eth0": ("192.168.4.11", "2001:db8:4::11"), "eth1": ("10.20.0.11", "2001:db8:20::11")}
LIFETIMES = ("forever", "0", "1000", "5000", "20000")
VMAC_NAMES = ("red", "green", "blue")
MACS = ("02:11:22:33:44", "02:11:22:33:44:55", "02:11:22:33:44:66")


def v6(place):
    return place.family == "inet6"


def either(place, four, six):
    return six if v6(place) else four


def only4(say):
    return lambda rng, place: None if v6(place) else say(rng, place)


def only6(say):
    return lambda rng, place: say(rng, place) if v6(place) else None


def word(*words):
    return lambda rng, place: rng.choice(words)


def numbers(*several):
    return lambda rng, place: str(rng.choice(several))


def bare(rng, place):
    return ""


def gateway(rng, place):
    known = GATEWAYS.get(place.interface)
    return either(place, *known) if known else None


def vmac(rng, place):
    words = []
    if rng.random() < 0.5:
        words.append(place.unused_vmac_name(rng))
    if rng.random() < 0.3:
        words.append(rng.choice(MACS))
    if rng.random() < 0.2:
        words.append(f"group {rng.choice((3, 7))}")
    return " ".join(filter(None, words))


def ipvlan(rng, place):
    words = [f"ipv{place.vrid}" if rng.random() < 0.5 else "", rng.choice(("", "bridge", "private", "vepa"))]
    return " ".join(filter(None, words))


# ---- lines of a vrrp_instance, besides those that every instance has ----

INSTANCE = {
    "use_vmac": vmac, "vmac_xmit_base": bare, "use_vmac_addr": bare, "use_ipvlan": ipvlan,
    "state": word("MASTER", "BACKUP"), "priority": numbers(90, 100, 150, 200, 250), "nopreempt": bare,
    "preempt": bare, "accept": bare, "no_accept": bare, "strict_mode": word("false", "false", "true"),
    "dont_track_primary": bare, "promote_secondaries": bare, "track_src_ip": bare,
    "mcast_src_ip": lambda rng, place: None if v6(place) else MINE.get(place.interface, (None,))[0],
    "unicast_src_ip": lambda rng, place: either(place, *MINE.get(place.interface, (None, None))),
    "mcast_dst_ip": lambda rng, place: either(place, "224.0.0.20", "ff02::20"),
    "skip_check_adv_addr": bare, "check_unicast_src": bare, "unicast_ttl": numbers(64, 255), "native_ipv6": only6(bare),
    "v3_checksum_as_v2": bare, "old_unicast_checksum": bare, "lower_prio_no_advert": bare,
    "higher_prio_send_advert": bare, "kernel_rx_buf_size": numbers(65536, 262144), "debug": numbers(1),
    "no_virtual_ipaddress": lambda rng, place: None,
}

# ---- words of an address line ----

ADDRESS = {
    "dev": lambda rng, place: rng.choice(tuple(SUBNETS)),
    # The kernel refuses two scopes in one subnet: which of the two addresses is there goes by the order of the past.
    "scope": lambda rng, place: rng.choice(("site", "link", "host", "global", "77"))
    if not v6(place) and place.length in (None, 32) else None,
    "broadcast": only4(word("+", "-")), "brd": only4(word("+", "-", "192.168.4.255")),
    "label": only4(lambda rng, place: f"{place.interface}:{rng.choice('abc')}"),
    "peer": lambda rng, place: either(place, f"10.99.0.{rng.randrange(1, 250)}", f"2001:db8:99::{rng.randrange(1, 250):x}")
    if place.length is None else None,
    "home": only6(bare), "-nodad": only6(bare), "noprefixroute": bare, "no_track": bare,
    "mngtmpaddr": lambda rng, place: "" if v6(place) and place.length == 64 else None,
    "autojoin": lambda rng, place: None,  # only with a multicast address, which no instance holds here
    "preferred_lft": only6(word(*LIFETIMES)), "use_vmac": bare,
}

# ---- words of a route, after its destination ----

ROUTE = {
    "via": gateway, "gw": gateway, "metric": numbers(10, 20), "preference": numbers(30), "priority": numbers(40),
    "table": word("100", "200", "main"), "scope": only4(word("link", "site", "global")),
    "src": lambda rng, place: either(place, *MINE[place.interface]) if place.interface in MINE else None,
    "tos": only4(word("0x10", "8")), "dsfield": only4(word("8")), "protocol": numbers(5, 18, 77), "onlink": bare,
    "mtu": word("1400", "lock 1300"), "hoplimit": numbers(33, 64), "advmss": word("1300", "lock 1200"),
    "rtt": word("300ms"), "rttvar": word("900"), "reordering": word("lock 5"), "window": numbers(1000),
    "cwnd": word("lock 20"), "ssthresh": word("30"), "realms": only4(word("3/4", "7")), "rto_min": word("lock 1s"),
    "initcwnd": numbers(11), "initrwnd": numbers(12), "features": word("ecn"), "quickack": word("0", "1"),
    "congctl": word("cubic", "lock cubic"), "pref": only6(word("low", "high")), "expires": only6(word("1000", "5000")),
    "fastopen_no_cookie": word("0", "1"), "ttl-propagate": only4(word("enabled")), "no_track": bare,
    "from": only6(word("2001:db8:77::/48")),
    "encap": only4(lambda rng, place: f"ip id 3 dst 1.2.3.4 ttl {rng.choice((4, 5))}"),
    "add": bare, "append": bare, "prepend": bare,
    "nexthop": lambda rng, place: None,  # said by the generator, which makes whole routes of it
}
ROUTE_TYPES = ("blackhole", "unreachable", "prohibit", "throw")

# ---- words of a rule ----

RULE = {
    "from": lambda rng, place: place.network(rng), "to": lambda rng, place: place.network(rng),
    "not": bare, "iif": word("eth0", "eth1"), "dev": word("eth1"), "oif": word("eth0", "eth1"),
    "tos": only4(word("0x10", "8")), "dsfield": only4(word("4")), "fwmark": word("5", "5/255", "0x10/0xf0"),
    "realms": only4(word("3/4")), "suppress_prefixlength": numbers(4, 8), "sup_pl": numbers(8),
    "suppress_ifgroup": numbers(3), "sup_group": numbers(2), "protocol": numbers(7, 18), "ipproto": word("tcp", "udp"),
    "uidrange": word("1-5", "100-200"), "tunnel-id": numbers(7), "no_track": bare,
    "sport": lambda rng, place: None, "dport": lambda rng, place: None,  # with ipproto, by the generator
}
RULE_ACTIONS = ("table 100", "lookup 200", "blackhole", "unreachable", "prohibit", "nop", "goto 30000", "l3mdev",
                "type prohibit")

# ---- lines of global_defs ----

GLOBAL = {
    "nftables": word("", "walk"), "nftables_priority": numbers(-1, 5), "nftables_counters": bare,
    "nftables_ifindex": bare, "vrrp_iptables": bare, "vrrp_ipsets": bare, "vmac_prefix": word("vm", "virtual"),
    "vmac_addr_prefix": word("va"), "disable_local_igmp": bare, "vrrp_mcast_group4": word("224.0.0.18", "224.0.0.40"),
    "vrrp_mcast_group6": word("ff02::12", "ff02::40"), "default_interface": word("eth0", "eth1"),
    "notify_fifo": word("/run/walk/fifo", "/run/walk/other root"), "vrrp_notify_fifo": word("/run/walk/vrrp_fifo"),
    "vrrp_version": numbers(3), "vrrp_strict": word("false"), "dynamic_interfaces": word("", "allow_if_changes"),
    "vrrp_skip_check_adv_addr": bare, "vrrp_rx_bufs_policy": word("MTU", "ADVERT"), "umask": word("022", "027"),
    "vrrp_netlink_cmd_rcv_bufs": numbers(131072), "vrrp_netlink_monitor_rcv_bufs": numbers(262144),
    "fifo_write_vrrp_states_on_reload": bare, "enable_script_security": bare, "v3_checksum_as_v2": bare,
}
# An answer to vrrp_iptables is not one to nftables.
ONE_OF = ({"nftables", "vrrp_iptables"}, {"accept", "no_accept"}, {"preempt", "nopreempt"}, {"use_vmac", "use_ipvlan"},
          {"via", "gw"}, {"metric", "preference", "priority"}, {"tos", "dsfield"}, {"add", "append", "prepend"},
          {"broadcast", "brd"}, {"iif", "dev"}, {"suppress_prefixlength", "sup_pl"}, {"suppress_ifgroup", "sup_group"},
          {"mcast_src_ip", "unicast_src_ip"}, {"use_ipvlan", "use_vmac_addr"})
