"""Walks that found a fault, as the shrinker left them."""

import types

import pytest
from oracle.run import run_walk
from oracle.vrrp_domain import DOMAIN
from oracle.walk import Walk


def instance(name="VI_1", vrid=51, interface="eth0", vips="192.168.4.200", more=""):
    return f"""vrrp_instance {name} {{
    interface {interface}
    virtual_router_id {vrid}
    version 3
    priority 150
    advert_int 0.03
    virtual_ipaddress {{
        {vips}
    }}
    {more}
}}
"""


def finds_nothing(lan, *files, before_last=()):
    """A reload from one of these files to the next leaves what a fresh start does, and loses nothing."""
    steps = [{"do": "reload", "to": text} for text in files[1:]]
    finding = run_walk(lan, Walk("vrrp", files[0], [*steps[:-1], *before_last, *steps[-1:]]))
    assert finding is None, str(finding)
    return True


def test_an_address_a_route_and_a_rule_that_move_to_another_master_are_never_absent(lan):
    route, rule = "10.50.1.0/24 via 192.168.4.1 dev eth0", "from 10.60.1.0/24 table 100 preference 1001"
    moved = f"""virtual_ipaddress_excluded {{
        192.168.4.209
    }}
    virtual_routes {{
        {route}
    }}
    virtual_rules {{
        {rule}
    }}"""
    one, two = instance(), instance("VI_2", 52, vips="192.168.4.201")
    assert finds_nothing(lan, instance(more=moved) + two, one + instance("VI_2", 52, vips="192.168.4.201", more=moved), two)


def test_what_becomes_static_or_virtual_is_never_absent(lan):
    static = """static_ipaddress {
    192.168.4.209/32 dev eth0
}
static_routes {
    10.50.1.0/24 via 192.168.4.1 dev eth0
}
static_rules {
    from 10.60.1.0/24 table 100 preference 1001
}
"""
    virtual = """virtual_ipaddress_excluded {
        192.168.4.209/32 dev eth0
    }
    virtual_routes {
        10.50.1.0/24 via 192.168.4.1 dev eth0
    }
    virtual_rules {
        from 10.60.1.0/24 table 100 preference 1001
    }"""
    assert finds_nothing(lan, static + instance(), instance(more=virtual), static + instance())


def test_another_broadcast_address_flag_or_lifetime_of_an_address_is_set(lan):
    first = instance(vips="192.168.4.200\n192.168.4.201/25") + instance("VI_2", 52, vips="fe80::52\n2001:db8:4::200/64")
    second = (instance(vips="192.168.4.200 brd 192.168.4.255\n192.168.4.201/25 noprefixroute")
              + instance("VI_2", 52, vips="fe80::52 -nodad\n2001:db8:4::200/64 preferred_lft 1000 home"))
    assert finds_nothing(lan, first, second, first)


def test_another_interface_group_of_a_vmac_is_set(lan):
    assert finds_nothing(lan, instance(more="use_vmac"), instance(more="use_vmac group 7"), instance(more="use_vmac"))


def test_ipv6_is_there_on_a_vmac_from_when_it_is_needed(lan):
    more = "use_vmac\nvirtual_ipaddress_excluded {\n2001:db8:4::201/64\n}"
    assert finds_nothing(lan, instance(more="use_vmac"), instance(more=more), instance(more="use_vmac"))


def test_the_link_local_address_of_a_vmac_is_no_virtual_one(lan):
    assert finds_nothing(lan, instance(vips="fe80::51/64", interface="eth2"),
                         instance(vips="fe80::51", interface="eth2", more="use_vmac"), before_last=[{"do": "upgrade"}])


def test_a_vmac_has_a_link_local_address_while_the_adverts_leave_by_it(lan):
    assert finds_nothing(lan, instance(vips="2001:db8:4::200", more="use_vmac"),
                         instance(vips="2001:db8:4::200", more="use_vmac\nvmac_xmit_base"),
                         instance(vips="2001:db8:4::200", more="use_vmac"))


def test_the_ruleset_is_there_after_a_kill_or_an_upgrade_and_a_reload(lan):
    text = instance(more="use_vmac\nno_accept")
    for before in ({"do": "kill", "role": "mainstayd-vrrp"}, {"do": "upgrade"}):
        assert finds_nothing(lan, text, text, before_last=[before])
        lan.close()


