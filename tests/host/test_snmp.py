"""SNMP over AgentX: KEEPALIVED-MIB, the MIBs of the RFCs, sets and traps, as keepalived has them."""

import re
import shutil
import signal

import pytest

from support import versions
from support.paths import program
from support.snmp import KEEPALIVED, SOCKET, VRRP, VRRPV3, Master
from support.vrrp import instance, office, wait_holds, wait_ready
from support.wait import stays, wait_until

pytestmark = pytest.mark.skipif(shutil.which("snmpd") is None or shutil.which("snmptrapd") is None,
                                reason="there is no snmpd or snmptrapd here")
QUICK = dict(interval="0.1", auth=False, more="version 3\n")
INSTANCE = f"{KEEPALIVED}.2.3.1"


def configuration(*instances, words="enable_snmp_vrrp\n enable_traps", socket=f"snmp_socket {SOCKET}"):
    return f"global_defs {{\n router_id LVS_1\n {words}\n {socket}\n}}\n" + "".join(instances)


RICH = """global_defs {
    router_id LVS_1
    notification_email {
        admin@example.com
        ops@example.com
    }
    notification_email_from from@example.com
    smtp_server 192.168.4.77
    smtp_connect_timeout 17
    enable_snmp_vrrp
    enable_snmp_rfc
    enable_traps
    snmp_socket unix:/run/agentx
    script_user root
}
vrrp_script chk {
    script "/usr/bin/true"
    timeout 3
    weight -7 reverse
}
vrrp_track_process tp {
    process no-such-program
    weight 3
    quorum 1
    fork_delay 1.5
    terminate_delay 2
}
track_file unused {
    file /run/unused
}
bfd_instance lvs {
    neighbor_ip 192.168.4.99
    checker
}
static_ipaddress {
    10.99.0.1/32 dev lo scope host label lo:9
}
vrrp_sync_group G {
    group {
        VI_1
        VI_2
    }
    notify_master "/usr/bin/true master"
    notify "/usr/bin/true any"
    track_script {
        chk
    }
    track_interface {
        lo weight 3
    }
}
vrrp_instance VI_1 {
    state MASTER
    interface eth0
    virtual_router_id 51
    priority 150
    advert_int 1
    authentication {
        auth_type PASS
        auth_pass 1111
    }
    virtual_ipaddress {
        192.168.4.200
        192.168.4.201/24 brd 192.168.4.255 dev eth0 scope link label eth0:1
    }
    virtual_ipaddress_excluded {
        10.9.8.7/32
        10.9.7.7/24 brd + scope site
        2001:db8::5/64
    }
    track_interface {
        eth0
    }
    track_process {
        tp
    }
    notify_master "/usr/bin/true m"
    notify_backup /usr/bin/true
    notify "/usr/bin/true x"
    garp_master_delay 3
}
vrrp_instance VI_2 {
    state BACKUP
    interface eth0
    virtual_router_id 52
    priority 100
    version 3
    advert_int 0.5
    nopreempt
    no_accept
    virtual_ipaddress {
        192.168.4.202
    }
}
vrrp_instance VI_6 {
    interface eth0
    virtual_router_id 53
    priority 100
    version 3
    advert_int 0.5
    preempt_delay 7
    virtual_ipaddress {
        fe80::5
        2001:db8::1/64
    }
}
vrrp_instance VI_4 {
    interface eth0
    virtual_router_id 54
    use_vmac
    virtual_ipaddress {
        192.168.4.204
        192.168.4.205/24
    }
    virtual_ipaddress_excluded {
        2001:db8::9/64
    }
    track_interface {
        eth0
    }
}
"""

