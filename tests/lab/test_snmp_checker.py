"""KEEPALIVED-MIB's section check is keepalived's from the same file, but for the columns that count traffic."""

import shutil
import signal

import pytest

from support.lvs import listen
from support.snmp import KEEPALIVED, SOCKET, Master
from support.wait import wait_until

pytestmark = pytest.mark.skipif(shutil.which("snmpd") is None or shutil.which("snmptrapd") is None or
                                shutil.which("keepalived") is None, reason="there is no snmpd or keepalived here")

CONFIGURATION = f"""global_defs {{
    router_id LVS_1
    enable_snmp_checker
    enable_traps
    snmp_socket {SOCKET}
    script_user root
}}
virtual_server 10.1.0.1 80 {{
    delay_loop 2
    lb_algo wrr
    lb_kind NAT
    persistence_timeout 50
    persistence_granularity 255.255.255.0
    protocol TCP
    quorum_up "/usr/bin/true up"
    quorum_down "/usr/bin/true down"
    sorry_server 10.9.0.9 80
    real_server 127.1.0.1 80 {{
        weight 3
        inhibit_on_failure
        uthreshold 100
        lthreshold 10
        notify_up "/usr/bin/true ru"
        TCP_CHECK {{
            connect_timeout 1
            retry 0
        }}
    }}
}}
virtual_server fwmark 5 {{
    lb_algo rr
    lb_kind DR
    real_server 127.1.0.3 0 {{
    }}
}}
virtual_server 2001:db8::7 443 {{
    lb_algo sh
    lb_kind TUN
    protocol TCP
    sh-port
    real_server 2001:db8::8 443 {{
    }}
}}
"""
CHECK = f"{KEEPALIVED}.3"
# What keepalived counts of traffic, by column; and the prefix length of persistence, which it shows of services of the
# other family too.
COUNTED = {"3": [*range(27, 37), *range(38, 51), 51], "4": [*range(14, 40)]}


def compared(walk):
    def counts(oid):
        table, _, column = oid.split(".")[:3]
        return int(column) in COUNTED.get(table, [])
    return {oid: value for oid, value in walk.items() if not counts(oid)}


def test_the_walk_of_virtual_and_real_servers_is_keepaliveds_and_a_failed_check_is_a_trap(lan):
    # effect: global_defs: enable_snmp_checker enable_traps
    lan.switch("net")
    one = lan.host("one", eth0=("net", "10.2.0.1/24"))
    web = listen(one, "127.1.0.1:80")
    master = Master(one)

    def started():
        master.wait_for(f"{CHECK}.3.1.23.1", "1")
        master.wait_for(f"{CHECK}.4.1.6.1.2", "1")
        return compared(master.walk(CHECK))

    daemon = one.mainstayd(CONFIGURATION)
    ours = started()
    assert ours["3.1.6.1"] == '"0A 01 00 01 "'
    assert ours["4.1.11.1.2"] == "\"'/usr/bin/true' 'ru'\""
    web.stop(signal.SIGKILL)
    trap = (f"{CHECK}.5.0.1", {f"{CHECK}.4.1.3": "1", f"{CHECK}.4.1.4": '"7F 01 00 01 "', f"{CHECK}.4.1.5": "80",
                               f"{CHECK}.4.1.6": "2", f"{CHECK}.3.1.2": "2", f"{CHECK}.3.1.5": "1",
                               f"{CHECK}.3.1.6": '"0A 01 00 01 "', f"{CHECK}.3.1.7": "80", f"{CHECK}.3.1.8": "1",
                               f"{CHECK}.3.1.21": "0", f"{CHECK}.3.1.20": "1", f"{KEEPALIVED}.1.2.0": '"LVS_1"'})
    master.wait_trap(trap, timeout=30)
    assert daemon.stop() == 0
    wait_until(lambda: not master.walk(CHECK), 10, "the subtree to be gone")

    listen(one, "127.1.0.1:80")
    one.keepalived(CONFIGURATION, "-C")
    assert ours == started()