def test_a_reload_puts_back_a_ruleset_that_somebody_has_flushed(lan):
    text = instance(more="use_vmac\nno_accept")
    flushed = [{"do": "drift", "run": [["nft", "flush", "ruleset"]]}]
    assert finds_nothing(lan, text, text, before_last=flushed)


def test_other_addresses_of_a_subnet_stay_when_its_primary_address_goes(lan):
    one, two, three = (f"10.30.0.{n}/24 dev eth2" for n in (200, 201, 202))
    hosts_own = [{"do": "drift", "run": [["ip", "addr", "add", "10.30.0.77/24", "dev", "eth2"]]}]
    assert finds_nothing(lan, instance(vips="\n".join((one, two, three))), instance(vips="\n".join((two, three))),
                         instance(vips="192.168.4.200"), before_last=hosts_own)


def test_addresses_that_wait_to_be_put_back_are_back_with_a_reload(lan):
    text = instance(vips="10.20.0.205/25\n10.20.0.208", interface="eth1")
    delete = [["ip", "addr", "del", "10.20.0.208/32", "dev", "eth1"]]
    often = [{"do": "drift", "run": delete} for _ in range(7)]
    assert finds_nothing(lan, text, text, before_last=often)


def test_the_route_of_a_prefix_goes_with_its_addresses_though_one_of_them_has_none(lan):
    first = instance(interface="eth2", vips="2001:db8:30::200\n2001:db8:30::204/64\n2001:db8:30::207/64 noprefixroute")
    assert finds_nothing(lan, first, instance(interface="eth2", vips="2001:db8:30::200"))


def test_the_route_of_a_prefix_goes_though_an_address_without_one_stays(lan):
    stays = "2001:db8:30::200\n2001:db8:30::207/64 noprefixroute"
    first = instance(interface="eth2", vips="2001:db8:30::204/64\n" + stays)
    assert finds_nothing(lan, first, instance(interface="eth2", vips=stays))


def test_an_address_that_is_not_tracked_is_back_with_a_reload(lan):
    text = instance(vips="192.168.4.200\n192.168.4.201 no_track")
    deleted = [{"do": "drift", "run": [["ip", "addr", "del", "192.168.4.201/32", "dev", "eth0"]]}]
    assert finds_nothing(lan, text, text, before_last=deleted)


def test_a_rule_and_a_route_that_are_not_tracked_are_back_with_a_reload(lan):
    text = instance(more="""virtual_rules {
        from 10.60.1.0/24 table 100 preference 1001 no_track
    }
    virtual_routes {
        10.50.1.0/24 dev eth0 no_track
    }""")
    deleted = [{"do": "drift", "run": [["ip", "rule", "del", "pref", "1001"], ["ip", "route", "del", "10.50.1.0/24"]]}]
    assert finds_nothing(lan, text, text, before_last=deleted)


def test_an_address_that_is_said_to_be_as_it_was_is_never_absent(lan):
    assert finds_nothing(lan, instance(vips="2001:db8:4::200"), instance(vips="2001:db8:4::200 preferred_lft 0 no_track"))


def test_servers_are_kept_by_a_min_alive_that_a_reload_raises(lan):
    def service(more):
        return f"""track_file a {{
    file /run/walk/a
    weight 0
}}
virtual_server 10.3.0.1 80 {{
    lb_algo rr
    lb_kind NAT
    protocol TCP
    {more}
    real_server 10.1.0.1 80 {{
        FILE_CHECK {{
            track_file a
        }}
    }}
    real_server 10.1.0.2 80 {{
        FILE_CHECK {{
            track_file a
        }}
    }}
}}
"""
    steps = [{"do": "file", "name": "a", "says": "1"}, {"do": "reload", "to": service("")},
             {"do": "reload", "to": service("min_alive 6")}, {"do": "reload", "to": service("")}]
    finding = run_walk(lan, Walk("ipvs", service(""), steps))
    assert finding is None, str(finding)


def test_a_route_that_is_not_tracked_is_back_with_a_reload(lan):
    text = instance() + """static_routes {
    10.50.3.0/24 via 10.20.0.1 src 10.20.0.11 no_track dev eth1
}
"""
    down_and_up = [["ip", "link", "set", "eth1", "down"], ["ip", "link", "set", "eth1", "up"]]
    assert finds_nothing(lan, text, text, before_last=[{"do": "drift", "run": down_and_up}])


