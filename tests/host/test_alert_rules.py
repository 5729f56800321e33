"""Each alert rule of etc/prometheus fires and resolves, in a real Prometheus that scrapes real directors over TLS.

The times of the rules are divided, so that nobody waits for minutes. MainstayIpvsRefused needs IPVS: tests/lab/test_prometheus.py.
"""

import re
import shutil
import signal
import subprocess
import time

import pytest

from support.api import PORT, serve
from support.capture import Capture
from support.checks import serve_silence
from support.lvs import listen
from support.mail import PORT as MAIL_PORT
from support.mail import serve_mail, spooled
from support.netlink import burst
from support.paths import program
from support.prometheus import RULES, Prometheus, divided
from support.vrrp import fast, partition, signal_role, wait_holds, wait_ready, wait_released
from support.wait import wait_until
from support.web import Web
from support.webhook import PORT as HOOK_PORT
from support.webhook import receive

pytestmark = pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed")
VRRP = {"MainstayTwoMasters", "MainstayNoMaster", "MainstayFault", "MainstayFlapping", "MainstayAdvertsLate", "MainstayDown"}
LVS = {"MainstayServiceDown", "MainstaySorryServerInUse", "MainstayServersDown", "MainstayCheckStuck"}
DISCOVERY = {"MainstayServersHeld", "MainstayServersUnknown"}
DAEMON = {"MainstayProcessDown", "MainstayReloadRefused", "MainstayMailStuck", "MainstayWebhookStuck", "MainstayEventsLost"}
PROBLEM = {"MainstayProblem"}  # of a process that was restarted, for five minutes
IN_THE_LAB = {"MainstayIpvsRefused", "MainstayNotAnnounced", "MainstayDirectorsDisagree", "MainstayTableWaits"}


def rules():
    return RULES.read_text(encoding="utf-8")


def alerts_of(text):
    return re.findall(r"- alert: (\w+)", text)


def directors(lan, *names):
    """Hosts on the switch office that are looked at from another one, over the switch management."""
    lan.switch("office")
    lan.switch("management")
    return [lan.host(name, eth0=("office", f"192.168.4.{11 + n}/24"), eth1=("management", f"10.9.0.{11 + n}/24"))
            for n, name in enumerate(names)]


def monitor(lan, hosts, by, more=""):
    """A Prometheus that scrapes these directors with the credentials of each, and has the rules with times divided by this.
    `more` is added to the settings of each."""
    host = lan.host("monitor", eth0=("management", "10.9.0.99/24"))
    targets = {one.name: (f"10.9.0.{11 + n}:{PORT}", serve(one, more)[0]) for n, one in enumerate(hosts)}
    # Each director has credentials of its own: a scrape configuration each, and one label `job`, as an operator has it.
    jobs = [{"job_name": f"scrape-{name}", "scheme": "https", "tls_config": {"insecure_skip_verify": True},
             "authorization": {"credentials": token}, "params": {"scope": ["servers"]},
             "static_configs": [{"targets": [target], "labels": {"job": "mainstay"}}]}
            for name, (target, token) in targets.items()]
    return lambda: Prometheus(host, jobs, divided(rules(), by))


