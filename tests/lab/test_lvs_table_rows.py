"""What each keyword of a service and of its servers comes to in the kernel's table, as `ipvsadm -Sn` writes it."""

import re
import signal

import pytest

from support.wait import wait_until

# Keywords of the service -> what stands behind its address in `ipvsadm -Sn`. One server each, by its keywords.
SERVICES = [
    # effect marks stand in the tests: these are only the cases
    ("lb_algo rr", "-s rr"),
    ("lvs_sched wrr", "-s wrr"),
    ("lb_algo lc", "-s lc"),
    ("lb_algo wlc", "-s wlc"),
    ("lb_algo lblc", "-s lblc"),
    ("lb_algo lblcr", "-s lblcr"),
    ("lb_algo dh", "-s dh"),
    ("lb_algo sed", "-s sed"),
    ("lb_algo nq", "-s nq"),
    ("lb_algo fo", "-s fo"),
    ("lb_algo ovf", "-s ovf"),
    ("lb_algo sh\n  hashed", "-s sh"),
    ("lb_algo sh\n  sh-port\n  sh-fallback", "-s sh -b sh-fallback,sh-port"),
    ("lb_algo mh\n  mh-port\n  mh-fallback", "-s mh -b mh-fallback,mh-port"),
    ("lb_algo rr\n  flag-1\n  flag-3", "-s rr -b flag-1,flag-3"),
    ("lb_algo rr\n  flag-2", "-s rr -b flag-2"),
    ("lb_algo rr\n  persistence_timeout", "-s rr -p 360"),
    ("lb_algo rr\n  persistence_timeout 50\n  persistence_granularity 255.255.255.0", "-s rr -p 50 -M 255.255.255.0"),
]
SERVERS = [
    ("NAT", "weight 7", "-m -w 7"),
    ("DR", "", "-g -w 1"),
    ("TUN", "", "-i -w 1 --tun-type ipip"),
    ("NAT", "lvs_method DR", "-g -w 1"),
    ("TUN type gue port 6080", "", "-i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum"),
    ("TUN type gue port 6080 csum", "", "-i -w 1 --tun-type gue --tun-port 6080 --tun-csum"),
    ("TUN type gue port 6080 remcsum", "", "-i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum"),
    ("TUN type gre", "", "-i -w 1 --tun-type gre --tun-nocsum"),
    ("NAT", "lvs_method TUN type gre csum", "-i -w 1 --tun-type gre --tun-csum"),
]


def saved(host):
    """{"-t 10.0.0.1:80": ("-s rr", ["-r 127.1.0.1:80 -m -w 1"])}, also for "-u ..." and "-f 5 -6"."""
    table = {}
    for line in host.run(["ipvsadm", "-Sn"]).stdout.splitlines():
        service = re.match(r"-A (-[tu] \S+|--sctp-service \S+|-f \d+(?: -6)?) (.*)", line)
        server = re.match(r"-a (-[tu] \S+|--sctp-service \S+|-f \d+(?: -6)?) (.*)", line)
        if service:
            table[service.group(1)] = (service.group(2), [])
        elif server:
            table[server.group(1)][1].append(server.group(2))
    return table  # servers sorted, as ipvsadm does


def service(place, inside, *servers, protocol="TCP"):
    body = "".join(f"  real_server {address} {{\n    {options}\n  }}\n" for address, options in servers)
    line = f"  protocol {protocol}\n" if protocol else ""
    return f"virtual_server {place} {{\n{line}  {inside}\n{body}}}\n"


def reload(host, daemon, text):
    """Once the start is over: the log line that ends it is the last one."""
    wait_until(lambda: "Startup complete" in daemon.output(), 20, lambda: daemon.output()[-3000:])
    host.write("/run/keepalived.conf", text)
    daemon.send(signal.SIGHUP)


def until_saved(host, daemon, wanted):
    try:
        wait_until(lambda: saved(host) == wanted, 20)
    except TimeoutError:
        assert saved(host) == wanted, daemon.output()[-3000:]


@pytest.fixture
def director(lan):
    return lan.host("director")


def test_schedulers_their_flags_and_persistence_are_in_the_service(director):
    # effect: virtual_server: lb_algo lvs_sched hashed flag-1 flag-2 flag-3 sh-port sh-fallback mh-port mh-fallback
    # effect: virtual_server: persistence_timeout persistence_granularity real_server
    # effect: (root): virtual_server
    text = "".join(service(f"10.1.0.{n} 80", f"{inside}\n  lb_kind NAT", ("127.1.0.1 80", ""))
                   for n, (inside, _) in enumerate(SERVICES, 1))
    daemon = director.mainstayd(text, "-C")
    until_saved(director, daemon, {f"-t 10.1.0.{n}:80": (wanted, ["-r 127.1.0.1:80 -m -w 1"])
                                   for n, (_, wanted) in enumerate(SERVICES, 1)})


def test_the_way_of_forwarding_weight_and_thresholds_are_in_the_server(director):
    # effect: virtual_server: lb_kind lvs_method weight
    # effect: virtual_server/lvs_method: <method> type port nocsum csum remcsum
    # effect: virtual_server/real_server: weight lvs_method
    text = "".join(service(f"10.1.0.{n} 80", f"lb_algo rr\n  lb_kind {kind}", ("127.1.0.1 80", options))
                   for n, (kind, options, _) in enumerate(SERVERS, 1))
    text += service("10.1.0.99 80", "lb_algo rr\n  lvs_method DR\n  weight 5", ("127.1.0.1 80", ""),
                    ("127.1.0.2 80", "weight 0"))
    daemon = director.mainstayd(text, "-C")
    wanted = {f"-t 10.1.0.{n}:80": ("-s rr", [f"-r 127.1.0.1:80 {words}"]) for n, (_, _, words) in enumerate(SERVERS, 1)}
    wanted["-t 10.1.0.99:80"] = ("-s rr", ["-r 127.1.0.1:80 -g -w 5", "-r 127.1.0.2:80 -g -w 0"])
    until_saved(director, daemon, wanted)