def test_the_route_to_a_broadcast_address_goes_with_its_address(lan):
    assert finds_nothing(lan, instance(vips="192.168.4.200/24 brd -\n192.168.4.201/25 brd -\n192.168.4.202/25"),
                         instance(vips="192.168.4.200/24 brd +"), instance(vips="192.168.4.200/24 brd -"))


def test_another_mode_of_an_ipvlan_is_set(lan):
    def text(mode):
        return instance(interface="eth1", vips="10.20.0.200", more=f"use_ipvlan {mode}")
    assert finds_nothing(lan, text(""), text("private"), text("vepa"), text("bridge"))


def test_an_ipv6_route_whose_source_goes_and_comes_back_is_as_it_shall_be(lan):
    text = instance() + """static_routes {
    2001:db8:50::/48 via 2001:db8:4::1 src 2001:db8:4::11 dev eth0
}
"""
    flush, own = ["ip", "addr", "del", "2001:db8:4::11/64", "dev", "eth0"], "2001:db8:4::11/64"
    for commands in ([flush], [flush, ["ip", "addr", "add", own, "dev", "eth0"]]):
        assert finds_nothing(lan, text, text, before_last=[{"do": "drift", "run": commands}])
        lan.close()


@pytest.mark.parametrize("word", ["add", "append"])
def test_a_route_whose_word_add_or_append_goes_is_never_absent(lan, word):
    route = "static_routes {{\n    2001:db8:527::/48 {0} dev eth0\n    10.50.19.0/24 {0} dev eth0\n}}\n"
    assert finds_nothing(lan, route.format(word), route.format(""))


def test_a_backup_that_a_reload_makes_the_owner_takes_over_as_after_a_start(lan):
    text = instance(more="mcast_src_ip 192.168.4.11")
    spoken = {"do": "peer", "adverts": [["eth0", 51, "inet", 254, ["192.168.4.200"]]]}
    owner = text.replace("priority 150", "priority 255").replace("version 3", "version 2").replace("int 0.03", "int 1")
    finding = run_walk(lan, Walk("vrrp", text, [spoken, {"do": "reload", "to": text}, {"do": "reload", "to": owner}]))
    assert finding is None, str(finding)


def test_a_source_address_that_is_set_anew_is_no_fault(lan):
    one = instance(interface="eth2", vips="10.30.0.200")
    source = "static_ipaddress {{\n    10.30.0.11/24 dev eth2 {}\n}}\n"
    assert finds_nothing(lan, one + source.format(""), one + source.format("scope link"))


def test_an_address_whose_label_the_kernel_has_changed_with_the_name_of_its_interface_gets_its_own_again(lan):
    text = instance() + "static_ipaddress {\n    10.30.0.11/24 dev eth2 label eth2:b\n}\n"
    renamed = [[["ip", "link", "set", old, "down"], ["ip", "link", "set", old, "name", new], ["ip", "link", "set", new, "up"]]
               for old, new in (("eth2", "other0"), ("other0", "eth2"))]
    assert finds_nothing(lan, text, text, before_last=[{"do": "drift", "run": commands} for commands in renamed])


def test_a_route_may_go_with_the_last_address_of_its_interface_when_that_gets_a_peer(lan):
    text = instance() + "static_routes {\n    10.50.1.0/24 dev eth2\n}\n"
    source = "static_ipaddress {{\n    10.30.0.11 dev eth2 {}\n}}\n"
    assert finds_nothing(lan, text + source.format(""), text + source.format("peer 10.99.0.100"))


def test_a_route_with_an_encapsulation_is_another_one_than_without(lan):
    route = "static_routes {{\n    10.50.28.0/24 {} dev eth0\n}}\n"
    assert finds_nothing(lan, route.format("encap ip id 3 dst 1.2.3.4 ttl 5"), route.format(""))


def test_a_peer_holds_nobody_back_who_does_not_hear_it(lan):
    slow = instance("VI_2", 52, vips="192.168.4.201").replace("version 3", "version 2").replace("int 0.03", "int 1")
    group = "vrrp_sync_group G_1 {\n    group {\n        VI_1\n        VI_2\n    }\n}\n"
    unicast = "unicast_peer {\n        192.168.4.1\n    }"
    for deaf, device in ((unicast, "eth0"), ("mcast_dst_ip 224.0.0.20", "eth0"), ("", "eth1")):
        text = instance(more=deaf) + slow + group
        spoken = [{"do": "peer", "adverts": [[device, 51, "inet", 254, ["192.168.4.200"]]]}]
        assert finds_nothing(lan, text, text, before_last=spoken)
        lan.close()


