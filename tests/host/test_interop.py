"""Who works with whom: docs/interop.md is made of what these tests find (support/interop.py).

For each peer one network with one pair of hosts, and on it two virtual routers for each combination of the matrix: "a",
in which mainstay has the higher priority, and "b", in which the peer has it. So everything that happens to a host
happens to all combinations at once, and the three networks live side by side.
"""

import json
import threading
import time

import pytest
from support import interop
from support.capture import Capture
from support.frr import FOLDER as FRR
from support.frr import Frr
from support.hosts import Lan
from support.vrrp import wait_ready
from support.wait import wait_until

OURS, THEIRS = "ours", "theirs"
ADDRESS = {OURS: ("192.168.4.11", "fd00:4::11"), THEIRS: ("192.168.4.12", "fd00:4::12")}
# RFC 5798 has the pseudo header in the checksum of version 3 on IPv4 too, as the daemons of the matrix send it; RFC 9568, and
# tshark by itself from 4.4 on, has not.
PSEUDO_HEADER = ["-o", "vrrp.v3_checksum_as_in_v2:FALSE"]
# Of the slowest, version 2 with an interval of 1 s: a failover takes 3.6 s. The rest is for a busy machine.
PATIENCE = 25


class Router:
    """One virtual router of a cell."""

    def __init__(self, cell, number, higher):
        self.cell = cell
        self.vrid = 11 + number
        self.higher = higher  # who has the higher priority
        self.name = f"{cell.name()}-{'a' if higher == OURS else 'b'}"
        self.vip = f"192.168.4.{100 + number}" if cell.family == 4 else f"fd00:4::1:{self.vrid}"

    def priority(self, side):
        return 150 if side == self.higher else 100


def configuration(routers, side):
    """The same text for mainstay and for keepalived."""
    own, other = ADDRESS[side], ADDRESS[THEIRS if side == OURS else OURS]
    text = ["global_defs {", "router_id " + side, "script_user root", "}",
            "vrrp_script good {", 'script "/usr/bin/test -e /run/good"', "interval 1", "weight 60", "}"]
    for r in routers:
        at = 0 if r.cell.family == 4 else 1
        text += [f"vrrp_instance {r.name} {{", "state BACKUP", "interface eth0", f"version {r.cell.version}",
                 f"virtual_router_id {r.vrid}", f"priority {r.priority(side) - 60}",
                 f"advert_int {1 if r.cell.version == 2 else 0.2}"]
        if r.cell.kind == "VMAC":
            text += ["use_vmac"] + (["vmac_xmit_base"] if r.cell.cast == "unicast" else [])
        if r.cell.cast == "unicast":
            text += [f"unicast_src_ip {own[at]}", "unicast_peer {", other[at], "}"]
        text += ["track_script {", "good", "}", "virtual_ipaddress {", r.vip, "}", "}"]
    return "\n".join(text) + "\n"


class Daemon:
    """mainstay or keepalived on a host."""

    def __init__(self, host, side, routers, kind):
        self.host, self.side, self.routers, self.kind = host, side, routers, kind
        self.process = None

    def start(self):
        self.host.write("/run/good", "")
        text = configuration(self.routers, self.side)
        self.process = self.host.mainstayd(text) if self.kind == "mainstay" else self.host.keepalived(text)
        if self.kind == "mainstay":
            wait_ready(self.process, PATIENCE)

    def masters(self):
        held = {a.split("/")[0] for a in self.host.addresses()}
        return {r.name for r in self.routers if r.vip in held}

    def stop(self):
        self.process.stop(timeout=15)

    def script(self, good):
        self.host.path("/run/good").unlink() if not good else self.host.write("/run/good", "")

    has_scripts = True


