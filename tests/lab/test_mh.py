"""The calculator of IPVS's scheduler `mh` against the kernel: the same server for each of many flows."""

import ipaddress
import os
import pathlib
import random
import socket

import pytest

from support.paths import BUILD, program
from support.wait import wait_until

PROBE = BUILD / "tests" / "lvs" / "mh_probe"
FLOWS = int(os.environ.get("MAINSTAY_MH_FLOWS", "3000"))  # of each case
TABLE_SIZE = 4093  # of Debian's kernels
IP_FREEBIND, IPV6_FREEBIND = 15, 78  # linux/in.h, linux/in6.h
NETS = {4: ("10.1.0.{}", "10.9.{}.{}", "10.50.0.1"), 6: ("fd00:1::{:x}", "fd00:9::{:x}:{:x}", "fd00:50::1")}


@pytest.fixture
def place(lan):
    """A director that hands what comes for 10.50.0.1 and fd00:50::1 to IPVS, and a client with as many addresses as it likes."""
    lan.switch("office")
    director = lan.host("director", eth0=("office", "10.1.0.1/16", "fd00:1::1/64"))
    client = lan.host("client", eth0=("office", "10.1.200.1/16", "fd00:1::c/64"))
    for host in (director, client):
        host.run(["ip", "link", "set", "lo", "up"])
        host.sysctl(net__ipv4__conf__all__rp_filter=0, net__ipv4__conf__eth0__rp_filter=0)
    for address in ("10.50.0.1/32", "fd00:50::1/128"):
        director.run(["ip", "addr", "add", address, "dev", "lo"])
    for network in ("10.9.0.0/16", "fd00:9::/64"):
        client.run(["ip", "route", "add", "local", network, "dev", "lo"])
    client.run(["ip", "route", "add", "10.50.0.1", "via", "10.1.0.1"])
    client.run(["ip", "-6", "route", "add", "fd00:50::1", "via", "fd00:1::1"])
    for address in ("10.1.0.1", "fd00:1::1"):  # flows are sent in no time, and a neighbour not yet found keeps a few of them only
        wait_until(lambda: client.run(["ping", "-c1", "-W1", address], check=False).returncode == 0, 30, f"{address} to answer")
    return director, client


class Service:
    """A service with `mh` and its servers, in the kernel's order."""

    def __init__(self, director, family, flags):
        self.director, self.family, self.flags = director, family, flags
        self.servers = []  # [address, port, last weight, weight], the newest first
        address = NETS[family][2]
        self.service = ["-u", f"[{address}]:53" if family == 6 else f"{address}:53"]
        self.director.run(["ipvsadm", "-A", *self.service, "-s", "mh", *(["-b", ",".join(f"mh-{flag}" for flag in flags)] if flags else [])])

    def place(self, address, port):
        return f"[{address}]:{port}" if self.family == 6 else f"{address}:{port}"

    def add(self, number, weight, port=53):
        address = NETS[self.family][0].format(number)
        self.director.run(["ipvsadm", "-a", *self.service, "-r", self.place(address, port), "-m", "-w", weight])
        self.servers.insert(0, [address, port, weight, weight])

    def set_weight(self, index, weight):
        server = self.servers[index]
        self.director.run(["ipvsadm", "-e", *self.service, "-r", self.place(server[0], server[1]), "-m", "-w", weight])
        server[2:] = [weight or server[2], weight]

    def remove(self, index):
        server = self.servers.pop(index)
        self.director.run(["ipvsadm", "-d", *self.service, "-r", self.place(server[0], server[1])])

    def told(self, flows):
        """What the calculator says of each flow: "ADDRESS PORT" or "none"."""
        lines = [f"table {TABLE_SIZE} {' '.join(self.flags)}", *(f"server {' '.join(map(str, one))}" for one in self.servers),
                 *(f"flow {address} {port}" for address, port in flows)]
        answers = self.director.run([str(PROBE)], text_in="\n".join(lines) + "\n", timeout=120).stdout.splitlines()
        return dict(zip(flows, answers))


def flows_of(family, seed):
    chance = random.Random(seed)
    net = NETS[family][1]
    return list({(net.format(chance.randrange(1, 255), chance.randrange(1, 255)), chance.randrange(1024, 65000)) for _ in range(FLOWS)})


def send_from(sources, service):
    """Sends a datagram from each of these addresses and ports."""
    for source in sources:
        with socket.socket(socket.AF_INET6 if ":" in source[0] else socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.setsockopt(*((socket.IPPROTO_IPV6, IPV6_FREEBIND) if ":" in source[0] else (socket.IPPROTO_IP, IP_FREEBIND)), 1)
            one.bind(source)
            one.sendto(b"x", service)


def kernels(director, family):
    """Which server the kernel has given to each flow that it knows."""
    known = {}
    for line in pathlib.Path(f"/proc/{director.pid}/net/ip_vs_conn").read_text(encoding="ascii").splitlines()[1:]:
        words = line.split()
        if (":" in words[1] or len(words[1]) == 32) != (family == 6):
            continue
        known[(text_of(words[1]), int(words[2], 16))] = f"{text_of(words[5])} {int(words[6], 16)}"
    return known


def text_of(word):
    if ":" in word:
        return str(ipaddress.IPv6Address(word))
    return str(ipaddress.ip_address(bytes.fromhex(word)))


def compare(place, service, seed):
    director, client = place
    flows = flows_of(service.family, seed)
    client.call(send_from, flows, (NETS[service.family][2], 53))
    told = service.told(flows)
    wanted = sum(answer != "none" for answer in told.values())

    def with_server():
        return {flow: server for flow, server in kernels(director, service.family).items() if flow in told}

    wait_until(lambda: len(with_server()) >= wanted, 30, lambda: f"{wanted} of {len(flows)} flows to have a server, not {len(with_server())}", 0.5)
    given = with_server()
    assert len(given) == wanted
    wrong = [(flow, server, told[flow]) for flow, server in given.items() if told[flow] != server]
    assert wrong == []
    print(f"mh: {len(flows)} flows, {len(given)} with a server, all as told")
    return told


@pytest.mark.parametrize("family", [4, 6])
def test_each_flow_goes_where_the_calculator_says(place, family):
    service = Service(place[0], family, ["fallback", "port"])
    for number in range(10, 22):
        service.add(number, 1 + number % 4, 53 + number % 3)

    told = compare(place, service, 1)

    for (address, port), server in list(told.items())[:3]:
        client = service.place(address, port)
        lines = place[0].run([program("mainstayctl"), "why", client, service.service[1], "--udp"]).stdout.splitlines()
        assert lines[0] == f"a new flow from {client} to {service.service[1]} goes to {service.place(*server.split())}"
        assert f" of {TABLE_SIZE} of the mh table" in lines[1]


def test_changes_of_the_list_and_of_weights_are_followed(place):
    service = Service(place[0], 4, ["fallback", "port"])
    for number in range(10, 30):
        service.add(number, 100)
    service.add(30, 0)
    service.set_weight(3, 0)
    service.set_weight(7, 30)
    service.remove(12)
    service.add(18, 100, 54)
    service.set_weight(0, 0)
    service.set_weight(0, 50)

    told = compare(place, service, 2)

    assert not {"10.1.0.27 53", "10.1.0.30 53"} & set(told.values())


def test_without_fallback_a_flow_of_a_server_with_weight_0_has_none(place):
    service = Service(place[0], 4, [])
    for number in range(10, 15):
        service.add(number, 1)
    service.set_weight(2, 0)

    told = compare(place, service, 3)

    assert 0 < sum(answer == "none" for answer in told.values()) < FLOWS / 2
