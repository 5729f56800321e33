"""What tools/demo shows, in the lab: two directors in front of two web servers, and everything that can happen to them.

             office 192.168.4.0/24                           rear 192.168.2.0/24
    client .10 ----+---- dir1 .5   (lvs1, master)  ----+
    mail   .25 ----+---- dir2 .6   (lvs2, stands by) --+     gateway address .254 on the master
                   +---- web1 .100  (nginx)  ----------+---- .100
                   +---- web2 .200  (nginx)  ----------+---- .200
             front 192.168.17.0/24                     |
    client .10 ----+---- lb1 .11  (HAProxy) -----------+---- .11
                   +---- lb2 .12  (HAProxy) -----------+---- .12

    192.168.4.15:80   direct routing, wrr 1:2          192.168.17.146  the HAProxy pair's address
    192.168.4.16:80   NAT, rr, through the gateway     192.168.17.147, .148  the crossed pair's addresses

Each check is one line of the table at the end. The exit status is 0 only when all of them held. With --without-ipvs
what needs IPVS in the kernel is left out, and named after the table.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path.insert(0, str(TOP / "tests"))

from support.hosts import Lan  # noqa: E402
from support.paths import COURSE, program  # noqa: E402
from support.wait import wait_until  # noqa: E402

DR_VIP, NAT_VIP, GATEWAY_VIP = "192.168.4.15", "192.168.4.16", "192.168.2.254"
PAIR_VIP, FIRST_VIP, SECOND_VIP = "192.168.17.146", "192.168.17.147", "192.168.17.148"
DR_SERVICE, NAT_SERVICE = f"TCP {DR_VIP}:80 wrr", f"TCP {NAT_VIP}:80 rr"
FULL_TABLE = {
    DR_SERVICE: {"192.168.4.100:80": ("Route", 1), "192.168.4.200:80": ("Route", 2)},
    NAT_SERVICE: {"192.168.2.100:80": ("Masq", 1), "192.168.2.200:80": ("Masq", 1)},
}
# advert_int 1, priority 50: three intervals and a skew of 206/256 s; the rest is for a slow machine.
TAKEOVER_SECONDS_MAX = 8.0


class Show:
    """Narrates, checks, and remembers what came of each check."""

    def __init__(self):
        self.begin = time.monotonic()
        self.rows = []
        self.left_out = []

    def tell(self, text):
        print(f"[{time.monotonic() - self.begin:6.1f} s] {text}", flush=True)

    def check(self, what, held, seen):
        self.rows.append((what, bool(held), seen))
        self.tell(f"  {'ok  ' if held else 'FAIL'} {what}: {seen}")

    def wait(self, what, condition, seconds, seen):
        """A check that may take a while. `seen` is the text for the table, or a function that makes it."""
        start = time.monotonic()
        try:
            wait_until(condition, seconds, what)
            held, after = True, f"after {time.monotonic() - start:.1f} s"
        except TimeoutError:
            held, after = False, f"not within {seconds:.0f} s"
        self.check(what, held, f"{seen() if callable(seen) else seen}, {after}")
        return held

    def leave_out(self, what):
        self.left_out.append(what)
        self.tell(f"  left out, for it needs IPVS: {what}")

    def table(self):
        width = max(len(what) for what, _, _ in self.rows)
        print(f"\n{'what':<{width}}  held  seen")
        for what, held, seen in self.rows:
            print(f"{what:<{width}}  {'yes ' if held else 'NO  '}  {seen}")
        if self.left_out:
            print("\nleft out, for no kernel with IPVS could be had:")
            print("\n".join(f"  {what}" for what in self.left_out))
        failed = sum(not held for _, held, _ in self.rows)
        print(f"\n{len(self.rows) - failed} of {len(self.rows)} held, in {time.monotonic() - self.begin:.0f} s")
        return failed == 0


class Client:
    """The line to client_agent.py."""

    def __init__(self, host):
        self.process = host.start(["/usr/bin/python3", HERE / "client_agent.py"], name="client", pipe=True).popen

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def count(self, address, number, port=80):
        return self.ask("count", address, port, number)


class Demo:
    def __init__(self, show, lan, ipvs=True):
        self.show = show
        self.lan = lan
        self.ipvs = ipvs
        self.daemons = {}

    # ---- building ----

    def build(self):
        self.show.tell("building the hosts: two directors, two web servers, two HAProxy hosts, a client, a mail server")
        lan = self.lan
        for name in ("office", "rear", "front"):
            lan.switch(name)
        lan.host("mail", eth0=("office", "192.168.4.25/24"))
        lan.host("client", eth0=("office", "192.168.4.10/24"), eth1=("front", "192.168.17.10/24"))
        for name, last in (("web1", 100), ("web2", 200)):
            host = lan.host(name, eth0=("office", f"192.168.4.{last}/24"), eth1=("rear", f"192.168.2.{last}/24"))
            # The client is also next door on eth0. What was asked on the rear address is answered through the gateway.
            self.lan.ip_batch(host.pid, f"rule add from 192.168.2.{last} table 100\n"
                              "route add 192.168.2.0/24 dev eth1 table 100\n"
                              f"route add default via {GATEWAY_VIP} dev eth1 table 100\n")
        self.boot_director("dir1", 5)
        self.boot_director("dir2", 6)
        for name, last in (("lb1", 11), ("lb2", 12)):
            lan.host(name, eth0=("front", f"192.168.17.{last}/24"), eth1=("rear", f"192.168.2.{last}/24"))

    def boot_director(self, name, last):
        host = self.lan.hosts.get(name)
        if host is None:
            host = self.lan.host(name, eth0=("office", f"192.168.4.{last}/24"), eth1=("rear", f"192.168.2.{last}/24"))
        else:
            host.boot()
        host.sysctl(net__ipv4__ip_forward=1, net__ipv4__conf__all__rp_filter=0, net__ipv4__conf__all__send_redirects=0,
                    net__ipv4__conf__eth0__rp_filter=0, net__ipv4__conf__eth1__rp_filter=0,
                    net__ipv4__conf__eth0__send_redirects=0)

    def start_services(self):
        self.show.tell("starting nginx on web1 and web2, HAProxy on lb1 and lb2, and the mail server")
        hosts = self.lan.hosts
        self.mail_sink = hosts["mail"].start(["/usr/bin/python3", HERE / "mail_sink.py", "192.168.4.25", "/run/mails"])
        for name in ("web1", "web2"):
            self.start_nginx(name)
            # The address on lo, and ARP kept quiet about it, so that only the director answers for it.
            hosts[name].run([program("mainstay-realserver"), "up", DR_VIP])
        for name in ("lb1", "lb2"):
            self.start_haproxy(name)
        self.client = Client(hosts["client"])
        wait_until(lambda: "listening" in self.mail_sink.output(), 20, "the mail server")
        for server, address in (("web1", "192.168.4.100"), ("web2", "192.168.4.200")):
            wait_until(lambda s=server, a=address: self.client.count(a, 1) == {s: 1}, 20, f"{server} to answer")

    def start_nginx(self, name):
        # nginx opens its compiled-in log before it reads its configuration, so /var/log/nginx has to be there.
        self.lan.hosts[name].path("/var/log/nginx").mkdir(exist_ok=True)
        self.nginx = getattr(self, "nginx", {})
        self.nginx[name] = self.lan.hosts[name].start(["nginx", "-c", HERE / "nginx.conf"])

    def start_haproxy(self, name):
        self.lan.hosts[name].run(["haproxy", "-f", COURSE / "haproxy-front.cfg"])

    def start_daemon(self, name, file):
        self.daemons[name] = self.lan.hosts[name].mainstayd(pathlib.Path(file).read_text(encoding="utf-8"))

    # ---- looking ----

    def holds(self, name, *addresses):
        have = self.lan.hosts[name].addresses()
        return all(f"{address}/32" in have for address in addresses)

    def mails(self, *words):
        """The subjects of mails in whose subject all these words are."""
        file = self.lan.hosts["mail"].path("/run/mails")
        if not file.exists():
            return []
        subjects = [json.loads(line)["subject"] or "" for line in file.read_text(encoding="utf-8").splitlines()]
        return [subject for subject in subjects if all(word in subject for word in words)]

    def has_ipvs(self, *what):
        """Whether this can be shown here; if not, it is named at the end."""
        for one in () if self.ipvs else what:
            self.show.leave_out(one)
        return self.ipvs

    def split(self, what, address, number, expected):
        if not self.has_ipvs(what):
            return
        seen = self.client.count(address, number)
        self.show.check(what, seen == expected, ", ".join(f"{k} {v}" for k, v in sorted(seen.items())))

    # ---- the story ----

    def address_on_the_master(self):
        self.show.tell("starting mainstayd on dir1 (priority 100) and dir2 (priority 50)")
        self.start_daemon("dir1", HERE / "dir1.conf")
        self.start_daemon("dir2", HERE / "dir2.conf")
        self.show.wait("all addresses on the master", lambda: self.holds("dir1", DR_VIP, NAT_VIP, GATEWAY_VIP), 20,
                       f"{DR_VIP}, {NAT_VIP} and {GATEWAY_VIP} on dir1")
        self.show.check("none of them on the backup", not any(self.holds("dir2", one) for one in
                                                              (DR_VIP, NAT_VIP, GATEWAY_VIP)), "dir2 has its own only")

    def direct_routing(self):
        self.show.tell("LVS-DR: 90 requests to the address, weights 1 and 2")
        self.table_becomes("IPVS table of the master", "dir1", FULL_TABLE, 10)
        self.split("LVS-DR, wrr 1:2, 90 requests", DR_VIP, 90, {"web1": 30, "web2": 60})

    def nat(self):
        self.show.tell("LVS-NAT: 100 requests, answered through the gateway address inside")
        self.split("LVS-NAT, rr, 100 requests", NAT_VIP, 100, {"web1": 50, "web2": 50})

    def table(self, name):
        return self.lan.hosts[name].ipvs()

    def table_becomes(self, what, name, expected, seconds):
        if self.has_ipvs(what):
            self.show.wait(what, lambda: self.table(name) == expected, seconds, lambda: self.describe(name))

    def describe(self, name):
        table = self.table(name)
        parts = [f"{service.split()[1]} has {len(servers)} servers" for service, servers in table.items()]
        return "; ".join(parts) or "empty"

    def web_server_stops(self):
        # The first check of all has no retries: it says how things stand.
        wait_until(lambda: all(f"TCP connection to [192.168.{server}]:tcp:80 success" in self.daemons["dir1"].output()
                               for server in ("4.100", "4.200", "2.100", "2.200")), 30, "each server's first check")
        self.show.tell("stopping nginx on web1: its checks fail, are retried three times 3 s apart, then it is out")
        self.nginx["web1"].stop(signal.SIGQUIT)
        stopped = time.monotonic()
        without = {DR_SERVICE: {"192.168.4.200:80": ("Route", 2)}, NAT_SERVICE: {"192.168.2.200:80": ("Masq", 1)}}
        self.table_becomes("stopped web server leaves the table", "dir1", without, 30)
        if not self.ipvs:  # the mail tells when, too
            self.expect_mail("mail about it", "[lvs1]", "192.168.4.100", "DOWN", seconds=50)
        self.show.check("not before its retries", time.monotonic() - stopped >= 9.0, "three retries, 3 s apart")
        self.split("requests while it is away", DR_VIP, 9, {"web2": 9})
        if self.ipvs:
            self.expect_mail("mail about it", "[lvs1]", "192.168.4.100", "DOWN")

    def web_server_returns(self):
        self.show.tell("starting nginx on web1 again")
        self.start_nginx("web1")
        self.table_becomes("started web server is back in the table", "dir1", FULL_TABLE, 20)
        self.expect_mail("mail about that", "[lvs1]", "192.168.4.100", "UP")

    def expect_mail(self, what, *words, seconds=20):
        self.show.wait(what, lambda: self.mails(*words), seconds, lambda: (self.mails(*words) or ["no such mail"])[0])

    def master_dies(self):
        self.show.tell("killing dir1: SIGKILL to everything on it, while the client goes on asking")
        if self.ipvs:
            self.client.ask("watch", DR_VIP, 80)
        self.lan.hosts["dir1"].kill()
        self.show.wait("addresses on the backup", lambda: self.holds("dir2", DR_VIP, NAT_VIP, GATEWAY_VIP), 20,
                       f"{DR_VIP}, {NAT_VIP} and {GATEWAY_VIP} on dir2")
        if self.has_ipvs("gap that the client saw", "IPVS table of the backup"):
            wait_until(lambda: self.client.count(DR_VIP, 1) != {"no answer": 1} or None, 20, "an answer through dir2")
            seen = self.client.ask("unwatch")
            self.show.check("gap that the client saw", seen["longest_gap"] < TAKEOVER_SECONDS_MAX,
                            f"{seen['longest_gap']:.2f} s without an answer, {seen['requests']} requests made")
            self.show.check("IPVS table of the backup", self.table("dir2") == FULL_TABLE, self.describe("dir2"))
        self.split("LVS-DR through the backup", DR_VIP, 30, {"web1": 10, "web2": 20})
        self.split("LVS-NAT through the backup", NAT_VIP, 20, {"web1": 10, "web2": 10})
        self.expect_mail("mail about the take-over", "[lvs2]", "Entering MASTER")

    def master_returns(self):
        self.show.tell("switching dir1 on again")
        self.boot_director("dir1", 5)
        self.start_daemon("dir1", HERE / "dir1.conf")
        self.show.wait("master takes over again",
                       lambda: self.holds("dir1", DR_VIP, NAT_VIP, GATEWAY_VIP) and not self.holds("dir2", DR_VIP)
                       and not self.holds("dir2", NAT_VIP) and not self.holds("dir2", GATEWAY_VIP), 20,
                       f"{DR_VIP}, {NAT_VIP} and {GATEWAY_VIP} on dir1 only")
        self.table_becomes("IPVS table of the returned master", "dir1", FULL_TABLE, 10)
        self.split("LVS-DR through the returned master", DR_VIP, 30, {"web1": 10, "web2": 20})

    def haproxy_pair(self):
        self.show.tell("the HAProxy pair: mainstayd on lb1 (105) and lb2 (100) runs `killall -0 haproxy` every 2 s")
        self.start_daemon("lb1", COURSE / "haproxy-pair-noweight-master.conf")
        self.start_daemon("lb2", COURSE / "haproxy-pair-noweight-backup.conf")
        self.show.wait("HAProxy pair: address on the first", lambda: self.holds("lb1", PAIR_VIP)
                       and not self.holds("lb2", PAIR_VIP), 20, f"{PAIR_VIP} on lb1")
        seen = self.client.count(PAIR_VIP, 10, 8181)
        self.show.check("HAProxy pair: requests", sum(seen.get(w, 0) for w in ("web1", "web2")) == 10,
                        ", ".join(f"{k} {v}" for k, v in sorted(seen.items())))
        self.show.tell("killing HAProxy on lb1")
        self.lan.hosts["lb1"].run(["killall", "-KILL", "haproxy"])
        self.show.wait("HAProxy killed: the address moves", lambda: self.holds("lb2", PAIR_VIP)
                       and not self.holds("lb1", PAIR_VIP), 20, f"{PAIR_VIP} on lb2")
        seen = self.client.count(PAIR_VIP, 10, 8181)
        self.show.check("requests through the other HAProxy", sum(seen.get(w, 0) for w in ("web1", "web2")) == 10,
                        ", ".join(f"{k} {v}" for k, v in sorted(seen.items())))

    def dual_master(self):
        self.show.tell("dual master: each of lb1 and lb2 is master of one address and stands by for the other")
        for name in ("lb1", "lb2"):
            self.daemons[name].stop()
        self.start_daemon("lb1", HERE / "dual1.conf")
        self.start_daemon("lb2", HERE / "dual2.conf")
        self.show.wait("dual master: one address on each",
                       lambda: self.holds("lb1", FIRST_VIP) and not self.holds("lb1", SECOND_VIP)
                       and self.holds("lb2", SECOND_VIP) and not self.holds("lb2", FIRST_VIP), 20,
                       f"{FIRST_VIP} on lb1, {SECOND_VIP} on lb2")
        self.show.tell("killing lb1")
        self.lan.hosts["lb1"].kill()
        self.show.wait("dual master: both on the survivor", lambda: self.holds("lb2", FIRST_VIP, SECOND_VIP), 20,
                       f"{FIRST_VIP} and {SECOND_VIP} on lb2")

    def tell_story(self):
        self.build()
        self.start_services()
        for chapter in (self.address_on_the_master, self.direct_routing, self.nat, self.web_server_stops,
                        self.web_server_returns, self.master_dies, self.master_returns, self.haproxy_pair,
                        self.dual_master):
            try:
                chapter()
            except Exception as problem:  # pylint: disable=broad-except; the next chapter may still tell something
                self.show.check(chapter.__name__.replace("_", " "), False, f"{type(problem).__name__}: {problem}")


def shell_in_the_topology(lan):
    terminal = os.environ.get("LAB_TERMINAL")
    if not terminal:
        print("no terminal: --keep wants one")
        return
    folder = pathlib.Path("/run/demo")
    folder.mkdir(exist_ok=True)
    lines = []
    for name, host in lan.hosts.items():
        if host.pid and host.holder:
            lines.append(f"{name}() {{ nsenter -t {host.pid} -n -m -p -u -i -r -w -- \"${{@:-bash}}\"; }}")
    rc = folder / "bashrc"
    programs = pathlib.Path(program("mainstayd")).parent
    rc.write_text("\n".join([*lines, "PS1='demo \\w # '", f"cd {TOP}", f"PATH=$PATH:{programs}",
                             "echo; echo 'The hosts are commands here:'",
                             "echo '  dir1 ipvsadm -Ln      dir2 ip addr      client curl -s http://192.168.4.15/'",
                             "echo '  web1                  (a shell on web1)'", "echo 'exit ends the demo.'"]) + "\n",
                  encoding="utf-8")
    with open(terminal, "r+b", buffering=0) as line:
        subprocess.run(["setsid", "--ctty", "--wait", "bash", "--rcfile", str(rc), "-i"],
                       stdin=line, stdout=line, stderr=line, check=False,
                       env={**os.environ, "TERM": os.environ.get("TERM", "vt100")})


def main(words):
    show = Show()
    with tempfile.TemporaryDirectory(prefix="demo.") as folder:
        lan = Lan(folder)
        all_held = False
        try:
            Demo(show, lan, "--without-ipvs" not in words).tell_story()
            all_held = show.table()
            if not all_held:
                for name, text in lan.logs():
                    print(f"\n---- {name} ----\n{text[-4000:]}")
            if "--keep" in words:
                shell_in_the_topology(lan)
        finally:
            lan.close()
    return 0 if all_held else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