class FrrDaemon:
    """FRR's vrrpd: a macvlan interface per virtual router holds the address, and is switched off while another one is
    master."""

    has_scripts = False

    def __init__(self, host, side, routers):
        self.host, self.side, self.routers = host, side, routers
        self.cut_off = False
        self.frr = self.vrrpd = None

    def start(self):
        # The first time since the host was switched on.
        if self.frr is None or not self.frr.zebra.alive():
            for r in self.routers:
                mac = f"00:00:5e:00:0{1 if r.cell.family == 4 else 2}:{r.vrid:02x}"
                for command in (f"link add vr{r.vrid} link eth0 type macvlan mode bridge",
                                f"link set dev vr{r.vrid} address {mac}",
                                f"addr add {r.vip}/{24 if r.cell.family == 4 else 64} dev vr{r.vrid}",
                                f"link set dev vr{r.vrid} up"):
                    self.host.run(["ip", *command.split()])
            self.frr = Frr(self.host)
        lines = ["interface eth0"]
        for r in self.routers:
            lines += [f"vrrp {r.vrid} version {r.cell.version}", f"vrrp {r.vrid} priority {r.priority(self.side)}",
                      f"vrrp {r.vrid} advertisement-interval {1000 if r.cell.version == 2 else 200}",
                      f"vrrp {r.vrid} {'ip' if r.cell.family == 4 else 'ipv6'} {r.vip}"]
        self.vrrpd = self.frr.vrrpd("\n".join([*lines, "exit", ""]))

    def masters(self):
        if self.cut_off:  # it goes on calling itself master, to nobody
            return set()
        answer = self.frr.ask("show vrrp json")
        shown = json.loads(answer) if answer.strip().startswith("[") else []
        state = {v["vrid"]: v for v in shown}
        return {r.name for r in self.routers
                if state.get(r.vrid, {}).get("v4" if r.cell.family == 4 else "v6", {}).get("status") == "Master"}

    def stop(self):
        self.vrrpd.stop(timeout=15)


