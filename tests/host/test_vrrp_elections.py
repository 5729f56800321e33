"""Who takes over, when, and what strict mode makes of it: on the wire, with keywords as a configuration has them."""

import pytest
from support.capture import Capture
from support.vrrp import VIP, instance, office, wait_holds, wait_ready, wait_released
from support.wait import stays, wait_until


def v3(priority, more="", state="BACKUP", interval=0.2, **rest):
    return instance(state, priority, auth=False, interval=interval, more="version 3\n" + more, **rest)


def test_nopreempt_respects_any_master_and_preempt_takes_it_back(lan):
    # effect: vrrp_instance: nopreempt preempt
    one, two = office(lan, "one", "two")
    wait_ready(two.mainstayd(v3(100)))
    wait_holds(two)
    humble = wait_ready(one.mainstayd(v3(150, "nopreempt")))
    assert stays(lambda: two.holds(VIP) and not one.holds(VIP), 2)
    humble.stop()
    wait_ready(one.mainstayd(v3(150, "nopreempt\n preempt")))
    wait_holds(one)
    wait_released(two)


def test_preempt_delay_leaves_the_lower_master_in_peace_for_so_long(lan):
    # effect: vrrp_instance: preempt_delay
    one, two = office(lan, "one", "two")
    wait_ready(two.mainstayd(v3(100)))
    wait_holds(two)
    wait_ready(one.mainstayd(v3(150, "preempt_delay 3")))
    assert stays(lambda: two.holds(VIP) and not one.holds(VIP), 2)
    wait_holds(one)
    wait_released(two)


def test_state_master_is_the_quicker_at_the_first_election_and_an_owner_does_not_wait(lan):
    # effect: vrrp_instance: state debug
    one, two = office(lan, "one", "two")
    wait_ready(two.mainstayd(v3(100, interval=4)))
    daemon = wait_ready(one.mainstayd(v3(90, "debug 4", state="MASTER", interval=4)))
    wait_holds(one, timeout=9)  # one interval and a little; the other waits for three
    assert not two.holds(VIP)
    daemon.stop()
    wait_ready(one.mainstayd(v3(255, state="MASTER", interval=4)))
    wait_holds(one, timeout=3)


@pytest.mark.parametrize("settings,more", [("", "down_timer_adverts 20"),
                                           ("global_defs {\n vrrp_down_timer_adverts 20\n}\n", "")])
def test_down_timer_adverts_is_how_many_adverts_may_be_missing(lan, settings, more):
    # effect: vrrp_instance: down_timer_adverts
    # effect: global_defs: vrrp_down_timer_adverts
    one, two = office(lan, "one", "two")
    wait_ready(one.mainstayd(v3(150)))
    wait_holds(one)
    wait_ready(two.mainstayd(settings + v3(100, more)))
    one.kill()
    assert stays(lambda: not two.holds(VIP), 2.5)  # three intervals are 0.6 s
    wait_holds(two)


@pytest.mark.parametrize("settings,more", [("", "strict_mode"), ("global_defs {\n vrrp_strict\n}\n", "")])
def test_strict_mode_forces_what_the_rfc_leaves_no_choice_in(lan, settings, more):
    # effect: vrrp_instance: strict_mode
    # effect: global_defs: vrrp_strict
    (one,) = office(lan, "one")
    against = ("authentication {\n auth_type PASS\n auth_pass 1111\n }\n preempt_delay 3\n down_timer_adverts 5\n"
               " garp_lower_prio_repeat 3\n garp_lower_prio_delay 2\n lower_prio_no_advert off\n"
               " higher_prio_send_advert on\n")
    with Capture(one) as capture:
        daemon = wait_ready(one.mainstayd(settings + instance("MASTER", 150, auth=False, more=against + more)))
        wait_holds(one)
        (packet, *_) = capture.wait_for(1)
    assert bytes(packet["IP"].payload)[:5] == bytes([0x21, 51, 150, 1, 0])  # without authentication
    said = daemon.output()
    for keyword in ("garp_lower_prio_repeat", "garp_lower_prio_delay", "lower_prio_no_advert", "higher_prio_send_advert",
                    "down_timer_adverts"):
        assert f"(VI_1) {keyword} cannot be combined with strict mode" in said
    assert "(VI_1) Entering BACKUP STATE (init)" in said  # state MASTER is for owners


def test_a_master_that_yields_says_so_with_a_last_advert_unless_told_otherwise(lan):
    # effect: vrrp_instance: higher_prio_send_advert
    # effect: global_defs: vrrp_higher_prio_send_advert
    for settings, more, last_word in (("", "", True), ("", "higher_prio_send_advert off", False),
                                      ("global_defs {\n vrrp_higher_prio_send_advert off\n}\n", "", False)):
        one, two = office(lan, "one", "two")
        wait_ready(one.mainstayd(settings + v3(100, more)))
        wait_holds(one)
        with Capture(two) as capture:
            wait_ready(two.mainstayd(v3(150)))
            wait_holds(two)
            wait_released(one)
            packets = [(p["IP"].src, bytes(p["IP"].payload)[2]) for p in capture.packets()]
        at = packets.index(("192.168.4.12", 150))
        assert (("192.168.4.11", 100) in packets[at:]) == last_word, packets[at - 1:]
        lan.close()


@pytest.mark.parametrize("settings,more,told", [("", "", True), ("", "skip_check_adv_addr", False),
                                                ("global_defs {\n vrrp_skip_check_adv_addr\n}\n", "", False)])
def test_other_addresses_of_a_known_master_are_reported_unless_they_need_not_be_checked(lan, settings, more, told):
    # effect: vrrp_instance: skip_check_adv_addr
    # effect: global_defs: vrrp_skip_check_adv_addr
    one, two = office(lan, "one", "two")
    wait_ready(one.mainstayd(v3(150)))
    wait_holds(one)
    backup = wait_ready(two.mainstayd(settings + v3(100, more)))
    assert stays(lambda: not two.holds(VIP), 1)  # it knows its master now
    one.write("/run/keepalived.conf", v3(150, vip="192.168.4.201"))
    one.processes[-1].send(1)
    wait_holds(one, "192.168.4.201")
    text = "(VI_1) the advert from 192.168.4.11 lacks our VIP 192.168.4.200"
    if told:
        wait_until(lambda: text in backup.output(), 10, "the complaint")
    else:
        assert stays(lambda: text not in backup.output(), 1.5)
    assert not two.holds(VIP)


def test_an_instance_without_addresses_elects_all_the_same(lan):
    # effect: vrrp_instance: no_virtual_ipaddress
    (one,) = office(lan, "one")
    text = v3(150, "no_virtual_ipaddress").replace(f"virtual_ipaddress {{\n        {VIP}\n    }}", "")
    with Capture(one) as capture:
        wait_ready(one.mainstayd(text))
        (packet, *_) = capture.wait_for(1)
    assert bytes(packet["IP"].payload)[:4] == bytes([0x31, 51, 150, 0])