# Where mainstay's answer is another one on purpose: ours, keepalived 2.2.7's, and why ours.
DIFFERENT = {
    f"{KEEPALIVED}.1.1.0": ('"mainstay v', '"Keepalived v2'),
    # It says "not advertised" of every instance but the first; they are.
    f"{KEEPALIVED}.2.6.1.11.2.1": ("1", "2"),
    f"{KEEPALIVED}.2.6.1.11.3.1": ("1", "2"),
    f"{KEEPALIVED}.2.6.1.11.3.2": ("1", "2"),
    f"{KEEPALIVED}.2.6.1.11.4.1": ("1", "2"),
    f"{KEEPALIVED}.2.6.1.11.4.2": ("1", "2"),
    # RFC 2787: the master's address. It has none for itself.
    f"{VRRP}.1.3.1.7.{{index}}.51": ("192.168.4.11", "0.0.0.0"),
}
# What keepalived 2.3 has (Debian 13) and 2.2.7 has not, nor has mainstay: a scalar of its own, a column of instances, the
# path and the times in microseconds of scripts. And what it does not answer any more: the mail addresses.
SINCE_2_3 = [f"{KEEPALIVED}.1.12.", f"{KEEPALIVED}.2.3.1.36.", f"{KEEPALIVED}.2.9.1.10.", f"{KEEPALIVED}.2.9.1.11.",
             f"{KEEPALIVED}.2.9.1.12."]
UNTIL_2_3 = [f"{KEEPALIVED}.1.3.5.1.2."]
CLOCKS = [f"{VRRP}.1.3.1.13.", f"{VRRPV3}.1.1.1.1.12."]  # they go on


def walks(master):
    return {f"{root}.{oid}": value for root in (KEEPALIVED, VRRP, VRRPV3) for oid, value in master.walk(root).items()}


@pytest.mark.nightly
def test_the_walk_of_the_mibs_is_keepaliveds(lan):
    # effect: global_defs: enable_snmp_vrrp enable_snmp_rfc snmp_socket
    (one,) = office(lan, "one")
    index = one.run(["cat", "/sys/class/net/eth0/ifindex"]).stdout.strip()
    master = Master(one)

    def all_masters():
        for row in (1, 2, 3, 4):
            master.wait_for(f"{INSTANCE}.4.{row}", "2")
        vmac = one.read("/sys/class/net/vrrp.54/ifindex").strip()
        return {oid: "VMAC" if ".2.6.1.7.4." in oid and value == vmac else value
                for oid, value in walks(master).items()}

    daemon = wait_ready(one.mainstayd(RICH))
    ours = all_masters()
    assert daemon.stop() == 0
    wait_until(lambda: not master.walk(KEEPALIVED), 10, "the subtree to be gone")

    assert ours[f"{INSTANCE}.2.1"] == '"VI_1"'
    assert ours[f"{INSTANCE}.8.2"] == "103"
    assert ours[f"{KEEPALIVED}.2.6.1.3.1.2"] == '"C0 A8 04 C9 "'
    assert ours[f"{VRRP}.1.3.1.8.{index}.51"] == "192.168.4.11"
    assert ours[f"{VRRPV3}.1.1.1.1.9.{index}.52.1"] == "50"
    assert int(ours[f"{VRRPV3}.1.1.1.1.12.{index}.51.1"]) > 0
    if shutil.which("keepalived") is None:
        pytest.skip("there is no keepalived here to compare with")
    path = one.write("/run/k.conf", RICH)
    one.start(["keepalived", "-n", "-l", "-D", "-G", "-P", "-f", path])
    theirs = all_masters()

    different = {oid.format(index=index): values for oid, values in DIFFERENT.items()}
    for oid, (our, their) in different.items():
        assert ours[oid].startswith(our) and theirs[oid].startswith(their), oid

    # Both walked, and what is left stands in the same order.
    if versions.keepalived() >= (2, 3):
        assert all(any(oid.startswith(begin) for oid in theirs) for begin in SINCE_2_3)
        theirs = {oid: value for oid, value in theirs.items() if not oid.startswith(tuple(SINCE_2_3))}
        assert not any(oid.startswith(tuple(UNTIL_2_3)) for oid in theirs)
        ours = {oid: value for oid, value in ours.items() if not oid.startswith(tuple(UNTIL_2_3))}

    # Its walk of VRRP-MIB ends at the first instance of version 3 or IPv6.
    unreached = [oid for oid in ours if re.match(rf"{re.escape(VRRP)}\.(1\.3|2\.4)\.1\.\d+\.{index}\.54$", oid)]
    assert len(unreached) == 25 and not any(oid in theirs for oid in unreached)
    assert ours[f"{VRRP}.1.3.1.2.{index}.54"] == '"00 00 5E 00 01 36 "'
    ours = {oid: value for oid, value in ours.items() if oid not in unreached}

    def comparable(walk):
        return {oid: value for oid, value in walk.items()
                if oid not in different and not any(oid.startswith(clock) for clock in CLOCKS)}
    assert comparable(ours) == comparable(theirs)
    assert list(ours) == list(theirs)


