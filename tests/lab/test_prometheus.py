"""Dashboards over a real pair with a real table: each of their queries returns data in a real Prometheus that scrapes it."""

import shutil
import signal

import pytest

from support.api import PORT, serve
from support.kernel_probe import PROBE
from support.lvs import real_server, virtual_server
from support.paths import program
from support.prometheus import RULES, Prometheus, dashboard_queries, divided
from support.traffic import ask, hold_address
from support.traffic import serve as answer
from support.vrrp import VIP, fast, partition, signal_role, wait_holds, wait_ready, wait_released
from support.wait import wait_until

pytestmark = pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed")
# mehdy/keepalived-exporter, grafana/dashboards/keepalived-exporter.json of 2020: by node_name.
MEHDY = ["keepalived_up{node_name=\"one\"}", "keepalived_script_status{node_name=\"one\"}", "keepalived_vrrp_state{node_name=\"one\"}",
         *(f"irate(keepalived_{name}{{node_name=\"one\"}}[1m])" for name in (
             "release_master", "become_master", "advert_rcvd", "advert_sent", "pri_zero_rcvd", "pri_zero_sent", "packet_len_err",
             "advert_interval_err", "ip_ttl_err", "invalid_type_rcvd", "addr_list_err"))]
# Its names of today, as alert rules have them.
MEHDY_TODAY = [f"rate(keepalived_{name}_total{{iname=\"VI_1\",intf=\"eth0\",vrid=\"51\"}}[1m])" for name in (
    "advertisements_received", "advertisements_sent", "become_master", "release_master", "packet_length_errors",
    "advertisements_interval_errors", "ip_ttl_errors", "invalid_type_received", "address_list_errors", "authentication_invalid",
    "authentication_mismatch", "authentication_failure", "priority_zero_received", "priority_zero_sent")]
# bhozar/grafana-dashboards, keepalived_exporter/grafana-keepalived_exporter.json, for gen2brain's exporter: by the address.
BHOZAR = ["keepalived_up{instance=~\"^10.9.0.11.*\"}", "keepalived_vrrp_become_master{instance=~\"^10.9.0.11.*\"}",
          *(f"irate(keepalived_vrrp_{name}{{instance=~\"^10.9.0.1.*\"}}[5m])>0" for name in ("advert_sent", "advert_rcvd")),
          *(f"rate(keepalived_vrrp_{name}{{instance=~\"^10.9.0.1.*\"}}[2m])>0" for name in ("release_master", "become_master")),
          *(f"irate(keepalived_vrrp_{name}{{instance=~\"^10.9.0.11.*\"}}[1m])" for name in (
              "addr_list_err", "ip_ttl_err", "pri_zero_sent", "pri_zero_rcvd", "advert_interval_err", "packet_len_err"))]
GEN2BRAIN = [f"rate(keepalived_lvs_{what}_{name}[1m])" for what in ("vip", "rs") for name in (
    "in_packets", "out_packets", "in_bytes", "out_bytes", "conn")]
# As dashboards of node_exporter have them: a join of its own series is one over these labels.
NODE_EXPORTER = [*(f"irate(node_ipvs_{name}_total{{instance=~\"10.9.0.11:.*\"}}[1m])" for name in (
    "connections", "incoming_packets", "outgoing_packets", "incoming_bytes", "outgoing_bytes")),
    *(f"sum by (local_address, local_port, remote_address, remote_port, proto) (node_ipvs_backend_{name})" for name in (
        "connections_active", "connections_inactive", "weight"))]
# Version 3, VRID 51, priority 240, one address 10.0.0.1; its checksum is wrong.
FORGED = "3133f001000affff0a000001"
SCRIPT = "global_defs {\n enable_script_security\n script_user root\n}\nvrrp_script chk {\n script /usr/bin/true\n interval 1\n}\n"


