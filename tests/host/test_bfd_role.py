"""The bfd role: sessions with FRR, keepalived and itself, and what they mean for the VRRP instances that track them."""

import json
import re
import signal

import pytest
from support.capture import Capture
from support.frr import Frr
from support.paths import program
from support.vrrp import instance, role_pid, signal_role, wait_holds, wait_ready, wait_released
from support.wait import stays, wait_until

V3 = "global_defs {\n vrrp_version 3\n}\n"
QUICK = "min_rx 100\nmin_tx 100\nmultiplier 5\n"  # a neighbour may be silent for 500 ms
CALM = "min_rx 500\nmin_tx 500\nmultiplier 6\n"  # for 3 s: a busy machine replaces a process within that


def session(name, neighbor, lines=QUICK):
    return f"bfd_instance {name} {{\nneighbor_ip {neighbor}\n{lines}}}\n"


def tracking(name, vip, vrid, priority=150, track="", interval=0.1):
    more = f"track_bfd {{\n {track}\n}}\n" if track else ""
    return instance("BACKUP", priority, vip, vrid, f"VI_{name}", interval, more, auth=False)


def network(lan, *names):
    """Hosts .11, .12 ... and fd00:4::11 ... on one switch."""
    lan.switch("office")
    return [lan.host(name, eth0=("office", f"192.168.4.{11 + n}/24", f"fd00:4::{11 + n}/64"))
            for n, name in enumerate(names)]


def is_bfd(packet, source=None, port=3784):
    from scapy.all import IP, UDP, IPv6  # pylint: disable=import-outside-toplevel
    if UDP not in packet or packet[UDP].dport != port:
        return False
    return source is None or (packet[IPv6] if IPv6 in packet else packet[IP]).src == source


def fields(packet):
    """What a BFD packet says (RFC 5880 4.1), and its UDP source port and TTL."""
    from scapy.all import IP, UDP, IPv6, raw  # pylint: disable=import-outside-toplevel
    b = raw(packet[UDP].payload)
    number = lambda at: int.from_bytes(b[at:at + 4], "big")  # noqa: E731
    return {"state": b[1] >> 6, "multiplier": b[2], "discriminator": number(4), "min_tx": number(12),
            "min_rx": number(16), "port": packet[UDP].sport,
            "ttl": packet[IPv6].hlim if IPv6 in packet else packet[IP].ttl}


def status(host):
    return json.loads(host.run([program("mainstayctl"), "status", "--json"]).stdout)


def says(daemon, text, timeout=10):
    wait_until(lambda: text in daemon.output(), timeout, lambda: f"'{text}' in\n{daemon.output()}")


