"""docs/faults.md: what a pair of directors, its peer and its clients saw while something broke.

A Site is three directors on one switch with adverts every 200 ms (one is MASTER, two BACKUP, three in FAULT because of
a tracked interface) and a witness that asks the virtual address and hears every advert. `site.fault(WHAT)` measures
what the witness saw from its begin to its end; `tools/faults` makes the document of these rows.
"""

import contextlib
import json
import os
import pathlib
import re
import signal
import time

import pytest

from .hosts import Lan
from .paths import TOP, program
from .processes import family
from .snmp import SOCKET, Master
from .vrrp import VIP, fast, wait_ready
from .wait import wait_until

TABLE = TOP / "docs" / "faults.md"
WITNESS = TOP / "tests" / "support" / "fault_witness.py"
RESULTS = "MAINSTAY_FAULT_ROWS"  # names the folder that takes the rows; without it none are kept
COLUMNS = ("what happened", "what the peer saw", "what clients saw", "what was lost", "shown by")
INTERVAL = 0.2
DOWN = 3 * INTERVAL + INTERVAL * (256 - 100) / 256  # the master-down interval of the backup, RFC 5798
ROLES = ("mainstayd-vrrp", "mainstayd-lvs", "mainstayd-bfd", "mainstayd-track", "mainstayd-obs", "mainstayd-snmp",
         "mainstayd-read", "mainstayd-spare")
SECONDS = (0.2, 0.5, 1, 5, 15, 30, 60)  # figures are rounded up to these, so that rows are stable
PLENTY = 30  # how long anything may take on a busy machine
STOOD_STILL = 0.1  # a witness that asks each 20 ms and pauses for longer was not run by its machine
TCP_WITHIN = 0.5  # fault_witness.py

EVERYTHING = """bfd_instance nobody {
 neighbor_ip 192.168.4.250
}
track_file weight {
 file /run/weight
 weight 0
}
virtual_server 192.168.4.201 80 {
 lb_algo rr
 lb_kind DR
 protocol TCP
 real_server 192.168.4.202 80 {
  TCP_CHECK {
   connect_timeout 1
  }
 }
}
"""


# ---- what the witness saw ----

class Witness:
    def __init__(self, host, *arguments):
        self.process = host.start(["/usr/bin/python3", WITNESS, *arguments], name="witness")
        self.adverts, self.sent, self.answers, self.announced = [], {}, {}, []
        self.at, self.rest = 0, ""
        wait_until(lambda: "ready" in self.process.output(), PLENTY, lambda: self.process.output())

    def read(self):
        """Takes what was printed since the last call."""
        with open(self.process.log_file, encoding="ascii", errors="replace") as log:
            log.seek(self.at)
            text = self.rest + log.read()
            self.at = log.tell()
        *lines, self.rest = text.split("\n")
        for line in lines:
            kind, *words = line.split()
            if kind == "sent":
                self.sent[int(words[1])] = float(words[0])
            elif kind == "answer":
                self.answers[int(words[1])] = (float(words[0]), words[2])
            elif kind == "advert":
                self.adverts.append((float(words[0]), words[1], int(words[2])))
            elif kind == "arp":
                self.announced.append((float(words[0]), words[1]))
        return self

    def answered_since(self, begin):
        """How many requests that were sent since then have an answer."""
        self.read()
        return sum(1 for number in self.answers if self.sent.get(number, 0.0) >= begin)