def test_a_start_is_steady_when_its_status_says_the_last_reason_of_a_fault(lan):
    text = (instance(interface="eth2", vips="10.30.0.200")
            + instance("VI_2", 52, vips="192.168.4.201", more="unicast_src_ip 192.168.4.55\nunicast_peer {\n192.168.4.1\n}")
            + "static_ipaddress {\n    10.30.0.11/24 dev eth2\n}\n"
            + "vrrp_sync_group G_1 {\n    group {\n        VI_1\n        VI_2\n    }\n}\n")
    assert finds_nothing(lan, text, text)


def test_a_vmac_name_that_goes_to_another_interface_is_no_fault_of_the_instance_that_had_it(lan):
    group = "vrrp_sync_group G_1 {\n    group {\n        VI_1\n        VI_2\n    }\n}\n"
    second = instance("VI_2", 52, vips="192.168.4.201")
    other = instance("VI_3", 53, interface="eth1", vips="10.20.0.200", more="use_vmac red")
    assert finds_nothing(lan, instance(more="use_vmac red") + second + group,
                         instance(more="use_vmac green") + second + group + other)


def test_a_vmac_that_is_used_for_the_other_family_has_the_settings_of_a_new_one(lan):
    four, six = instance(more="use_vmac red"), instance(vips="fe80::51\n        2001:db8:4::200/64", more="use_vmac red")
    assert finds_nothing(lan, four, six)
    lan.close()
    assert finds_nothing(lan, six, four)


def test_an_instance_without_a_source_is_no_master_when_its_vmac_is_made_again(lan):
    text = instance(interface="eth2", vips="10.30.0.200", more="use_vmac\n    dont_track_primary")
    gone = [{"do": "drift", "run": [["ip", "link", "del", "vrrp.51"]]}]
    assert finds_nothing(lan, text, text, before_last=gone)


def test_a_group_with_a_member_whose_source_comes_with_the_reload_keeps_the_addresses_of_its_master(lan):
    nowhere = instance("VI_2", 52, interface="eth2", vips="192.168.4.204")
    group = "vrrp_sync_group G_1 {\n    group {\n        VI_1\n        VI_2\n    }\n}\n"
    source = "static_ipaddress {\n    10.30.0.208/25 dev eth2\n}\n"
    assert finds_nothing(lan, instance() + nowhere, source + instance() + nowhere + group)


def test_what_an_instance_gets_that_lost_its_interface_for_a_moment_waits_for_its_election(lan):
    route = "10.50.1.0/24 dev eth1"
    slow = instance().replace("advert_int 0.03", "advert_int 1")
    static = f"static_routes {{\n    {route}\n}}\n"
    moment = {"do": "drift", "run": [["ip", "link", "set", "eth0", "down"], ["ip", "link", "set", "eth0", "up"]]}
    virtual = slow.replace("virtual_ipaddress", f"virtual_routes {{\n        {route}\n    }}\n    virtual_ipaddress")
    assert finds_nothing(lan, static + slow, virtual, before_last=(moment,))


def test_a_role_that_is_killed_again_and_again_is_missed_only_while_no_process_is_started(lan):
    kill = {"do": "kill", "role": "mainstayd-vrrp"}
    route = "virtual_routes {\n        10.50.1.0/24 via 192.168.4.1 dev eth0\n    }"
    assert run_walk(lan, Walk("vrrp", instance(more=route), [kill] * 4)) is None


def test_a_start_is_not_over_before_the_watcher_has_read_the_files():
    side = types.SimpleNamespace(text=instance() + "vrrp_track_file seen {\n    file /run/walk/seen\n}\n", peers={})
    master = {"state": "MASTER", "fault": "", "group": ""}
    status = {"instances": {"VI_1": master}, "files": [], "bfd": []}
    snapshot = {"links": {}, "processes": ["mainstayd-vrrp"], "status": status}
    assert not DOMAIN.steady(snapshot, side)
    status["files"] = [{"name": "seen", "value": 0}]
    assert DOMAIN.steady(snapshot, side)