@pytest.mark.nightly
def test_every_rule_is_shown_here_or_in_the_lab_and_has_a_firing_and_a_resolved_case_for_promtool():
    names = alerts_of(rules())
    assert sorted(names) == sorted(VRRP | LVS | DISCOVERY | DAEMON | PROBLEM | IN_THE_LAB)
    text = (RULES.parent / "mainstay-alerts-test.yml").read_text(encoding="utf-8")
    cases = re.findall(r"- alertname: (\w+)\n\s+eval_time: \S+\n\s+exp_alerts:(.*)", text)
    for name in names:
        assert {case.strip() for alert, case in cases if alert == name} == {"", "[]"}, name
    done = subprocess.run(["promtool", "test", "rules", str(RULES.parent / "mainstay-alerts-test.yml")], capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.nightly
def test_alerts_about_vrrp_fire_and_resolve(lan):
    one, two = directors(lan, "one", "two")
    start = monitor(lan, (one, two), by=30)
    wait_ready(one.mainstayd(fast(priority=150)))
    wait_holds(one)
    second = wait_ready(two.mainstayd(fast(priority=100)))
    prometheus = start()
    prometheus.wait_scraped(2)
    assert prometheus.firing() == set() and prometheus.broken_rules() == []

    for _ in range(6):
        partition(lan, two)
        wait_holds(two)
        partition(lan, two, cut=False)
        wait_released(two)
    prometheus.wait_firing("MainstayFlapping")

    partition(lan, two)
    prometheus.wait_firing("MainstayTwoMasters")
    partition(lan, two, cut=False)
    wait_released(two)
    prometheus.wait_resolved("MainstayTwoMasters")

    for host in (one, two):
        host.run(["ip", "link", "set", "eth0", "down"])
    prometheus.wait_firing("MainstayFault", "MainstayNoMaster")
    for host in (one, two):
        host.run(["ip", "link", "set", "eth0", "up"])
    wait_holds(one)
    prometheus.wait_resolved("MainstayFault", "MainstayNoMaster")

    def is_late():
        with Capture(two) as capture:
            capture.wait_for(1)
            signal_role(one, "mainstayd-vrrp", signal.SIGSTOP)
            # Three intervals of silence on the wire, less than it takes to be held for dead.
            wait_until(lambda: time.time() - float(capture.packets()[-1].time) > 0.3, 5, "silence", 0.01)
            signal_role(one, "mainstayd-vrrp", signal.SIGCONT)
        return "MainstayAdvertsLate" in prometheus.firing()
    wait_until(is_late, 30, "MainstayAdvertsLate to fire")
    prometheus.wait_resolved("MainstayAdvertsLate")

    second.stop(timeout=15)
    prometheus.wait_firing("MainstayDown")
    wait_ready(two.mainstayd(fast(priority=100), name="again.conf"))
    prometheus.wait_resolved(*VRRP)
    assert prometheus.broken_rules() == []


SERVICE = """virtual_server 10.1.1.1 80 {
 lb_algo rr
 lb_kind NAT
 protocol TCP
 delay_loop 1
 sorry_server 127.1.0.9 80
 real_server 127.1.0.1 80 {
  TCP_CHECK {
   connect_timeout 1
   retry 0
   warmup 0
  }
 }
}
virtual_server 10.1.1.2 80 {
 lb_algo rr
 lb_kind NAT
 protocol TCP
 delay_loop 1
 real_server 127.1.0.2 80 {
  HTTP_GET {
   url {
    path /
   }
   connect_timeout 8
   retry 0
   warmup 0
  }
 }
}
"""


@pytest.mark.nightly
def test_alerts_about_virtual_servers_fire_and_resolve(lan):
    (one,) = directors(lan, "one")
    start = monitor(lan, (one,), by=30)
    one.run(["ip", "link", "set", "lo", "up"])
    server = listen(one, "127.1.0.1:80")
    silent = serve_silence(one, "127.1.0.2:80")
    wait_ready(one.mainstayd(SERVICE))
    prometheus = start()
    prometheus.wait_scraped(1)

    prometheus.wait_firing("MainstayCheckStuck")
    silent.stop(signal.SIGKILL)
    Web(one, "127.1.0.2:80").answer("/", 200)
    prometheus.wait_resolved(*LVS)

    server.stop(signal.SIGKILL)
    prometheus.wait_firing("MainstayServiceDown", "MainstaySorryServerInUse", "MainstayServersDown")
    listen(one, "127.1.0.1:80")
    prometheus.wait_resolved(*LVS)
    assert prometheus.broken_rules() == []


@pytest.mark.nightly
def test_alerts_about_sources_of_real_servers_fire_and_resolve(lan):
    (one,) = directors(lan, "one")
    start = monitor(lan, (one,), by=30)
    servers = one.write("/run/web.json", '[{"targets": ["127.1.0.1:80", "127.1.0.2:80"]}]')
    wait_ready(one.mainstayd("virtual_server 10.1.1.1 80 {\nlb_kind NAT\nprotocol TCP\n"
                             f"real_server_file {servers} {{\n}}\n}}\n"))
    prometheus = start()
    prometheus.wait_scraped(1)
    assert not DISCOVERY & prometheus.firing()

    one.write("/run/web.json", "[]")
    prometheus.wait_firing("MainstayServersHeld")
    one.write("/run/web.json", "[")
    prometheus.wait_firing("MainstayServersUnknown")
    one.write("/run/web.json", '[{"targets": ["127.1.0.1:80", "127.1.0.2:80"]}]')
    prometheus.wait_resolved(*DISCOVERY)
    assert prometheus.broken_rules() == []


MAIL = f"""global_defs {{
 notification_email {{
  a@example.org
 }}
 notification_email_from ha@example.org
 smtp_server 127.0.0.1 {MAIL_PORT}
 smtp_connect_timeout 2
 smtp_alert
}}
"""


WEBHOOK = f"""
[[webhook]]
name = "hook"
url = "http://localhost:{HOOK_PORT}/"
"""


@pytest.mark.nightly
def test_alerts_about_the_daemon_fire_and_resolve(lan):
    (one,) = directors(lan, "one")
    start = monitor(lan, (one,), by=120, more=WEBHOOK)
    one.run(["ip", "link", "set", "lo", "up"])
    daemon = wait_ready(one.mainstayd(MAIL + fast() + SERVICE))
    wait_holds(one)
    wait_until(lambda: spooled(one), 20, "a mail that waits")
    prometheus = start()
    prometheus.wait_scraped(1)
    prometheus.wait_firing("MainstayMailStuck", "MainstayWebhookStuck")

    one.write("/run/keepalived.conf", MAIL + fast() + SERVICE + "vrrp_instance VI_2 {\n")
    daemon.send(signal.SIGHUP)
    prometheus.wait_firing("MainstayReloadRefused")
    one.write("/run/keepalived.conf", MAIL + fast() + SERVICE)
    daemon.send(signal.SIGHUP)
    prometheus.wait_resolved("MainstayReloadRefused")

    # A program that ends at once is started again after pauses that grow.
    lvs = program("mainstayd-lvs")
    one.run(["mount", "--bind", "/bin/false", lvs])
    signal_role(one, "mainstayd-lvs", signal.SIGKILL)
    prometheus.wait_firing("MainstayProcessDown")
    # Refused as long as the supervisor is just trying it again.
    wait_until(lambda: one.run(["umount", lvs], check=False).returncode == 0, 20, "the program to be the old one again")
    prometheus.wait_resolved("MainstayProcessDown")
    prometheus.wait_firing(*PROBLEM)

    # On a busy machine the burst may take so long that the supervisor replaces the process, which then has lost nothing.
    for tries_left in (2, 1, 0):
        signal_role(one, "mainstayd-vrrp", signal.SIGSTOP)
        one.call(burst)
        signal_role(one, "mainstayd-vrrp", signal.SIGCONT)
        try:
            prometheus.wait_firing("MainstayEventsLost")
            break
        except TimeoutError:
            if tries_left == 0:
                raise

    serve_mail(one)
    receive(one)
    prometheus.wait_resolved(*DAEMON, timeout=90)
    assert prometheus.broken_rules() == []