def director(priority):
    track = "track_script {\n chk weight 10\n }"
    alive = real_server("192.168.4.31 80", check="connect_timeout 2\nretry 0")
    dead = real_server("127.1.0.9 80", check="connect_timeout 1\nretry 0")
    return (SCRIPT + fast(priority=priority, more=track)
            + virtual_server(f"{VIP} 80", alive).replace("lb_kind NAT", "lb_kind DR") + virtual_server("10.0.0.2 80", dead))


@pytest.fixture
def scraped(lan):
    """A pair with a client and a server behind it, and a Prometheus that scrapes the pair: (one, two, client, prometheus)."""
    lan.switch("office")
    lan.switch("management")
    one, two = (lan.host(name, eth0=("office", f"192.168.4.{11 + n}/24"), eth1=("management", f"10.9.0.{11 + n}/24"))
                for n, name in enumerate(("one", "two")))
    client = lan.host("client", eth0=("office", "192.168.4.50/24"))
    web = lan.host("web", eth0=("office", "192.168.4.31/24"))
    hold_address(web, f"{VIP}/32")
    answer(web, "web", f"tcp/{VIP}:80", "tcp/192.168.4.31:80")
    monitor = lan.host("monitor", eth0=("management", "10.9.0.99/24"))
    parameters = {"scope": ["servers"], "compat": ["mehdy,mehdy-2020,gen2brain,node_exporter"], "format": ["text"]}
    jobs = []
    for number, host in enumerate((one, two)):
        host.run(["ip", "link", "set", "lo", "up"])
        token, _ = serve(host)
        wait_ready(host.mainstayd(director(150 - 50 * number)), 60)
        jobs.append({"job_name": f"scrape-{host.name}", "scheme": "https", "tls_config": {"insecure_skip_verify": True},
                     "authorization": {"credentials": token}, "params": parameters,
                     "static_configs": [{"targets": [f"10.9.0.{11 + number}:{PORT}"],
                                         "labels": {"job": "mainstay", "node_name": host.name}}]})
    wait_holds(one)
    prometheus = Prometheus(monitor, jobs, interval="2s")
    prometheus.wait_scraped(2, 60)
    return one, two, client, prometheus


@pytest.mark.nightly
def test_each_query_of_our_dashboard_and_of_public_ones_returns_data(scraped, lan):
    one, two, client, prometheus = scraped
    wait_until(lambda: one.ipvs().get(f"TCP {VIP}:80 wrr"), 60, lambda: f"the server in the table: {one.ipvs()}")
    assert ask(client, "tcp", "192.168.4.50", VIP, 80, 5) == {"web": 5}
    # What some panels show only when it has happened: failovers there and back, a rival, errors, a process that ended.
    for _ in range(2):
        partition(lan, two)
        wait_holds(two, timeout=30)
        partition(lan, two, cut=False)
        wait_released(two, timeout=30)
    client.run([PROBE, "vrrp-send", "eth0", "192.168.4.13", "224.0.0.18", "255", FORGED, "20"])
    signal_role(one, "mainstayd-lvs", signal.SIGKILL)

    wanted = dashboard_queries("mainstay", ".*", "2m") + MEHDY + MEHDY_TODAY + BHOZAR + GEN2BRAIN + NODE_EXPORTER

    missing = wanted

    def all_have_data():
        nonlocal missing
        missing = prometheus.without_data(missing)
        return not missing
    wait_until(all_have_data, 180, lambda: "\n".join(["data for", *missing]), interval=1)
    assert {(labels["node_name"], labels["ip_address"], value) for labels, value in prometheus.query("keepalived_vrrp_state")} == {
        ("one", VIP, 2), ("two", VIP, 1)}
    # The process that was killed reads the kernel's counters within 10 s.
    counted = f"keepalived_lvs_vip_conn{{addr=\"{VIP}:80\",node_name=\"one\",proto=\"6\"}}"
    wait_until(lambda: [value for _, value in prometheus.query(counted)] == [5], 60, lambda: str(prometheus.query(counted)))


