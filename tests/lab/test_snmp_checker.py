"""KEEPALIVED-MIB's section check is keepalived's from the same file, with the same counters after the same traffic."""

import shutil
import signal

import pytest

from support import versions
from support.lvs import listen
from support.snmp import KEEPALIVED, SOCKET, Master
from support.traffic import ask, serve
from support.wait import stays, wait_until

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
    quorum 5
    hysteresis 7
    real_server 2001:db8::8 443 {{
    }}
}}
"""
CHECK = f"{KEEPALIVED}.3"


# Columns of services and of real servers that keepalived 2.3 has (Debian 13) and 2.2.7 has not: mainstay has none of them.
SINCE_2_3 = {"3": range(72, 79), "4": range(56, 63)}


def compared(walk):
    """Without the prefix length of persistence, which keepalived shows of services of the other family too."""
    return {oid: value for oid, value in walk.items() if not oid.startswith("3.1.51.")}


def known_since_2_2_7(walk):
    later = {f"{table}.1.{column}." for table, columns in SINCE_2_3.items() for column in columns}
    found = [oid for oid in walk if any(oid.startswith(begin) for begin in later)]
    assert bool(found) == (versions.keepalived() >= (2, 3)), found
    return {oid: value for oid, value in walk.items() if oid not in found}


def test_the_walk_of_virtual_and_real_servers_is_keepaliveds_and_a_failed_check_is_a_trap(lan):
    # effect: global_defs: enable_snmp_checker enable_traps
    lan.switch("net")
    one = lan.host("one", eth0=("net", "10.2.0.1/24"))
    web = listen(one, "127.1.0.1:80")
    master = Master(one)

    def started():
        master.wait_for(f"{CHECK}.3.1.23.1", "1")
        master.wait_for(f"{CHECK}.4.1.6.1.2", "1")
        master.wait_for(f"{CHECK}.3.1.27.1", "0")  # the counters are read
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
    assert ours == known_since_2_2_7(started())


# A director's addresses are 10.1.0.<its number>1 and so on; its client's one is 10.1.0.10<its number>.
TRAFFIC = """global_defs {
    router_id LVS_1
    enable_snmp_checker
    snmp_socket %(socket)s
    script_user root
    %(intervals)s
}
virtual_server_group both {
    10.1.0.%(n)s2 53
    10.1.0.%(n)s3 53
}
virtual_server 10.1.0.%(n)s1 53 {
    lb_algo rr
    lb_kind NAT
    protocol UDP
    real_server 10.1.0.99 53 {
    }
    real_server 10.1.0.99 54 {
    }
}
virtual_server group both {
    lb_algo rr
    lb_kind NAT
    protocol UDP
    real_server 10.1.0.99 55 {
    }
}
virtual_server 10.1.0.%(n)s4 53 {
    delay_loop 1
    lb_algo rr
    lb_kind NAT
    protocol UDP
    sorry_server 10.1.0.99 56
    real_server 10.1.0.99 57 {
        TCP_CHECK {
            connect_timeout 1
            retry 0
        }
    }
}
virtual_server 10.1.0.%(n)s5 80 {
    lb_algo rr
    lb_kind NAT
    protocol TCP
    persistence_timeout 300
    real_server 10.1.0.99 80 {
    }
}
virtual_server fwmark 5 {
    lb_algo rr
    lb_kind NAT
    real_server 10.1.0.99 0 {
    }
}
"""
# Connects so many times and keeps the connections.
HOLD = """
import socket, sys, time
held = [socket.create_connection((sys.argv[2], 80), source_address=(sys.argv[1], 0)) for _ in range(int(sys.argv[3]))]
for one in held:
    one.recv(100)
