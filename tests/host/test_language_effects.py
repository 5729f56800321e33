"""The configuration language from end to end: what includes, conditions, definitions and repetitions make of a file is
seen as addresses in the kernel."""

from support.paths import program
from support.vrrp import office, wait_holds, wait_ready
from support.wait import wait_until

QUICK = "vrrp_version 3\n"


def instance(addresses, name="VI_1", vrid=51):
    lines = "\n        ".join(addresses)
    return f"""vrrp_instance {name} {{
    state MASTER
    interface eth0
    virtual_router_id {vrid}
    priority 150
    advert_int 0.1
    virtual_ipaddress {{
        {lines}
    }}
}}
"""


def held(host, *addresses):
    wait_until(lambda: set(addresses) <= host.addresses("eth0"), 15, lambda: f"{addresses}, not {host.addresses()}")
    return host.addresses("eth0") - {"192.168.4.11/24"}


def run(one, text, options=(), env=None):
    return wait_ready(one.mainstayd(f"global_defs {{\n {QUICK}}}\n" + text, *options, env=env))


def v4(addresses):
    return {a for a in addresses if ":" not in a}


def test_definitions_conditions_and_repetitions_become_addresses(lan):
    # effect: (language): @<id> @^<id> $NAME= ~SEQ ~SEQx ~LST ${_PWD} ${_INSTANCE} ${_RANDOM} ${_ENV} ${_HASH} ${_BANG}
    (one,) = office(lan, "one")
    one.write("/run/part/ten.inc", "192.168.4.77\n")
    text = """$NET=192.168.4
$ONE=${NET}.50
$MANY= \\
192.168.4.51 \\
192.168.4.52

vrrp_instance VI_1 {
    state MASTER
    interface eth0
    virtual_router_id 51
    priority 150
    advert_int 0.1
    virtual_ipaddress {
        $ONE
        $MANY
        @red ${NET}.60
        @blue ${NET}.61
        @^red ${NET}.62
        @^blue ${NET}.63
        ~SEQ(N, 70, 2, 74) ${NET}.$N
        ~LST({A, L}, {101, eth0:a}, {102, eth0:b}) ${NET}.$A label $L
        192.168.4.${_RANDOM 120 120}
        ${NET}.${_ENV LAST}
        include ${_PWD}/part/ten.inc
        ~SEQx(H, 10, 11) fd00::$H
        192.168.4.99 label eth0:${_INSTANCE}
        192.168.4.98 label "eth0:${_HASH}${_BANG}"
    }
}
"""
    run(one, text.replace("        ~SEQx(H, 10, 11) fd00::$H\n", "")
        + instance(["~SEQx(H, 10, 11) fd00::$H"], "VI_6", 56), ("-i", "red"), {"LAST": "130"})

    addresses = held(one, "192.168.4.50/32", "fd00::b/128")

    assert v4(addresses) == {f"192.168.4.{n}/32" for n in (50, 51, 52, 60, 63, 70, 72, 74, 101, 102, 120, 130, 77, 99, 98)}
    assert {a for a in addresses if a.startswith("fd00")} == {"fd00::a/128", "fd00::b/128"}
    shown = one.run(["ip", "-o", "addr", "show", "dev", "eth0"]).stdout
    for address, label in [("101", "eth0:a"), ("102", "eth0:b"), ("99", "eth0:red"), ("98", "eth0:#!")]:
        line = next(line for line in shown.splitlines() if f" 192.168.4.{address}/32 " in line)
        assert f" {label}\\ " in line, line


def test_a_random_seed_gives_the_same_addresses_again(lan):
    # effect: global_defs: random_seed
    (one,) = office(lan, "one")
    text = "global_defs {\n random_seed 7\n vrrp_version 3\n}\n" + instance(["192.168.4.${_RANDOM 20 250}"])

    def random_address():
        daemon = wait_ready(one.mainstayd(text))
        wait_until(lambda: len(v4(one.addresses("eth0"))) == 2, 10, "the address")
        address = v4(one.addresses("eth0")) - {"192.168.4.11/24"}
        assert daemon.stop() == 0
        return address

    assert random_address() == random_address()


def test_included_files_become_addresses_whichever_way_they_are_included(lan):
    # effect: (language): include includer includem includew includeb includea
    # effect: (root): global_defs
    (one,) = office(lan, "one")
    for n, way in enumerate(["include", "includer", "includem", "includew", "includeb", "includea"]):
        one.write(f"/run/conf.d/{way}-a.conf", f"192.168.4.{50 + n}\n")
    one.write("/run/conf.d/includew-b.conf", "192.168.4.60\n")
    one.write("/run/conf.d/includeb-b.conf", "192.168.4.61\n")
    run(one, instance(["include conf.d/include-a.conf", "includer conf.d/includer-a.conf",
                       "includem conf.d/includem-a.conf", "includew conf.d/includew-*.conf",
                       "includeb conf.d/includeb-{a,b}.conf", "includea conf.d/includea-a.conf"]))

    assert v4(held(one, "192.168.4.50/32")) == {f"192.168.4.{n}/32" for n in (50, 51, 52, 53, 54, 55, 60, 61)}


def test_a_checked_include_that_finds_nothing_stops_the_start_and_a_plain_one_does_not(lan):
    # effect: (language): include includem includew includeb includea includer
    # effect: global_defs: include_check
    (one,) = office(lan, "one")
    one.write("/run/there.conf", "")
    one.run(["chmod", "755", one.write("/run/executable.conf", "")])

    def start_with(line, more=""):
        path = one.write("/run/checked.conf", f"global_defs {{\n {more}\n}}\n{line}\n" + instance(["192.168.4.50"]))
        return one.start([program("mainstayd"), "-n", "-l", "-G", "-f", path])

    for line in ["includem missing.conf", "includew missing-*.conf", "includeb {there,missing}.conf",
                 "includea missing-*.conf", "includer executable.conf"]:
        assert start_with(line).wait(15) == 6, line
    assert start_with("include missing.conf", "include_check match").wait(15) == 6
    daemon = wait_ready(start_with("include missing.conf"))
    wait_holds(one, "192.168.4.50")
    assert daemon.stop() == 0