def test_instances_leave_master_when_their_bfd_neighbour_dies_whoever_that_is(lan):
    # effect: (root): bfd_instance
    # effect: bfd_instance: neighbor_ip neighbour_ip multihop max_hops hoplimit multiplier
    # effect: vrrp_instance: track_bfd
    one, two, frr, ka, own, gate = network(lan, "one", "two", "frr", "ka", "own", "gate")
    lan.switch("back")
    far = lan.host("far", eth0=("back", "10.7.0.2/24"))
    lan.plug(gate, "eth1", "back", "10.7.0.1/24")
    gate.sysctl(net__ipv4__ip_forward=1)
    far.run(["ip", "route", "add", "default", "via", "10.7.0.1"])
    for host in (one, two):
        host.run(["ip", "route", "add", "10.7.0.0/24", "via", "192.168.4.16"])

    timers = "detect-multiplier 5\nreceive-interval 100\ntransmit-interval 100\nexit\n"
    peers = {"frr4": ("192.168.4.13", ""), "frr6": ("fd00:4::13", "hoplimit 255\n"), "ka4": ("192.168.4.14", ""),
             "ka6": ("fd00:4::14", ""), "own4": ("192.168.4.15", ""), "far": ("10.7.0.2", "multihop\nmax_hops 1\n")}
    Frr(frr).bfdd(f"bfd\npeer 192.168.4.11\n{timers}peer fd00:4::11 local-address fd00:4::13\n{timers}exit\n")
    Frr(far).bfdd(f"bfd\npeer 192.168.4.11 multihop local-address 10.7.0.2\n{timers}exit\n")
    ka.keepalived(session("a", "192.168.4.11") + session("b", "fd00:4::11"), "--all")
    own.mainstayd(session("a", "192.168.4.11").replace("neighbor_ip", "neighbour_ip"))

    vips = {name: f"192.168.4.{200 + n}" for n, name in enumerate(peers)}
    sessions = "".join(session(name, address, QUICK + more) for name, (address, more) in peers.items())
    backup = wait_ready(two.mainstayd(
        V3 + "".join(tracking(n, vips[n], 51 + i, 100) for i, n in enumerate(peers))))
    master = wait_ready(one.mainstayd(
        V3 + sessions + "".join(tracking(n, vips[n], 51 + i, 150, n) for i, n in enumerate(peers))))
    for name, vip in vips.items():
        says(master, f"VRRP_Instance(VI_{name}) Tracked BFD instance {name} is UP")
        wait_holds(one, vip)

    with Capture(one, what="vrrp or udp port 3784 or udp port 4784") as capture:
        def received():
            return [s["counters"]["received"] for s in status(one)["bfd"]["sessions"]]
        before = received()
        wait_until(lambda: all(now >= then + 3 for now, then in zip(received(), before)), 10, "packets of each neighbour")
        for host, names in ((frr, ("frr4", "frr6")), (ka, ("ka4", "ka6")), (own, ("own4",)), (far, ("far",))):
            host.kill()
            for name in names:
                says(master, f"VRRP_Instance(VI_{name}) Tracked BFD instance {name} is DOWN")
                says(master, f"(VI_{name}) entering FAULT state (BFD instance {name} down)")
                wait_holds(two, vips[name])
                wait_released(one, vips[name])
    assert backup.alive()
    shown = one.run(["tshark", "-r", capture.file, "-T", "fields", "-E", "separator=;"] + [
        word for f in ("frame.time_epoch", "ip.src", "ipv6.src", "vrrp.virt_rtr_id", "vrrp.prio") for word in ("-e", f)]).stdout
    packets = [(float(at), v4 or v6, vrid, prio) for at, v4, v6, vrid, prio in (line.split(";") for line in shown.splitlines())]

    for number, (name, (address, _)) in enumerate(peers.items()):
        assert re.search(rf"\({name}\) Expired after 500 ms \(\d+ usec overdue\)", master.output())
        assert re.search(rf"\({name}\) Entering Down state \(Local diagnostic - Control Detection Time Expired, "
                         r"Remote diagnostic - No Diagnostic\)", master.output())
        last = max(at for at, source, vrid, _ in packets if source == address and not vrid)
        resigned = min(at for at, source, vrid, priority in packets
                       if at > last and (source, vrid, priority) == ("192.168.4.11", str(51 + number), "0"))
        # The detection time is the least; the rest is this machine's.
        assert 0.5 <= resigned - last < 1.5, name