class Match:
    """One peer's network, and everything that happens there."""

    def __init__(self, folder, peer):
        folder.mkdir()
        self.lan = Lan(folder)
        self.peer = peer
        cells = [c for c in interop.CELLS if c.peer == peer]
        self.routers = [Router(cell, 2 * n + d, higher) for n, cell in enumerate(cells)
                        for d, higher in enumerate((OURS, THEIRS))]
        self.wrong = {cell: {check: "" for check in interop.CHECKS} for cell in cells}
        self.sides = {}
        self.ended = []  # who was ended when: (side, from, until)
        self.capture = self.now = None

    def blame(self, router, check, text):
        self.wrong[router.cell][check] = self.wrong[router.cell][check] or f"{router.name}: {text}"

    def expect(self, check, master_of):
        """Waits until each router has the master that it shall have, and nobody else is."""
        waiting = {r.name: r for r in self.routers}

        def look():
            masters = {side: daemon.masters() if daemon.host.holder else set() for side, daemon in self.sides.items()}
            for router in list(waiting.values()):
                if {side for side in masters if router.name in masters[side]} == {master_of(router)}:
                    del waiting[router.name]
            return not waiting
        try:
            wait_until(look, PATIENCE, "roles", interval=0.3)
        except TimeoutError:
            for router in waiting.values():
                self.blame(router, check, f"{master_of(router)} is not the only master after {self.now}")

    def in_order(self, check):
        self.expect(check, lambda r: r.higher)

    def taken_by(self, check, side):
        self.expect(check, lambda r: side)

    def plug(self, side, up):
        switch = self.lan.switches["office"]
        port = next(p["ifname"] for p in json.loads(switch.run(["ip", "-json", "link"]).stdout)
                    if p["ifname"].startswith(side))
        switch.run(["ip", "link", "set", port, "up" if up else "down"])
        self.sides[side].cut_off = not up

    def others(self):
        """Who is cut off or ended in turn, and who takes over then. Of two mainstays, one turn tells it all."""
        yield OURS, THEIRS
        if self.peer != "mainstay":
            yield THEIRS, OURS

    def run(self):
        lan = self.lan
        lan.switch("office")
        for side, (v4, v6) in ADDRESS.items():
            host = lan.host(side, eth0=("office", f"{v4}/24", f"{v6}/64"))
            self.sides[side] = FrrDaemon(host, side, self.routers) if (side, self.peer) == (THEIRS, "frr") else \
                Daemon(host, side, self.routers, "mainstay" if side == OURS else self.peer)
        self.capture = Capture(lan.switches["office"], device="any", what="ip proto 112 or ip6 proto 112")
        for daemon in self.sides.values():
            daemon.start()
        self.now = "the start"
        self.in_order("roles")
        for side, other in self.others():
            self.now = f"{side} was switched off"
            self.sides[side].host.kill()
            self.taken_by("kill", other)
            self.now = f"{side} was switched on again"
            self.sides[side].host.boot()
            self.sides[side].start()
            self.in_order("kill")
        for side, other in self.others():
            self.now = f"{side} was ended"
            begin = time.time()
            self.sides[side].stop()
            self.taken_by("stop", other)
            self.ended.append((side, begin, time.time()))
            self.sides[side].start()
            self.now = f"{side} was started again"
            self.in_order("stop")
        for side, other in self.others():
            self.now = f"{side} lost its link"
            self.plug(side, False)
            self.expect("link", lambda r, side=side, other=other: other)
            self.now = f"{side} had its link again"
            self.plug(side, True)
            self.in_order("link")
        for side, other in self.others():
            if not self.sides[side].has_scripts:
                continue
            self.now = f"the script of {side} failed"
            self.sides[side].script(False)
            self.taken_by("script", other)
            self.sides[side].script(True)
            self.now = f"the script of {side} was good again"
            self.in_order("script")
        self.capture.stop()
        self.look_at_packets()

    def on_the_wire(self):
        """tshark's view of every advert: (time, source, MAC, VRID, priority, checksum, malformed). Each may come twice, from
        two ports of the switch."""
        fields = ["frame.time_epoch", "ip.src", "ipv6.src", "sll.src.eth", "vrrp.virt_rtr_id", "vrrp.prio",
                  "vrrp.checksum.status", "_ws.malformed"]
        shown = self.lan.switches["office"].run(
            ["tshark", "-r", self.capture.file, *PSEUDO_HEADER, "-Y", "vrrp", "-T", "fields", "-E", "separator=;",
             *[word for field in fields for word in ("-e", field)]], timeout=120).stdout
        for line in shown.splitlines():
            at, v4, v6, mac, vrid, priority, checksum, malformed = line.split(";")
            yield float(at), v4 or v6, mac, int(vrid, 0), int(priority, 0), checksum, malformed

    def look_at_packets(self):
        """From either side something was sent for each router; all of it has a good checksum, is not malformed, and has the
        MAC address that the cell says. Who was ended said so with priority 0."""
        sources, judged, left = {}, {}, {}
        for at, source, mac, vrid, priority, checksum, malformed in self.on_the_wire():
            sources.setdefault(vrid, {}).setdefault(source, set()).add(mac)
            judged.setdefault(vrid, set()).add((source, checksum, malformed))
            for side, begin, end in self.ended if priority == 0 else ():
                if begin <= at <= end:
                    left.setdefault(side, set()).add(vrid)
        for router in self.routers:
            # Of two mainstays only one is cut off in turn, so one of the cell's two routers hears one side only.
            heard = {s for r in self.routers if r.cell == router.cell for s in sources.get(r.vrid, ())}
            if len(heard) < 2:
                self.blame(router, "packets", f"adverts from {heard} only")
            bad = [found for found in judged.get(router.vrid, ()) if found[1:] != ("1", "")]
            if bad:
                self.blame(router, "packets", f"tshark says (source, checksum, malformed) {bad}")
            self.by_their_macs(router, sources.get(router.vrid, {}))
            for side, _, _ in self.ended:
                if router.higher == side and router.vrid not in left.get(side, ()):
                    self.blame(router, "stop", f"{side} did not say that it leaves")

    def by_their_macs(self, router, sources):
        virtual = f"00:00:5e:00:0{1 if router.cell.family == 4 else 2}:{router.vrid:02x}"
        for source, macs in sources.items():
            always = self.peer == "frr" and source not in ADDRESS[OURS] and macs == {virtual}
            # Unicast goes out with the interface's own address (vmac_xmit_base).
            wanted = router.cell.kind == "VMAC" and router.cell.cast == "multicast"
            if not always and (macs == {virtual}) != wanted:
                self.blame(router, "packets", f"{source} sent from {macs}")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Everything that happens, once for all cells."""
    matches = [Match(tmp_path_factory.mktemp("interop") / peer, peer) for peer in interop.PEERS]
    troubles = {}

    def run(match):
        try:
            match.run()
        except Exception as problem:  # pylint: disable=broad-except  # it is told by each cell of the peer
            troubles[match.peer] = repr(problem)
    threads = [threading.Thread(target=run, args=(match,)) for match in matches]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        found = {}
        for match in matches:
            for name, text in match.lan.logs():
                print(f"---- {match.peer}/{name} ----\n{text}")
            match.lan.close()
            for cell, checks in match.wrong.items():
                found[cell] = {check: troubles.get(match.peer, "") or wrong for check, wrong in checks.items()}
        interop.keep(found)
    return found


@pytest.mark.nightly
@pytest.mark.parametrize("cell", interop.CELLS, ids=interop.Cell.name)
def test_the_pair_does_what_the_table_says(outcomes, cell):
    # effect: vrrp_instance: version priority virtual_router_id interface unicast_src_ip unicast_peer use_vmac vmac_xmit_base
    assert [f"{check}: {wrong}" for check, wrong in outcomes[cell].items() if wrong] == []
    assert interop.committed()[cell] == {check: "yes" for check in interop.CHECKS}


@pytest.mark.nightly
def test_the_table_has_each_combination_and_says_of_each_what_was_found(outcomes):
    assert interop.TABLE.read_text(encoding="utf-8") == interop.table(outcomes)