class Seen:
    """What was measured between two moments of CLOCK_MONOTONIC: the adverts of one witness, the requests of another."""

    def __init__(self, witness, clients, begin, end, interval=INTERVAL, down=DOWN):
        witness.read()
        clients.read()
        self.interval = interval
        ticks = sorted(witness.sent.values())
        self.pauses = [(a, b) for a, b in zip(ticks, ticks[1:]) if b - a > STOOD_STILL]
        self.adverts = [advert for advert in witness.adverts if begin - 2 * interval <= advert[0] <= end]
        sent = sorted((number, at) for number, at in clients.sent.items() if begin <= at <= end)
        answered = [number for number, _ in sent if number in clients.answers]
        # What was asked after the last answer may still be on its way.
        self.asked = [(n, at) for n, at in sent if answered and n <= answered[-1]]
        # What failed while the machine stood still says nothing of the directors.
        self.asked = [(n, at) for n, at in self.asked if n in clients.answers or not self.stood_still(at, at + TCP_WITHIN)]
        self.failed = [(n, at) for n, at in self.asked if n not in clients.answers]
        self.unanswered = self.longest_silence(clients)
        times = [at for at, _, priority in self.adverts if priority > 0]
        self.gap = max((b - a - self.stood_still(a, b) for a, b in zip(times, times[1:])), default=0.0)
        self.spans = self.find_spans(down)
        self.first = self.adverts[0][1] if self.adverts else None
        others = [span for span in self.spans if span[0] != self.first]
        self.takeovers = len(others)
        self.others_held = sum(last - first for _, first, last in others)
        self.back = bool(others) and self.adverts[-1][1] == self.first
        self.resigned = sum(1 for _, _, priority in self.adverts if priority == 0)
        self.both = sum(max(0.0, min(a[2], b[2]) - max(a[1], b[1]))
                        for at, a in enumerate(self.spans) for b in self.spans[at + 1:] if a[0] != b[0])

    def stood_still(self, begin, end):
        """For how many of these seconds the machine did not run the witness."""
        return sum(max(0.0, min(end, b) - max(begin, a)) for a, b in self.pauses)

    def longest_silence(self, clients):
        longest, since = 0.0, None
        for number, at in self.asked:
            if number in clients.answers:
                longest, since = max(longest, at - since if since else 0.0), None
            elif since is None:
                since = at
        return longest

    def find_spans(self, down):
        """(source, first, last) of each time in which a router advertised without a gap that ends a master."""
        spans, open_spans = [], {}
        for at, source, priority in self.adverts:
            have = open_spans.get(source)
            if priority == 0:
                open_spans.pop(source, None)
            elif have is not None and at - have[2] < down:
                have[2] = at
            else:
                open_spans[source] = [source, at, at]
                spans.append(open_spans[source])
        return spans

    def peer_words(self):
        if not self.adverts:
            return "no adverts"
        gap = max(2, -int(-self.gap // self.interval))
        words = f"one master all along, no gap over {gap} intervals"
        if self.takeovers:
            times = "one takeover" if self.takeovers == 1 else f"{self.takeovers} takeovers"
            words = f"{times}, {'after a resignation' if self.resigned else f'after at most {gap} intervals'}"
            words += f"; back within {rounded(self.others_held)}" if self.back else ""
        # A backup that takes over in the moment in which the master is back sends one advert more.
        return words + (f"; two masters for at most {rounded(self.both)}" if self.both > self.interval else "")

    def client_words(self):
        return f"no answer for at most {rounded(self.unanswered)}" if self.failed else "no request failed"

    def summary(self):
        return (f"gap {self.gap:.2f} s, takeovers {self.takeovers}, others held {self.others_held:.2f} s, "
                f"both {self.both:.2f} s, failed {len(self.failed)} of {len(self.asked)}, "
                f"unanswered {self.unanswered:.2f} s")


def rounded(seconds):
    return next((f"{bound:g} s" for bound in SECONDS if seconds <= bound), f"{seconds:.0f} s")


# ---- the directors ----

def director(priority, more="", before="", every=True):
    """The file of a director; with `every`, one for which each of the processes runs."""
    tracked = "track_file {\n weight\n}\n" if every else ""
    instance = fast(priority=priority, more="garp_master_delay 0\n" + tracked + more)
    return before + (EVERYTHING if every else "") + instance.replace("advert_int 0.1", f"advert_int {INTERVAL}")


def roles(daemon):
    """{name: pid} of a daemon's processes, as the test sees them."""
    found = {}
    for pid in family(daemon)[1:]:
        with contextlib.suppress(OSError):
            found[pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip()] = pid
    return found


class Site:
    """Three directors (MASTER, BACKUP, FAULT) and a witness. `states` names those that are wanted."""

    def __init__(self, folder, states=("MASTER", "BACKUP", "FAULT"), private_dev=False, every=True, before="",
                 options=(), snmp=False, programs=None, more=""):
        self.lan = Lan(folder)
        self.every = every
        self.options = (*options, "-x", "-A", SOCKET) if snmp else options
        self.snmp = snmp
        self.programs = programs
        self.before, self.more = before, more
        self.lan.switch("office")
        self.hosts, self.daemons, self.texts = {}, {}, {}
        self.section = self.module = self.test = None
        try:
            self.begin(states, private_dev)
        except BaseException:
            self.close()
            raise

    def begin(self, states, private_dev):
        for number, state in enumerate(states):
            host = self.lan.host(("one", "two", "three")[number], private_dev=private_dev,
                                 eth0=("office", f"192.168.4.{11 + number}/24"))
            self.hosts[state] = host
            host.write("/run/weight", "0\n")
            if state == "FAULT":
                host.run(["ip", "link", "add", "gone0", "type", "bridge"])
            self.texts[state] = director({"MASTER": 150, "BACKUP": 100, "FAULT": 50}[state],
                                         every=self.every, before=self.before,
                                         more=self.more + ("track_interface {\n gone0\n}\n" if state == "FAULT" else ""))
        self.client = self.lan.host("witness", eth0=("office", "192.168.4.1/24"))
        # The witness forgets no hardware address of itself: it depends on announcements, as a router does.
        self.client.run(["sysctl", "-qw", "net.ipv4.neigh.eth0.base_reachable_time_ms=3600000",
                         "net.ipv4.neigh.eth0.gc_stale_time=3600"])
        for state in states:
            if self.snmp:
                Master(self.hosts[state])
            self.start(state)
        self.witness = self.clients = Witness(self.client, "eth0", VIP)
        self.settle()

    def start(self, state, env=None, ready=True):
        """Starts the director of this state from its file, and waits until it is ready."""
        host, where, path = self.hosts[state], pathlib.Path(program("mainstayd")).parent, "/run/keepalived.conf"
        if not host.path(path).exists() or host.read(path) != self.texts[state]:
            host.write(path, self.texts[state])
        if self.programs and state == "MASTER":
            where = self.programs
            host.run(["mkdir", "-p", where])
            for name in ("mainstayd", "mainstayd-yield", *ROLES):
                if name != "mainstayd-spare":  # that is mainstayd-vrrp
                    host.run(["cp", program(name), f"{where}/{name}"])
        command = [f"{where}/mainstayd", "-n", "-l", "-D", "-f", path, *self.options]
        daemon = host.start(command, env=env or {"MIBS": ""})
        self.daemons[state] = wait_ready(daemon, PLENTY) if ready else daemon
        return daemon

    def reload(self, *states):
        """SIGHUP; waits until the reload is complete."""
        for state in states:
            daemon = self.daemons[state]
            before = daemon.output().count("Reload complete")
            daemon.send(signal.SIGHUP)
            wait_until(lambda d=daemon, b=before: d.output().count("Reload complete") > b, PLENTY,
                       lambda d=daemon: d.output()[-3000:])

    def address(self, state):
        return f"192.168.4.{11 + list(self.hosts).index(state)}"

    def state_of(self, state):
        """What the director says of its instance."""
        shown = self.hosts[state].run([program("mainstayctl"), "status", "--json"], check=False)
        return json.loads(shown.stdout)["vrrp"]["instances"][0]["state"] if shown.returncode == 0 else None

    def settled(self):
        """Every director is alive and in the state that it began with, and the master's address answers."""
        if not all(daemon.alive() for daemon in self.daemons.values()):
            return False
        self.witness.read()
        recent = [advert for advert in self.witness.adverts if advert[0] > time.monotonic() - 2 * DOWN]
        if {source for _, source, _ in recent} != {self.address("MASTER")} or len(recent) < 3:
            return False
        return (all(host.holds(VIP) == (state == "MASTER") for state, host in self.hosts.items())
                and all(set(self.wanted_roles()) <= set(roles(daemon)) for daemon in self.daemons.values())
                and all(self.state_of(state) == state for state in self.hosts))

    def wanted_roles(self):
        # The reader ends by itself; a site of addresses alone has fewer processes.
        least = {"mainstayd-vrrp", "mainstayd-obs"}
        wanted = set(ROLES) - {"mainstayd-read"} if self.every else least
        return wanted if self.snmp else wanted - {"mainstayd-snmp"}

    def settle(self, timeout=2 * PLENTY):
        wait_until(self.settled, timeout, lambda: f"every director to be as before: {self.shown()}", interval=0.1)

    def shown(self):
        states = {state: self.state_of(state) for state in self.hosts}
        running = {state: sorted(roles(daemon)) for state, daemon in self.daemons.items() if daemon.alive()}
        return f"{states}, {running}\n{self.tails()}"

    def answers(self, count=15, timeout=PLENTY):
        """Waits until the address answers: this many requests that are sent from now on."""
        begin = time.monotonic()
        wait_until(lambda: self.clients.answered_since(begin) >= count, timeout, "the virtual address to answer")

    def reached(self):
        """The state of the director to which the witness sends what it asks the virtual address, as ARP taught it."""
        shown = self.client.run(["ip", "neigh", "show", VIP]).stdout
        return next((state for state, host in self.hosts.items()
                     if f" lladdr {host.read('/sys/class/net/eth0/address').strip()} " in shown), None)

    def tails(self):
        return "\n".join(f"---- {state} ----\n{daemon.output()[-3000:]}" for state, daemon in self.daemons.items())

    def close(self):
        self.lan.close()

    # ---- measuring ----

    @contextlib.contextmanager
    def fault(self, what, lost="nothing", takeovers=0, unanswered=0.0, both=0.0, peer=None, clients=None):
        """Measures what the witness sees from now until the directors are as before. The bounds: how often another
        director takes over at most, for how many seconds no request is answered, and for how many two advertise.
        `peer`, `clients`: these words are the row's, where chance decides between good outcomes."""
        self.answers(5)
        begin = time.monotonic()
        row = Row(what, lost, peer, clients)
        try:
            yield row
            self.settle()
            self.answers()
            row.seen = Seen(self.witness, self.clients, begin, time.monotonic())
            print(f"{what}: {row.seen.summary()}")
            assert row.seen.takeovers <= takeovers, f"{what}: another director took over: {row.seen.summary()}"
            assert row.seen.unanswered <= unanswered, f"{what}: the address did not answer: {row.seen.summary()}"
            assert row.seen.both <= max(both, INTERVAL), f"{what}: two masters: {row.seen.summary()}"
        except BaseException:
            print(self.tails())
            self.keep(row, failed=True)
            raise
        self.keep(row)

    def keep(self, row, failed=False):
        """Writes the row for tools/faults."""
        if RESULTS not in os.environ or self.test is None:
            return
        peer = clients = "**fails**"
        if not failed:
            peer, clients = row.peer or row.seen.peer_words(), row.clients or row.seen.client_words()
        keep_row(self.module, {"section": self.section, "what": row.what, "peer": peer, "clients": clients,
                               "lost": row.lost, "test": self.test})


class Row:
    def __init__(self, what, lost, peer, clients):
        self.what = what
        self.lost = lost
        self.peer = peer
        self.clients = clients
        self.seen = None


def name_the_test(site, request):
    """Which test the rows that follow are of. The section is the title of its module."""
    module = request.module
    path = pathlib.Path(module.__file__).resolve().relative_to(TOP)
    site.section, site.module = module.SECTION, f"{path.parent.name}-{path.stem}"
    site.test = f"{path}::{request.function.__name__}"
    return site


@pytest.fixture(name="fault_site", scope="module")
def make_fault_site():
    """What shared_site() keeps from one test of a module to the next."""
    kept = {}
    yield kept
    if "site" in kept:
        kept["site"].close()


def shared_site(kept, request, folder, **options):
    """The site of the last test of the module; another one when that test left it in another state, or this one wants
    other options."""
    site = kept.get("site")
    if site is not None and not (kept["options"] == options and settles(site)):
        site.close()
        site = None
    if site is None:
        site = kept["site"] = Site(folder, **options)
        kept["options"] = options
    return name_the_test(site, request)


def settles(site):
    try:
        site.settle(PLENTY)
    except (TimeoutError, OSError, RuntimeError):
        return False
    return True


def signal_all(pids, number):
    """To processes that a test has started; some of them may have ended."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def exists(pid):
    """True while a process runs or stands still; one that has ended and is not waited for yet does not count."""
    with contextlib.suppress(OSError):
        return ") Z " not in pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    return False


def kill(*pids):
    signal_all(pids, signal.SIGKILL)
    wait_until(lambda: not any(map(exists, pids)), PLENTY, "the processes to end")


def adverts_pass(site, seconds):
    """Lets as many adverts pass as a master sends in this time."""
    begin = time.monotonic()
    wait_until(lambda: sum(at > begin for at, *_ in site.witness.read().adverts) >= seconds / INTERVAL, 2 * PLENTY,
               "adverts")


def freeze(daemon):
    """Stops every process of a daemon; returns them for thaw()."""
    pids = family(daemon)
    signal_all(pids, signal.SIGSTOP)
    return pids


def thaw(daemon, pids):
    signal_all(pids[1:], signal.SIGCONT)
    daemon.send(signal.SIGCONT)  # what started it has stopped with it


# ---- rows and the document ----

def measuring_tests(suite):
    """The tests of a suite ("host", "lab") that measure a fault: those of a site that the tests of their file share."""
    found = []
    for path in sorted((TOP / "tests" / suite).glob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if "shared_site(" in text:
            names = re.findall(r"^def (test_\w+)\((?:.*, )?\w*site\b", text, re.MULTILINE)
            found += [f"{path.relative_to(TOP)}::{name}" for name in names]
    return found



def keep_row(module, new):
    folder = pathlib.Path(os.environ[RESULTS])
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{module}.json"
    have = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    have = [row for row in have if row["what"] != new["what"]] + [new]
    file.write_text(json.dumps(have, indent=1) + "\n", encoding="utf-8")


def rows_of(text):
    """The rows of the document, with their sections, in its order."""
    found, section = [], None
    for line in text.splitlines():
        if line.startswith("## "):
            section = line[3:]
        fields = [field.strip() for field in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(fields) == len(COLUMNS) and fields[0] != COLUMNS[0] and not fields[0].startswith("---"):
            found.append({"section": section, "what": fields[0], "peer": fields[1], "clients": fields[2],
                          "lost": fields[3], "test": fields[4].strip("`")})
    return found


def document(head, rows):
    lines = []
    for section in dict.fromkeys(row["section"] for row in rows):
        lines += ["", f"## {section}", "", "| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
        lines += ["| " + " | ".join((row["what"], row["peer"], row["clients"], row["lost"], f"`{row['test']}`")) + " |"
                  for row in rows if row["section"] == section]
    return head.rstrip("\n") + "\n" + "\n".join(lines) + "\n"