def test_sets_change_the_running_instance_and_are_refused_as_keepalived_refuses_them(lan):
    # effect: global_defs: enable_snmp_keepalived
    one, two = office(lan, "one", "two")
    master = Master(one)
    daemon = wait_ready(one.mainstayd(configuration(instance(priority=150, **QUICK), words="enable_snmp_keepalived")))
    wait_ready(two.mainstayd(instance(priority=120, state="BACKUP", **QUICK)))
    wait_holds(one)
    master.wait_for(f"{INSTANCE}.4.1", "2")

    assert master.set(f"{INSTANCE}.7.1", "i", 0) == "wrongValue"
    assert master.set(f"{INSTANCE}.7.1", "i", 256) == "wrongValue"
    assert master.set(f"{INSTANCE}.2.1", "s", "x") == "notWritable"
    assert master.set(f"{INSTANCE}.7.2", "i", 120) == "notWritable"
    assert one.holds("192.168.4.200")

    assert master.set(f"{INSTANCE}.7.1", "i", 100) is None

    wait_holds(two)
    master.wait_for(f"{INSTANCE}.7.1", "100")
    master.wait_for(f"{INSTANCE}.4.1", "1")
    assert "(VI_1) priority 100 on SNMP request" in daemon.output()

    assert master.set(f"{INSTANCE}.13.1", "i", 2) is None
    master.wait_for(f"{INSTANCE}.13.1", "2")
    assert master.set(f"{INSTANCE}.7.1", "i", 200) is None  # but it does not preempt now
    master.wait_for(f"{INSTANCE}.8.1", "200")
    assert stays(lambda: not one.holds("192.168.4.200"), 1)


def test_transitions_are_traps_with_keepaliveds_objects(lan):
    # effect: global_defs: enable_traps enable_snmp_rfcv2 enable_snmp_rfcv3
    (one,) = office(lan, "one")
    master = Master(one)
    group = "vrrp_sync_group G {\n group {\n VI_1\n VI_2\n }\n}\n"
    two = instance(name="VI_2", vrid=52, vip="192.168.4.201", auth=False)
    words = "enable_snmp_vrrp\n enable_traps\n enable_snmp_rfcv2\n enable_snmp_rfcv3"
    daemon = wait_ready(one.mainstayd(configuration(group, instance(**QUICK), two, words=words)))
    wait_holds(one, "192.168.4.201")

    def of_instance(name, state):
        return (f"{KEEPALIVED}.2.10.0.2", {f"{INSTANCE}.2": f'"{name}"', f"{INSTANCE}.4": str(state),
                                           f"{INSTANCE}.5": "2", f"{KEEPALIVED}.1.2.0": '"LVS_1"'})

    def of_group(state):
        return (f"{KEEPALIVED}.2.10.0.1", {f"{KEEPALIVED}.2.1.1.2": '"G"', f"{KEEPALIVED}.2.1.1.3": str(state),
                                           f"{KEEPALIVED}.1.2.0": '"LVS_1"'})

    index = one.run(["cat", "/sys/class/net/eth0/ifindex"]).stdout.strip()
    for trap in (of_instance("VI_1", 2), of_instance("VI_2", 2), of_group(2),
                 (f"{VRRP}.0.1", {f"{VRRP}.1.3.1.7.{index}.52": "192.168.4.11"}),
                 (f"{VRRPV3}.0.1", {f"{VRRPV3}.1.1.1.1.3.{index}.51.1": '"C0 A8 04 0B "',
                                    f"{VRRPV3}.1.2.5.1.2.{index}.51.1": "3"})):
        master.wait_trap(trap)
    assert of_instance("VI_1", 3) not in master.traps()

    one.run(["ip", "link", "set", "eth0", "down"])
    for trap in (of_instance("VI_1", 3), of_instance("VI_2", 3), of_group(3)):
        master.wait_trap(trap)
    assert daemon.stop() == 0
    for trap in (of_instance("VI_1", 5), of_instance("VI_2", 5)):
        master.wait_trap(trap)