@pytest.mark.nightly
def test_a_killed_bfd_or_vrrp_process_is_not_noticed_by_the_neighbour(lan):
    one, two, frr = network(lan, "one", "two", "frr")
    daemon = Frr(frr)
    bfdd = daemon.bfdd("debug bfd peer\nbfd\npeer 192.168.4.11\ndetect-multiplier 6\nreceive-interval 500\n"
                       "transmit-interval 500\nexit\nexit\n")
    neighbour = two.mainstayd(session("peer", "192.168.4.11", CALM))
    master = wait_ready(one.mainstayd(V3 + session("two", "192.168.4.12", CALM) + session("frr", "192.168.4.13", CALM) +
                                      tracking("1", "192.168.4.200", 51, 150, "two\n frr", interval=0.3)))
    wait_holds(one, "192.168.4.200")
    before = {s["name"]: (s["discriminator"], s["source_port"]) for s in status(one)["bfd"]["sessions"]}
    assert [s["state"] for s in status(one)["bfd"]["sessions"]] == ["Up", "Up"]
    assert status(one)["vrrp"]["bfd"] == [{"name": "frr", "state": "UP"}, {"name": "two", "state": "UP"}]
    assert "BFD SESSION" in one.run([program("mainstayctl"), "status"]).stdout

    with Capture(frr, what="udp port 3784") as capture:
        capture.wait_for(2)
        old = signal_role(one, "mainstayd-bfd", signal.SIGKILL)
        wait_until(lambda: master.output().count("state of the previous process resumed") == 1, 10, "the new process to adopt")
        seen = len(capture.packets())
        capture.wait_for(seen + 8)
        heard = [fields(p) for p in capture.packets() if is_bfd(p, "192.168.4.11")]
    assert role_pid(one, "mainstayd-bfd") != old
    assert {(f["discriminator"], f["port"]) for f in heard} == {before["frr"]}
    assert {f["state"] for f in heard} == {3}

    signal_role(one, "mainstayd-vrrp", signal.SIGKILL)
    wait_until(lambda: master.output().count("state of the previous process resumed") == 2, 10, "the new process to adopt")
    assert stays(lambda: one.holds("192.168.4.200"), 2)

    one.run([program("mainstayctl"), "upgrade"], timeout=60)
    assert stays(lambda: one.holds("192.168.4.200"), 1)
    with Capture(frr, what="udp port 3784") as capture:
        capture.wait_for(4)
        heard = [fields(p) for p in capture.packets() if is_bfd(p, "192.168.4.11")]
    assert {(f["discriminator"], f["port"], f["state"]) for f in heard} == {(*before["frr"], 3)}
    assert daemon.peers()["192.168.4.11"]["status"] == "up" and "up -> down" not in bfdd.output()

    # The new ones hear of the sessions too.
    frr.kill()
    says(master, "VRRP_Instance(VI_1) Tracked BFD instance frr is DOWN")
    wait_released(one, "192.168.4.200")
    assert "Entering Down" not in neighbour.output() and "Expired" not in neighbour.output()
    assert master.output().count("Entering FAULT STATE") == 2  # at the start, and now


def test_reloads_bring_the_first_session_its_weight_and_its_end(lan):
    # effect: bfd_instance: weight vrrp checker
    one, two = network(lan, "one", "two")
    two.mainstayd(session("peer", "192.168.4.11"))
    plain = tracking("1", "192.168.4.200", 51, 100)
    master = wait_ready(one.mainstayd(V3 + plain))
    wait_holds(one, "192.168.4.200")
    assert "mainstayd-bfd" not in one.process_names()

    def reload(text):
        done = master.output().count("Reload complete")
        one.write("/run/keepalived.conf", V3 + text)
        master.send(signal.SIGHUP)
        wait_until(lambda: master.output().count("Reload complete") > done, 10, master.output)

    tracked = tracking("1", "192.168.4.200", 51, 100, "peer")
    reload(session("peer", "192.168.4.12", QUICK + "weight -30\n") + tracked)
    says(master, "Starting BFD child process")
    says(master, "VRRP_Instance(VI_1) Tracked BFD instance peer is UP")
    says(master, "(VI_1) Changing effective priority from 70 to 100")

    # Told to checkers only: keepalived's VRRP process does not know it, and the tracker is ignored. And back.
    reload(session("peer", "192.168.4.12", QUICK + "weight -30\nchecker\n") + tracked)
    says(master, "error MS0307: (VI_1) bfd_instance peer reports to checkers alone; the tracker is ignored")
    assert status(one)["vrrp"]["instances"][0]["priority"] == 100
    reload(session("peer", "192.168.4.12", QUICK + "weight 20 reverse\nvrrp\n") + tracked)
    says(master, "(VI_1) Changing effective priority from 100 to 80")
    assert one.holds("192.168.4.200")

    reload(plain)
    assert stays(lambda: one.holds("192.168.4.200"), 1)
    wait_until(lambda: status(one)["bfd"]["sessions"] == [], 5, "the session to be gone")


