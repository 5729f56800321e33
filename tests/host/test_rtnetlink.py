"""kernel/rtnetlink against a real kernel, judged by iproute2."""

import errno
import json
import signal

import pytest

from support.kernel_probe import PROBE, Listening, probe, strace


@pytest.fixture
def host(lan):
    lan.switch("office")
    return lan.host("one", eth0=("office", "192.168.4.11/24", "fd00:4::11/64"))


def ip_addr(host, device="eth0"):
    shown = json.loads(host.run(["ip", "-json", "addr", "show", "dev", device]).stdout)
    return {f"{a['local']}/{a['prefixlen']}": a for link in shown for a in link.get("addr_info", []) if "local" in a}


def test_links_and_addresses_are_those_that_ip_shows(host):
    links = {line["link"]: line for line in probe(host, "links")}
    shown = json.loads(host.run(["ip", "-json", "link"]).stdout)

    assert {name: link["index"] for name, link in links.items()} == {link["ifname"]: link["ifindex"] for link in shown}
    assert links["lo"]["loopback"] and not links["eth0"]["loopback"]
    assert links["eth0"]["up"] and links["eth0"]["mtu"] == 1500
    mac = next(link["address"] for link in shown if link["ifname"] == "eth0")
    assert links["eth0"]["mac"] == mac.replace(":", "")
    index = links["eth0"]["index"]
    found = {line["address"] for line in probe(host, "addresses") if line["index"] == index}
    assert found == set(ip_addr(host))


def test_hundreds_of_addresses_come_with_a_sendmsg_per_batch_and_go_again(host):
    ours = [f"10.1.{i // 200}.{i % 200 + 1}/32" for i in range(600)]
    before = host.addresses("eth0")

    failures, calls = strace(host, "sendmsg", "add", "eth0", *ours)
    assert failures == []
    assert calls["sendmsg"] == 1 + 3  # the list of interfaces, and batches of 256
    assert host.addresses("eth0") == before | set(ours)
    assert probe(host, "remove", "eth0", *ours) == []
    assert host.addresses("eth0") == before


def test_adding_what_is_there_and_removing_what_is_not_is_no_failure(host):
    assert probe(host, "add", "eth0", "10.1.1.1/32") == []
    assert probe(host, "add", "eth0", "10.1.1.1/32", "10.1.1.2/32") == []
    assert host.holds("10.1.1.2/32")

    assert probe(host, "remove", "eth0", "10.1.1.1/32", "10.1.1.2/32") == []
    assert probe(host, "remove", "eth0", "10.1.1.1/32", "10.1.1.2/32") == []
    assert probe(host, "remove", "#4711", "10.1.1.1/32") == []
    assert not host.holds("10.1.1.1/32")


def test_one_refused_address_does_not_stop_the_others_and_is_named(host):
    answers = probe(host, "add", "eth0", "10.1.1.1/32", "ff02::77/128", "10.1.1.2/32", "nonsense")

    assert [a["failed"] for a in answers] == [1, 3]
    assert answers[0]["errno"] in (errno.EINVAL, errno.EADDRNOTAVAIL)
    assert answers[1]["errno"] == errno.EINVAL
    assert host.holds("10.1.1.1/32") and host.holds("10.1.1.2/32")
    assert probe(host, "add", "#4711", "10.1.1.1/32")[0]["errno"] == errno.ENODEV


def test_without_the_capability_every_address_is_refused(host):
    done = host.run(["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", PROBE, "add", "eth0", "10.1.1.1"],
                    check=False)

    assert json.loads(done.stdout)["errno"] == errno.EPERM
    assert not host.holds("10.1.1.1")


def test_label_broadcast_scope_and_lifetimes_reach_the_kernel(host):
    probe(host, "add", "eth0", "10.1.1.1/24,label=eth0:web,brd=10.1.1.255", "10.1.2.1/32,scope=253", "fd00:9::1/128",
          "fd00:9::2/128,deprecated", "fd00:9::3/64,dad")

    shown = ip_addr(host)
    assert (shown["10.1.1.1/24"]["label"], shown["10.1.1.1/24"]["broadcast"]) == ("eth0:web", "10.1.1.255")
    assert shown["10.1.2.1/32"]["scope"] == "link"
    assert "broadcast" not in shown["10.1.2.1/32"]
    assert shown["fd00:9::1/128"]["nodad"] and not shown["fd00:9::1/128"].get("deprecated")
    assert shown["fd00:9::2/128"]["deprecated"] and shown["fd00:9::2/128"]["preferred_life_time"] == 0
    assert not shown["fd00:9::3/64"].get("nodad")
    # A label that the request does not know does not keep the address.
    assert probe(host, "remove", "eth0", "10.1.1.1/24") == []
    assert "10.1.1.1/24" not in ip_addr(host)


def test_changes_by_others_are_reported(host):
    watch = Listening(host, "watch")

    host.run(["ip", "addr", "add", "10.1.1.1/32", "dev", "eth0"])
    assert watch.until(lambda line: line.get("added") == "10.1.1.1/32")["label"] == "eth0"
    host.run(["ip", "addr", "del", "10.1.1.1/32", "dev", "eth0"])
    watch.until(lambda line: line.get("removed") == "10.1.1.1/32")
    host.run(["ip", "link", "set", "eth0", "down"])
    watch.until(lambda line: line.get("link") == "eth0" and not line["up"])
    host.run(["ip", "link", "add", "test0", "type", "bridge"])
    made = watch.until(lambda line: line.get("link") == "test0")
    host.run(["ip", "link", "del", "test0"])
    assert watch.until(lambda line: "gone" in line) == {"gone": "test0", "index": made["index"]}
    watch.close()


def test_a_port_that_leaves_its_bridge_is_not_reported_gone(host):
    host.run(["ip", "link", "add", "bridge0", "type", "bridge"])
    watch = Listening(host, "watch")

    host.run(["ip", "link", "set", "eth0", "master", "bridge0"])
    host.run(["ip", "link", "set", "eth0", "nomaster"])
    host.run(["ip", "addr", "add", "10.1.1.1/32", "dev", "eth0"])  # the last of it
    watch.until(lambda line: line.get("added") == "10.1.1.1/32")

    assert not [line for line in watch.close() if "gone" in line]


def test_notifications_that_do_not_fit_are_reported_lost(host):
    watch = Listening(host, "watch", "small")  # a receive buffer for a handful of them
    watch.process.send(signal.SIGSTOP)
    host.run(["ip", "-batch", "-"], text_in="".join(f"addr add 10.1.1.{i}/32 dev eth0\n" for i in range(1, 201)))
    watch.process.send(signal.SIGCONT)

    watch.until(lambda line: line.get("lost"))
    host.run(["ip", "addr", "add", "10.200.1.1/32", "dev", "eth0"])
    watch.until(lambda line: line.get("added") == "10.200.1.1/32")
    watch.close()
