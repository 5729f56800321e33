"""The generator knows every keyword of the schema, or says why not."""

import subprocess

from support.paths import program

from oracle import vrrp_generator, vrrp_left_out, vrrp_words
from oracle import vrrp_parts as parts
from oracle.tree import Block

SAID = {"vrrp_instance": vrrp_words.INSTANCE, "vrrp_instance/virtual_ipaddress": vrrp_words.ADDRESS,
        "vrrp_instance/virtual_routes": vrrp_words.ROUTE, "vrrp_instance/virtual_rules": vrrp_words.RULE,
        "global_defs": vrrp_words.GLOBAL}
# What vrrp_parts.py writes itself: whole blocks, and lines that every instance has.
WRITTEN = {
    "(root)": {"global_defs", "vrrp_instance", "vrrp_script", "vrrp_sync_group", "vrrp_track_file", "static_ipaddress",
               "static_routes", "static_rules"},
    "vrrp_instance": {"interface", "virtual_router_id", "version", "advert_int", "virtual_ipaddress",
                      "virtual_ipaddress_excluded", "virtual_routes", "virtual_rules", "track_interface", "track_script",
                      "track_file", "unicast_peer"},
    "vrrp_sync_group": {"group"},
}
OTHER_HALF = ("lvs_", "checker_", "nftables_ipvs", "snmp_rs", "snmp_vs", "rs_init_notifies", "no_checker_emails", "enable_snmp_checker",
              "smtp_alert_checker")


def schema():
    """(block, keyword) of everything but the half of load balancing."""
    shown = subprocess.run([program("mainstayctl"), "config", "reference", "--list"], capture_output=True, text=True,
                           check=True).stdout
    for line in shown.splitlines():
        block, keyword, _ = line.split("\t")
        if not block.startswith(("virtual_server", "SSL")) and not keyword.startswith(OTHER_HALF):
            yield block, keyword


def reason(block, keyword):
    left_out = vrrp_left_out.LEFT_OUT.get(block, {})
    return left_out if isinstance(left_out, str) else left_out.get(keyword)


def test_every_keyword_is_generated_or_left_out_with_a_reason():
    unknown = [f"{block}: {keyword}" for block, keyword in schema()
               if keyword != "<entry>" and not reason(block, keyword)
               and keyword not in SAID.get(block, ()) and keyword not in WRITTEN.get(block, ())]
    assert unknown == []


def test_nothing_is_said_or_left_out_that_the_schema_does_not_have():
    known = set(schema())
    said = [(block, keyword) for table in (SAID, WRITTEN) for block, words in table.items() for keyword in words]
    left_out = [(block, keyword) for block, words in vrrp_left_out.LEFT_OUT.items() if isinstance(words, dict)
                for keyword in words]
    unknown = [pair for pair in said + left_out if pair not in known and reason(*pair) != vrrp_left_out.OTHER_HALF]
    assert unknown == []
    assert not set(said) & set(left_out)


def test_a_walk_says_most_of_what_the_tables_have():
    """A table that is never asked would hide what it holds: in some hundred walks nearly every keyword is there."""
    import random

    text = []
    for seed in range(150):
        rng = random.Random(seed)
        nodes = vrrp_generator.first(rng)
        for _ in range(10):
            nodes = vrrp_generator.changed(nodes, rng)
            text.append(vrrp_generator.tree_text(nodes))
    words = set(" ".join(text).split())
    never = {keyword for table in SAID.values() for keyword in table} - words
    assert never <= {"no_virtual_ipaddress", "autojoin"}


def test_no_instance_is_left_to_send_from_the_address_of_an_owner():
    owner = Block("vrrp_instance VI_1", ["interface eth2", "priority 255", Block("virtual_ipaddress", ["10.30.0.201"])])
    other = Block("vrrp_instance VI_2", ["interface eth2", "priority 100", Block("virtual_ipaddress", ["10.30.0.202"])])
    parts.keep_sources_apart([other])
    assert other.value("mcast_src_ip") is None
    parts.keep_sources_apart([owner, other])
    assert (owner.value("mcast_src_ip"), other.value("mcast_src_ip")) == ("192.168.4.11", "192.168.4.11")