def test_without_bfd_a_tracking_instance_stays_in_fault_and_sync_groups_track_too(lan):
    # effect: vrrp_sync_group: track_bfd
    one, two = network(lan, "one", "two")
    group = "vrrp_sync_group G {\ngroup {\nVI_1\nVI_2\n}\ntrack_bfd {\npeer\n}\n}\n"
    text = V3 + session("peer", "192.168.4.12") + tracking("1", "192.168.4.200", 51) + \
        tracking("2", "192.168.4.201", 52) + group
    daemon = wait_ready(one.mainstayd(text, "-B"))
    says(daemon, "(VI_1) entering FAULT state (BFD instance peer down)")
    assert "mainstayd-bfd" not in one.process_names()
    assert daemon.stop() == 0

    two.mainstayd(session("peer", "192.168.4.11"), "-C")  # no VRRP: BFD runs all the same
    daemon = wait_ready(one.mainstayd(text, "-P", "-b", "/run/my_bfd.pid"))
    for vip in ("192.168.4.200", "192.168.4.201"):
        wait_holds(one, vip)
    for name in ("VI_1", "VI_2"):
        says(daemon, f"VRRP_Instance({name}) Tracked BFD instance peer is UP")
    assert int(one.read("/run/my_bfd.pid")) > 1
    two.kill()
    for vip in ("192.168.4.200", "192.168.4.201"):
        wait_released(one, vip)
    says(daemon, "VRRP_Group(G) Syncing instances to FAULT state")
    assert daemon.stop() == 0
    assert not one.path("/run/my_bfd.pid").exists()


def test_intervals_ttl_source_and_silence_are_on_the_wire_as_configured(lan):
    # effect: bfd_instance: source_ip min_rx min_tx idle_tx multiplier passive ttl max_hops
    one, two = network(lan, "one", "two")
    for number in (31, 32, 33):
        one.run(["ip", "addr", "add", f"192.168.4.{number}/24", "dev", "eth0"])
        two.run(["ip", "addr", "add", f"192.168.4.{number + 10}/24", "dev", "eth0"])
    with Capture(two, what="udp port 3784") as capture:
        # .31 speaks to nobody, .32 waits for somebody who waits, .33 has a neighbour that is too far away.
        wait_ready(one.mainstayd(
            session("idle", "192.168.4.41", "source_ip 192.168.4.31\nidle_tx 1500\nmin_tx 20.5\nmin_rx 30\n"
                                            "multiplier 7\nttl 77\n") +
            session("waits", "192.168.4.42", "source_ip 192.168.4.32\npassive\n") +
            session("near", "192.168.4.43", "source_ip 192.168.4.33\nttl 60\nmax_hops 9\n") +
            session("peer", "192.168.4.12", "source_ip 192.168.4.11\nmin_tx 40\nmin_rx 60\n")))
        daemon = wait_ready(two.mainstayd(
            session("waits", "192.168.4.32", "source_ip 192.168.4.42\npassive\n") +
            session("near", "192.168.4.33", "source_ip 192.168.4.43\nttl 50\nmax_hops 10\n") +
            session("peer", "192.168.4.11", "source_ip 192.168.4.12\npassive\n")))
        says(daemon, "(peer) Entering Up state")
        wait_until(lambda: status(one)["bfd"]["sessions"][0]["counters"]["sent"] >= 4, 15, "packets to nobody", interval=0.5)
        packets = capture.packets()
        idle = [(float(p.time), fields(p)) for p in packets if is_bfd(p, "192.168.4.31")]

    for _, said in idle:
        assert {k: said[k] for k in ("state", "multiplier", "min_tx", "min_rx", "ttl")} == \
            {"state": 1, "multiplier": 7, "min_tx": 1_500_000, "min_rx": 30_000, "ttl": 77}
    gaps = [b - a for (a, _), (b, _) in zip(idle, idle[1:])]
    assert len(gaps) >= 2 and all(1.5 * 0.75 - 0.05 <= gap <= 1.5 + 0.5 for gap in gaps), gaps
    assert not [p for p in packets if is_bfd(p, "192.168.4.32") or is_bfd(p, "192.168.4.42")]
    up = [f for f in map(fields, (p for p in packets if is_bfd(p, "192.168.4.11"))) if f["state"] == 3]
    assert (up[-1]["min_tx"], up[-1]["min_rx"], up[-1]["ttl"]) == (40_000, 60_000, 255)
    assert next(p["IP"].src for p in packets if is_bfd(p) and p["IP"].src in ("192.168.4.11", "192.168.4.12")) == \
        "192.168.4.11"  # the passive one did not begin
    sessions = {s["name"]: s for s in status(one)["bfd"]["sessions"]}
    assert sessions["near"]["state"] == "Down" and sessions["near"]["counters"]["discarded"] > 0
    assert {s["name"]: s["state"] for s in status(two)["bfd"]["sessions"]}["near"] in ("Down", "Init")