def test_without_enable_traps_and_without_a_keyword_nothing_is_sent(lan):
    # effect: global_defs: enable_traps enable_snmp_vrrp
    (one,) = office(lan, "one")
    master = Master(one)
    daemon = wait_ready(one.mainstayd(configuration(instance(**QUICK), words="enable_snmp_vrrp")))
    master.wait_for(f"{INSTANCE}.4.1", "2")
    assert master.walk(VRRP) == {} == master.walk(VRRPV3)
    assert not [trap for trap, _ in master.traps() if trap.startswith(KEEPALIVED)]

    one.write("/run/keepalived.conf", configuration(instance(**QUICK), words=""))
    daemon.send(signal.SIGHUP)
    wait_until(lambda: not master.walk(KEEPALIVED), 10, "the subtree to be gone")
    wait_until(lambda: "mainstayd-snmp" not in one.run(["ps", "-eo", "comm="]).stdout, 10, "the process to be gone")
    assert one.holds("192.168.4.200")


@pytest.mark.nightly
def test_x_and_A_do_what_the_keywords_do_and_a_master_may_come_later(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance(**QUICK), "-x", "-A", SOCKET))
    wait_holds(one)
    wait_until(lambda: "SNMP: no AgentX master at unix:/run/agentx" in daemon.output(), 10, "the log to say so")

    master = Master(one)
    master.wait_for(f"{INSTANCE}.2.1", '"VI_1"')
    master.snmpd.stop(signal.SIGKILL)
    one.run(["rm", "-f", "/run/agentx"])
    wait_until(lambda: "the connection to the AgentX master is lost" in daemon.output(), 10, "the loss to be told")
    master.start()
    master.wait_for(f"{INSTANCE}.4.1", "2")
    assert one.holds("192.168.4.200")
    assert daemon.output().count("SNMP: no AgentX master") == 1


def test_a_master_that_stands_still_hangs_the_snmp_process_alone_and_is_served_again(lan):
    """net-snmp waits for the master's answer to a trap; the supervisor replaces that process after 10 s of silence."""
    one, two = office(lan, "one", "two")
    one.run(["ip", "link", "add", "other", "type", "veth", "peer", "name", "end"])
    one.run(["ip", "link", "set", "end", "up"])
    one.run(["ip", "link", "set", "other", "up"])
    one.run(["ip", "addr", "add", "192.168.5.11/24", "dev", "other"])
    master = Master(one)
    text = instance(interval=0.5, auth=False) + instance(name="VI_2", vrid=52, vip="192.168.5.201", interface="other", auth=False)
    peer = wait_ready(two.mainstayd(instance("BACKUP", 100, interval=0.5, auth=False)))
    daemon = wait_ready(one.mainstayd(configuration(text)))
    master.wait_for(f"{INSTANCE}.4.2", "2")
    wait_until(lambda: not two.holds("192.168.4.200"), 10, "one MASTER")
    entered = peer.output().count("Entering MASTER STATE")

    master.snmpd.send(signal.SIGSTOP)
    one.run(["ip", "link", "set", "other", "down"])  # a trap
    wait_until(lambda: re.search(r"SNMP process\(\d+\) has been silent for 10 s: killing it", daemon.output()), 40,
               "the supervisor to see it")
    assert not re.search(r"(VRRP|Observer) process\(\d+\) has been silent", daemon.output())
    assert one.run([program("mainstayctl"), "status"], check=False, timeout=20).returncode == 0
    assert peer.output().count("Entering MASTER STATE") == entered and one.holds("192.168.4.200")

    master.snmpd.send(signal.SIGCONT)
    master.wait_for(f"{INSTANCE}.4.1", "2", timeout=90)