@pytest.mark.nightly
def test_the_alert_about_refused_changes_of_the_table_fires_and_resolves(lan):
    lan.switch("management")
    one = lan.host("one", eth1=("management", "10.9.0.11/24"))
    monitor = lan.host("monitor", eth0=("management", "10.9.0.99/24"))
    token, _ = serve(one)
    # The kernel refuses a broadcast address as a destination.
    text = virtual_server("10.0.0.1 80", "  real_server 10.9.0.255 80 {\n    weight 1\n  }\n")
    daemon = wait_ready(one.mainstayd(text), 60)
    jobs = [{"job_name": "mainstay", "scheme": "https", "tls_config": {"insecure_skip_verify": True},
             "authorization": {"credentials": token}, "static_configs": [{"targets": [f"10.9.0.11:{PORT}"]}]}]
    prometheus = Prometheus(monitor, jobs, divided(RULES.read_text(encoding="utf-8"), 20), interval="1s")
    prometheus.wait_scraped(1, 60)

    prometheus.wait_firing("MainstayIpvsRefused", timeout=60)
    one.write("/run/keepalived.conf", text.replace("10.9.0.255", "10.9.0.21"))
    daemon.send(signal.SIGHUP)
    prometheus.wait_resolved("MainstayIpvsRefused", timeout=60)
    assert prometheus.broken_rules() == []
    assert one.ipvs() == {"TCP 10.0.0.1:80 wrr": {"10.9.0.21:80": ("Masq", 1)}}


@pytest.mark.nightly
def test_alerts_about_directors_that_serve_at_the_same_time_fire_and_resolve(lan):
    lan.switch("management")
    hosts = [lan.host(f"director{n}", eth1=("management", f"10.9.0.{n}/24")) for n in (11, 12)]
    monitor = lan.host("monitor", eth0=("management", "10.9.0.99/24"))

    def text(*servers):
        return ("virtual_server 10.50.0.1 80 {\n delay_loop 1\n lb_kind DR\n protocol TCP\n active_active\n announce {\n  drain_time 0\n }\n"
                + "".join(real_server(f"127.1.0.{n} 80") for n in servers) + "}\n")
    jobs, answering = [], []
    for number, host in zip((11, 12), hosts):
        host.run(["ip", "link", "set", "lo", "up"])
        token, _ = serve(host)
        answering.append(answer(host, "web", "tcp/127.1.0.1:80", "tcp/127.1.0.2:80", "tcp/127.1.0.3:80"))
        wait_ready(host.mainstayd(text(1, 3), "-C"), 60)
        jobs.append({"job_name": f"scrape-{host.name}", "scheme": "https", "tls_config": {"insecure_skip_verify": True},
                     "authorization": {"credentials": token},
                     "static_configs": [{"targets": [f"10.9.0.{number}:{PORT}"], "labels": {"job": "mainstay"}}]})
    prometheus = Prometheus(monitor, jobs, divided(RULES.read_text(encoding="utf-8"), 60), interval="1s")
    prometheus.wait_scraped(2, 60)
    alerts = {"MainstayNotAnnounced", "MainstayDirectorsDisagree", "MainstayTableWaits"}
    prometheus.wait_resolved(*alerts, timeout=60)

    hosts[0].write("/run/keepalived.conf", text(1, 2, 3))
    hosts[0].run([program("mainstayctl"), "reload"])
    prometheus.wait_firing("MainstayDirectorsDisagree", timeout=60)
    hosts[1].write("/run/keepalived.conf", text(1, 2, 3))
    hosts[1].run([program("mainstayctl"), "reload"])
    prometheus.wait_resolved("MainstayDirectorsDisagree", timeout=60)
    prometheus.wait_firing("MainstayTableWaits", timeout=120)
    for number, host in enumerate(hosts):
        answering[number].stop()
    prometheus.wait_firing("MainstayNotAnnounced", timeout=60)
    for host in hosts:
        answer(host, "web", "tcp/127.1.0.1:80", "tcp/127.1.0.2:80", "tcp/127.1.0.3:80")
    prometheus.wait_resolved(*alerts, timeout=90)
    assert prometheus.broken_rules() == []