def test_thresholds_are_in_the_server_and_a_change_of_one_reaches_it(director):
    # effect: virtual_server/real_server: uthreshold lthreshold
    def thresholds():
        shown = director.run(["ipvsadm", "-Ln", "--thresholds"]).stdout
        return re.findall(r"-> 127\.1\.0\.1:80 +(\d+) +(\d+)", shown)

    text = service("10.1.0.1 80", "lb_algo rr\n  lb_kind NAT", ("127.1.0.1 80", "uthreshold 100\n    lthreshold 10"))
    daemon = director.mainstayd(text, "-C")
    wait_until(lambda: thresholds() == [("100", "10")], 20, lambda: str(thresholds()))
    reload(director, daemon, text.replace("lthreshold 10", "lthreshold 20"))
    wait_until(lambda: thresholds() == [("100", "20")], 20, lambda: str(thresholds()))


def test_protocols_families_and_marks_are_in_the_key_of_the_service(director):
    # effect: virtual_server: protocol ops ip_family persistence_engine persistence_granularity
    rr = "lb_algo rr\n  lb_kind NAT"
    text = (service("10.1.0.1 80", rr, ("127.1.0.1 80", ""), protocol="SCTP")
            + service("10.1.0.1 53", rr + "\n  ops", ("127.1.0.1 53", ""), protocol="UDP")
            + service("fd00::1 80", rr + "\n  persistence_granularity 64", ("fd00::11 80", ""))
            + service("10.1.0.2 5060", rr + "\n  persistence_timeout 60\n  persistence_engine sip",
                      ("127.1.0.1 5060", ""), protocol="UDP")
            + service("fwmark 5", rr, ("127.1.0.1 80", ""), protocol="")
            + service("fwmark 5", "ip_family inet6\n  lb_algo rr\n  lb_kind TUN", ("127.1.0.1 80", ""), protocol="")
            + service("10.1.0.3", rr, ("127.1.0.1", "")))
    daemon = director.mainstayd(text, "-C")
    until_saved(director, daemon, {
        "--sctp-service 10.1.0.1:80": ("-s rr", ["-r 127.1.0.1:80 -m -w 1"]),
        "-u 10.1.0.1:53": ("-s rr -o", ["-r 127.1.0.1:53 -m -w 1"]),
        "-t [fd00::1]:80": ("-s rr -p 360 -M 64", ["-r [fd00::11]:80 -m -w 1"]),
        "-u 10.1.0.2:5060": ("-s rr -p 60 --pe sip", ["-r 127.1.0.1:5060 -m -w 1"]),
        "-f 5": ("-s rr", ["-r 127.1.0.1:80 -m -w 1"]),
        "-f 5 -6": ("-s rr", ["-r 127.1.0.1:0 -i -w 1 --tun-type ipip"]),
        "-t 10.1.0.3:0": ("-s rr -p 360", ["-r 127.1.0.1:0 -m -w 1"]),
    })


def test_each_address_and_mark_of_a_group_is_a_service_with_all_servers(director):
    # effect: (root): virtual_server_group
    # effect: virtual_server_group: (address entry) fwmark
    text = ("virtual_server_group WEB {\n  10.1.0.1-3 80\n  10.1.0.10-10.1.0.11 81\n  10.1.1.0/31 82\n  fwmark 7 inet\n"
            "  fwmark 8 inet6\n  fd00::1-2 80\n}\n"
            + service("group WEB", "lb_algo rr\n  lb_kind TUN\n  sorry_server 127.1.0.9\n  sorry_server_inhibit",
                      ("127.1.0.1", ""), ("127.1.0.2", "weight 2")))
    daemon = director.mainstayd(text, "-C")
    places = {"-t 10.1.0.1:80": 80, "-t 10.1.0.2:80": 80, "-t 10.1.0.3:80": 80, "-t 10.1.0.10:81": 81,
              "-t 10.1.0.11:81": 81, "-t 10.1.1.0:82": 82, "-t 10.1.1.1:82": 82, "-f 7": 0, "-f 8 -6": 0,
              "-t [fd00::1]:80": 80, "-t [fd00::2]:80": 80}
    until_saved(director, daemon, {
        place: ("-s rr", [f"-r 127.1.0.{n}:{port} -i -w {weight} --tun-type ipip"
                           for n, weight in ((1, 1), (2, 2), (9, 0))])
        for place, port in places.items()})
    assert daemon.stop() == 0
    assert saved(director) == {}


def test_a_scheduler_that_the_kernel_has_not_is_reported_by_its_name(director):
    daemon = director.mainstayd(service("10.1.0.1 80", "lb_algo twos\n  lb_kind NAT", ("127.1.0.1 80", ""))
                                + service("10.1.0.2 80", "lb_algo rr\n  lb_kind NAT", ("127.1.0.1 80", "")), "-C")
    until_saved(director, daemon, {"-t 10.1.0.2:80": ("-s rr", ["-r 127.1.0.1:80 -m -w 1"])})
    wait_until(lambda: "Startup complete" in daemon.output(), 20, lambda: daemon.output())
    told = [line.partition(": ")[2] for line in daemon.output().splitlines() if "refused" in line]
    assert told == ["IPVS refused add TCP 10.1.0.1:80: the kernel has no scheduler twos"]