def test_a_link_local_neighbour_is_reached_on_its_interface(lan):
    one, two = network(lan, "one", "two")

    def link_local(host, device):
        def look():
            shown = json.loads(host.run(["ip", "-6", "-json", "addr", "show", "dev", device, "scope", "link"]).stdout)
            return [a["local"] for link in shown for a in link.get("addr_info", []) if "local" in a and "tentative" not in a]
        return wait_until(look, 10, "a link-local address")[0]
    lan.switch("back")
    lan.plug(one, "eth1", "back", "10.7.0.1/24")
    ours, elsewhere, theirs = link_local(one, "eth0"), link_local(one, "eth1"), link_local(two, "eth0")
    assert ours != elsewhere

    # Two interfaces: the source says which one. The other side has one only.
    daemon = wait_ready(one.mainstayd(session("right", theirs, f"source_ip {ours}\n") +
                                      session("vague", "fe80::5:5")))
    other = two.mainstayd(session("right", ours))
    says(daemon, "(right) Entering Up state")
    says(other, "(right) Entering Up state")
    says(daemon, "the neighbour fe80::5:5 is a link-local address and more than one interface could lead to it: "
                 "give its session the link-local address of its interface as source_ip")


def test_the_checkers_hear_of_sessions_too_and_a_port_that_is_taken_refuses_a_reload(lan):
    # effect: bfd_instance: checker
    one, two = network(lan, "one", "two")
    two.mainstayd(session("peer", "192.168.4.11"))
    service = "virtual_server 192.168.4.200 80 {\nprotocol TCP\nlb_algo rr\nlb_kind DR\nreal_server 192.168.4.12 80 {\n}\n}\n"
    daemon = wait_ready(one.mainstayd(service + session("peer", "192.168.4.12", QUICK + "checker\n"), "-D"))
    up = "Received BFD event: instance peer is in state Up"
    says(daemon, up)
    signal_role(one, "mainstayd-lvs", signal.SIGKILL)
    wait_until(lambda: daemon.output().count(up) == 2, 10, daemon.output)

    taken = one.start(["/usr/bin/python3", "-c", "import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
                       "s.bind(('', 4784)); print('bound', flush=True); time.sleep(600)"])
    says(taken, "bound")
    one.write("/run/keepalived.conf", service + session("peer", "192.168.4.12", QUICK + "multihop\n"))
    daemon.send(signal.SIGHUP)
    says(daemon, "reload refused (mainstayd-bfd refused it: receive BFD over IPv4: bind any address port 4784")
    two.kill()
    wait_until(lambda: "Received BFD event: instance peer is in state Down" in daemon.output().rsplit(up, 1)[1], 10,
               daemon.output)