print("held", flush=True)
time.sleep(1000)
"""
ALL = {"3": [*range(27, 37), *range(38, 51)], "4": [*range(14, 40)]}
RATES = {"3": [*range(32, 37)], "4": [*range(22, 27)]}


class Director:
    def __init__(self, lan, client, number, program):
        self.host = lan.host(f"director{number}", eth0=("net", f"10.1.0.{number}/24"))
        self.host.sysctl(net__ipv4__ip_forward=1, net__ipv4__conf__all__send_redirects=0,
                         net__ipv4__conf__eth0__send_redirects=0)
        self.client, self.number, self.program = client, number, program
        for last in range(1, 6):
            self.host.run(["ip", "addr", "add", f"10.1.0.{number}{last}/32", "dev", "eth0"])
        self.master = Master(self.host)

    def configuration(self, intervals):
        return TRAFFIC % {"socket": SOCKET, "n": self.number, "intervals": intervals}

    def start(self, intervals):
        run = self.host.mainstayd if self.program == "mainstayd" else self.host.keepalived
        self.daemon = run(self.configuration(intervals), *(["-C"] if self.program == "keepalived" else []))
        self.master.wait_for(f"{CHECK}.3.1.21.3", "0")
        self.master.wait_for(f"{CHECK}.4.1.15.5.1", "0")
        # keepalived 2.3 says that the quorum is lost before its table says so.
        wait_until(lambda: list(self.host.ipvs()[f"UDP 10.1.0.{self.number}4:53 rr"]) == ["10.1.0.99:56"], 20,
                   lambda: f"the sorry server: {self.host.ipvs()}")
        return self.daemon

    def ask(self, service, times):
        answers = ask(self.client, "udp", f"10.1.0.10{self.number}", f"10.1.0.{self.number}{service}", 53, times)
        assert sum(answers.values()) == times and set(answers) <= {"server"}

    def traffic(self):
        for service, times in {1: 8, 2: 3, 3: 2, 4: 4}.items():
            self.ask(service, times)
        holder = self.client.start(["/usr/bin/python3", "-c", HOLD, f"10.1.0.10{self.number}",
                                    f"10.1.0.{self.number}5", "3"], name="hold")
        wait_until(lambda: "held" in holder.output(), 20, lambda: holder.output())

    def columns(self, wanted):
        return {oid: value for oid, value in self.master.walk(CHECK, typed=True).items()
                if int(oid.split(".")[2]) in wanted.get(oid.split(".")[0], [])}

    def connections(self):
        return self.master.get(f"{CHECK}.3.1.27.1"), self.master.get(f"{CHECK}.4.1.14.1.1")

    def rates(self):
        """Of the first service and its servers: what ipvsadm says before and after, and what SNMP says in between. They fall
        every two seconds, which a busy machine may need for the three of them."""
        def kernels():
            lines = self.host.run(["ipvsadm", "-Ln", "--rate", "-u", f"10.1.0.{self.number}1:53"]).stdout.splitlines()
            return [int(word) for line in lines for word in line.split()[2:] if word.isdigit()]
        before = kernels()
        walked = self.columns(RATES)
        shown = [walked[f"3.1.{column}.1"] for column in RATES["3"]]
        shown += [walked[f"4.1.{column}.1.{row}"] for row in (1, 2) for column in RATES["4"]]
        return before, [int(value.split()[1]) for value in shown], kernels()


@pytest.mark.nightly
def test_after_the_same_traffic_the_counters_are_keepaliveds_and_are_read_at_most_every_interval(lan):
    # effect: global_defs: snmp_vs_stats_update_interval snmp_rs_stats_update_interval
    lan.switch("net")
    client = lan.host("client", eth0=("net", "10.1.0.103/24", "10.1.0.104/24"))
    server = lan.host("server", eth0=("net", "10.1.0.99/24"))
    server.sysctl(net__ipv4__conf__all__accept_redirects=0, net__ipv4__conf__eth0__accept_redirects=0)
    for number in (3, 4):
        server.run(["ip", "route", "add", f"10.1.0.10{number}/32", "via", f"10.1.0.{number}"])
    serve(server, "server", *(f"udp/10.1.0.99:{port}" for port in range(53, 57)), "tcp/10.1.0.99:80")
    ours, theirs = (Director(lan, client, number, name) for number, name in ((3, "mainstayd"), (4, "keepalived")))

    ours.start("snmp_vs_stats_update_interval 30\n    snmp_rs_stats_update_interval 0.05")
    ours.traffic()
    wait_until(lambda: ours.connections() == ("0", "4"), 20, lambda: f"the servers' counters: {ours.connections()}")
    assert stays(lambda: ours.connections() == ("0", "4"), 6)  # longer than the interval that is usual
    short = "snmp_vs_stats_update_interval 0.05"
    ours.host.write("/run/keepalived.conf", ours.configuration(short))
    ours.daemon.send(signal.SIGHUP)
    wait_until(lambda: ours.connections() == ("8", "4"), 20, lambda: f"all counters: {ours.connections()}")
    ours.ask(1, 40)
    wait_until(lambda: ours.connections() == ("48", "24"), 20, lambda: f"counters that move: {ours.connections()}")

    def rates_are_the_kernels():
        before, shown, after = ours.rates()
        falls = all(most >= value >= least for most, value, least in zip(before, shown, after, strict=True))
        return falls and min(before[3:5]) > 0 and min(shown[3:5]) > 0
    wait_until(rates_are_the_kernels, 20, lambda: f"the kernel's rates: {ours.rates()}")

    theirs.start(short)
    theirs.traffic()
    theirs.ask(1, 40)
    wait_until(lambda: theirs.connections() == ("48", "24"), 20, lambda: f"keepalived's: {theirs.connections()}")

    def same():
        found, expected = ours.columns(ALL), theirs.columns(ALL)
        rates = {oid for oid in expected if int(oid.split(".")[2]) in RATES[oid.split(".")[0]]}
        assert {oid: found[oid].split()[0] for oid in rates} == {oid: expected[oid].split()[0] for oid in rates}
        assert len(expected) == 5 * len(ALL["3"]) + 7 * len(ALL["4"])
        return [(oid, found.get(oid), expected.get(oid)) for oid in sorted(found.keys() | expected.keys())
                if oid not in rates and found.get(oid) != expected.get(oid)]
    # The high and low halves of the rates are compared as well: they are the same once both have fallen to nothing.
    wait_until(lambda: not same(), 60, lambda: f"the same columns; different (mainstay, keepalived): {same()}")
    assert ours.columns(ALL)["4.1.15.4.1"] == "Gauge32: 3"
