"""The tools of the oracle themselves: trees, walks, the shrinker, and what differences look like."""

from oracle import domains, tree
from oracle.domain import differences
from oracle.run import Finding
from oracle.shrink import shrink
from oracle.walk import Walk, make

TEXT = """global_defs {
    nftables
}
vrrp_instance VI_1 {
    interface eth0
    virtual_ipaddress {
        192.168.4.200
        192.168.4.201
    }
}
"""


def reload(text):
    return {"do": "reload", "to": text}


def test_a_tree_is_the_text_that_it_was_made_of():
    assert tree.text(tree.parse(TEXT)) == TEXT


def test_parts_are_left_out_by_their_path():
    gone = {("vrrp_instance VI_1", "virtual_ipaddress", "192.168.4.200"), ("global_defs",)}
    assert tree.text(tree.without(tree.parse(TEXT), gone)) == """vrrp_instance VI_1 {
    interface eth0
    virtual_ipaddress {
        192.168.4.201
    }
}
"""


def test_a_seed_is_a_walk():
    domain = domains.by_name("vrrp")
    assert make(domain, 7, 5) == make(domain, 7, 5)
    assert make(domain, 7, 5) != make(domain, 8, 5)
    assert make(domain, 7, 5).reloads() == 5


def test_the_shortest_walk_has_only_what_the_finding_needs():
    walk = Walk("vrrp", TEXT, [reload(TEXT), {"do": "upgrade"}, reload(TEXT + "vrrp_instance VI_2 {\n}\n"), reload(TEXT)])

    def attempt(candidate):
        # Found in the step after an upgrade when the file has the address 201.
        for at, step in enumerate(candidate.steps[1:], 1):
            if candidate.steps[at - 1]["do"] == "upgrade" and "201" in step.get("to", ""):
                return Finding(at, ["missing /addresses/x: y"])
        return None

    shortest, finding = shrink(walk, Finding(2, ["missing /addresses/x: y"]), attempt)

    assert finding.step == 1
    assert [step["do"] for step in shortest.steps] == ["upgrade", "reload"]
    assert shortest.start == shortest.steps[1]["to"]
    assert shortest.steps[1]["to"] == """vrrp_instance VI_1 {
    virtual_ipaddress {
        192.168.4.201
    }
}
"""


def test_differences_say_what_is_missing_left_over_or_different():
    walked = {"links": {"eth0": {"mtu": 1500}, "red": {}}, "routes": ["a", "b", "b"]}
    fresh = {"links": {"eth0": {"mtu": 1400}, "blue": {}}, "routes": ["a", "b", "c"]}
    assert differences(walked, fresh) == [
        "missing /links/blue: {}", "differs /links/eth0/mtu: 1500 instead of 1400", "left over /links/red: {}",
        "missing /routes: c", "left over /routes: b"]
    assert differences({"rules": ["a", "b"]}, {"rules": ["b", "a"]}) == [
        "another order /rules: ['a', 'b'] instead of ['b', 'a']"]
