"""The dump files that signals ask for, which people and exporters read."""

import json
import re
import signal

import pytest
from support import dumps, exporters
from support.hosts import Lan
from support.needs import needs_root
from support.paths import DATA as TEST_DATA
from support.paths import program
from support.vrrp import VIP, instance, office, wait_holds, wait_ready
from support.wait import wait_until

USR1, USR2, JSON, CLEAR = signal.SIGUSR1, signal.SIGUSR2, signal.SIGRTMIN + 2, signal.SIGRTMAX - 1
SCRIPTED = """vrrp_track_process init {
    process "sleep"
    weight 3 reverse
}
vrrp_script chk {
    script "/bin/true a b"
    interval 1
    weight 5
}
"""
MORE = """virtual_ipaddress_excluded {
        192.168.4.201/24 label eth0:x
    }
    track_script {
        chk
    }
    track_interface {
        lo weight 2
    }
    notify "/bin/true x 'y z'"
"""
DATA_FIELDS = """iname dont_track_primary skip_check_adv_addr strict_mode vmac_ifname ifp_ifname master_priority
last_transition garp_delay garp_refresh garp_rep garp_refresh_rep garp_lower_prio_delay garp_lower_prio_rep
lower_prio_no_advert higher_prio_send_advert vrid base_priority effective_priority vipset promote_secondaries adver_int
master_adver_int accept nopreempt preempt_delay state wantstate version smtp_alert notify_deleted script vips evips
track_ifp track_script auth_type auth_data""".split()
STATS_FIELDS = """advert_rcvd advert_sent become_master release_master packet_len_err advert_interval_err ip_ttl_err
invalid_type_rcvd addr_list_err invalid_authtype authtype_mismatch auth_failure auth_ext_missing auth_ext_malformed
auth_ext_unknown_key auth_ext_invalid_hmac auth_ext_stale auth_ext_replay pri_zero_rcvd pri_zero_sent""".split()
SECTIONS = """Global definitions|VRRP Topology|VRRP Sockpool|VRRP Scripts|VRRP Track processes|
Interfaces""".replace("\n", "").split("|")  # keepalived leaves out those without entries


def started(lan, settings="", more=MORE, env=None, extra=SCRIPTED, root=""):
    (one,) = office(lan, "one")
    text = f"{root}\nglobal_defs {{\n script_user root\n enable_script_security\n {settings}\n}}\n{extra}"
    daemon = wait_ready(one.mainstayd(text + instance(more=more), env=env))
    wait_holds(one)
    return one, daemon


def dumped(host, daemon, number, path):
    """Asks for a dump and returns the file, once it is there and new."""
    host.run(["rm", "-f", path])
    daemon.send(number)
    wait_until(lambda: host.path(path).exists(), 10, lambda: f"{path}; /tmp has {host.run(['ls', '/tmp']).stdout}")
    return host.read(path)


def test_usr2_writes_the_statistics_as_keepalived_does_and_they_can_be_cleared(lan):
    one, daemon = started(lan)

    text = dumped(one, daemon, USR2, "/tmp/keepalived.stats")

    assert re.sub(r"Sent: [1-9]\d*\n  Became", "Sent: N\n  Became", text) == """VRRP Instance: VI_1
  Advertisements:
    Received: 0
    Sent: N
  Became master: 1
  Released master: 0
  Packet Errors:
    Length: 0
    TTL: 0
    Invalid Type: 0
    Advertisement Interval: 0
    Address List: 0
  Authentication Errors:
    Invalid Type: 0
    Type Mismatch: 0
    Failure: 0
  Authentication Extension Errors:
    Missing: 0
    Malformed: 0
    Unknown Key: 0
    Invalid HMAC: 0
    Stale: 0
    Replay: 0
  Priority Zero:
    Received: 0
    Sent: 0
"""
    assert one.path("/tmp/keepalived.stats").stat().st_mode & 0o777 == 0o600

    assert "Became master: 1\n" in dumped(one, daemon, CLEAR, "/tmp/keepalived.stats")
    assert "Became master: 0\n" in dumped(one, daemon, USR2, "/tmp/keepalived.stats")


def test_the_json_has_keepalived_s_fields_in_their_order_and_no_password(lan):
    # effect: global_defs: json_version
    one, daemon = started(lan)

    text = dumped(one, daemon, JSON, "/tmp/keepalived.json")

    (entry,) = json.loads(text)
    assert text.startswith('[{"data":{"iname":"VI_1","dont_track_primary":0,') and "1111" not in text
    assert list(entry["data"]) == DATA_FIELDS
    assert list(entry["stats"]) == STATS_FIELDS
    data = entry["data"]
    expected = {"vrid": 51, "state": 2, "wantstate": 2, "base_priority": 150, "effective_priority": 157, "vipset": True,
                "adver_int": 1, "version": 2, "accept": 1, "ifp_ifname": "eth0", "vmac_ifname": "",
                "script": "'/bin/true' 'x' 'y z'", "vips": [f"{VIP} dev eth0 scope global set"],
                "evips": ["192.168.4.201/24 dev eth0 scope global label eth0:x set"], "track_ifp": ["lo"],
                "track_script": ["'/bin/true' 'a' 'b'"], "auth_type": 1, "auth_data": "********"}
    assert {key: data[key] for key in expected} == expected
    assert entry["stats"]["become_master"] == 1

    one.write("/run/keepalived.conf", one.read("/run/keepalived.conf").replace("script_user root",
                                                                               "script_user root\n json_version 2"))
    daemon.send(signal.SIGHUP)
    wait_until(lambda: "Reload complete" in daemon.output(), 10, "the reload")
    second = json.loads(dumped(one, daemon, JSON, "/tmp/keepalived.json"))
    assert list(second) == ["vrrp", "track_process"]
    assert list(second["vrrp"][0]["data"]) == DATA_FIELDS
    assert second["track_process"][0]["process"] == "sleep"
    assert second["track_process"][0]["weight"] == -3


def test_usr1_writes_the_data_of_all_processes_in_the_documented_sections(lan):
    one, daemon = started(lan)

    text = dumped(one, daemon, USR1, "/tmp/keepalived.data")

    assert re.findall(r"(?m)^------< (.*) >------$", text) == SECTIONS
    assert " VRRP Instance = VI_1\n   VRRP Version = 2\n   State = MASTER\n" in text
    for line in ["   Virtual Router ID = 51", "   Priority = 150", "   Effective priority = 157",
                 "   Advert interval = 1 sec", f"   Virtual IP (1):\n     {VIP} dev eth0 scope global set"]:
        assert line + "\n" in text
    assert "1111" not in text
    wait_until(lambda: one.path("/tmp/keepalived_parent.data").exists(), 10, "the parent's data")
    assert one.read("/tmp/keepalived_parent.data").startswith("------< Global definitions >------\n")


def test_a_link_that_lies_where_a_dump_goes_is_replaced_not_followed(lan):
    one, daemon = started(lan)
    one.write("/run/precious", "precious\n")
    one.run(["ln", "-s", "/run/precious", "/tmp/keepalived.stats"])

    daemon.send(USR2)

    wait_until(lambda: not one.path("/tmp/keepalived.stats").is_symlink(), 10, "the link to be replaced")
    assert one.read("/run/precious") == "precious\n"
    assert one.read("/tmp/keepalived.stats").startswith("VRRP Instance: VI_1\n")


def test_files_go_where_the_configuration_and_tmpdir_say(lan):
    # effect: global_defs: state_dump_file stats_dump_file json_dump_file data_use_instance
    one, daemon = started(lan, "state_dump_file dumps/state.txt\n stats_dump_file /run/not.stats\n"
                          " json_dump_file /run/not.json\n data_use_instance", env={"TMPDIR": "/run/tmp"},
                          root="instance red")
    one.run(["mkdir", "-p", "/run/tmp/dumps"])

    assert "VRRP Topology" in dumped(one, daemon, USR1, "/run/tmp/dumps/state.red.txt")
    wait_until(lambda: one.path("/run/tmp/dumps/state_parent.red.txt").exists(), 10, "the parent's data")
    # keepalived 2.4.3 reads these two keywords and writes to the usual place all the same.
    assert "VRRP Instance" in dumped(one, daemon, USR2, "/run/tmp/keepalived.red.stats")
    assert json.loads(dumped(one, daemon, JSON, "/run/tmp/keepalived.red.json"))[0]["data"]["iname"] == "VI_1"
    assert not one.path("/run/not.stats").exists() and not one.path("/run/not.json").exists()


def test_without_an_instance_there_is_no_json(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd("global_defs {\n router_id one\n}\n"))
    wait_until(lambda: "mainstayd-obs" in one.process_names(), 10, "the observer")

    daemon.send(JSON)
    dumped(one, daemon, USR1, "/tmp/keepalived_parent.data")

    assert not one.path("/tmp/keepalived.json").exists()
    assert not one.path("/tmp/keepalived.data").exists()


def kill_observer(host):
    wait_until(lambda: "mainstayd-obs" in host.process_names(), 20, "the observer")
    (pid,) = host.run(["pgrep", "-x", "mainstayd-obs"]).stdout.split()
    host.run(["kill", "-9", pid])


def test_dumps_asked_for_while_the_observer_is_down_are_made_when_it_is_back(lan):
    one, daemon = started(lan, more="")
    for deaths in range(1, 4):  # after the first one it is back at once, then the pause grows
        kill_observer(one)
        wait_until(lambda deaths=deaths: daemon.output().count("Observer child process(") == deaths, 20, daemon.output)

    daemon.send(USR2)
    daemon.send(JSON)

    for path in ("/tmp/keepalived.stats", "/tmp/keepalived.json"):
        wait_until(lambda path=path: one.path(path).exists(), 20, daemon.output)
    assert daemon.output().count("the observer does not run just now: the dump is made when it does") == 1
    assert one.read("/tmp/keepalived.stats").startswith("VRRP Instance: VI_1\n")


def test_a_file_is_root_s_with_the_configured_mode_and_one_that_cannot_be_made_is_reported(lan):
    one, daemon = started(lan, "state_dump_file /run/nowhere/state\n umask 0022")
    assert dumped(one, daemon, USR2, "/tmp/keepalived.stats").startswith("VRRP Instance: VI_1\n")
    facts = one.path("/tmp/keepalived.stats").stat()
    assert facts.st_mode & 0o777 == 0o644 and facts.st_uid == 0

    daemon.send(USR1)

    for name in ("state", "state_parent"):
        wait_until(lambda name=name: f"create a file beside /run/nowhere/{name}: No such file" in daemon.output(), 10,
                   daemon.output)
    dumped(one, daemon, JSON, "/tmp/keepalived.json")


@pytest.fixture(scope="module", name="twins")
def twins_(tmp_path_factory):
    """Two hosts alike, each with a peer that is master of two of its virtual routers: {name: (host, daemon)}."""
    needs_root()
    folder = TEST_DATA / "dumps"
    everything, peer = ((folder / name).read_text(encoding="utf-8") for name in ("everything.conf", "peer.conf"))
    network = Lan(tmp_path_factory.mktemp("twins"))
    try:
        yield {name: one_of_twins(network, name, everything, peer) for name in ("keepalived", "mainstay")}
    finally:
        network.close()


def one_of_twins(network, name, everything, peer):
    for switch in ("office", "lab", "dead"):
        network.switch(f"{name[0]}{switch}")
    other = network.host(f"{name[0]}peer", eth0=(f"{name[0]}office", "192.168.4.12/24"))
    other.keepalived(peer)
    wait_until(lambda: {"192.168.4.250/32", "192.168.4.251/32"} <= set(other.addresses()), 30, other.addresses)
    host = network.host(name[0], eth0=(f"{name[0]}office", "192.168.4.11/24"), eth1=(f"{name[0]}lab", "192.168.5.11/24"),
                        eth2=(f"{name[0]}dead", "192.168.6.11/24"))
    host.run(["ip", "link", "set", "eth2", "down"])
    host.run(["hostname", "localhost"])  # one that keepalived can look up: mails say HELO with it
    host.write("/run/tf", "5\n")
    daemon = host.keepalived(everything) if name == "keepalived" else host.mainstayd(everything)
    wait_ready(daemon)
    for address in ("192.168.4.200", "192.168.4.210", "fd00:4::53"):
        wait_holds(host, address, 30)
    return host, daemon


@pytest.mark.parametrize("number, name", [(number, name) for number, names in dumps.FILES.items() for name in names])
def test_a_dump_is_line_for_line_like_keepalived_s(twins, number, name):
    dumps.assert_alike(twins["keepalived"], twins["mainstay"], number, name)


def scraped(side):
    """{exporter: metrics} of one host. Each sends what the exporter sends; only those it reads are waited for."""
    host, daemon = side
    host.run(["rm", "-f", "/tmp/keepalived.data", "/tmp/keepalived.stats"])
    daemon.send(USR2)  # mehdy's sends both at once
    daemon.send(USR1)
    for name in ("keepalived.data", "keepalived.stats"):
        wait_until(lambda name=name: host.path(f"/tmp/{name}").exists() and "VI_6" in host.read(f"/tmp/{name}"), 20, name)
    stats, data = host.read("/tmp/keepalived.stats"), dumps.dumped(host, daemon, USR1)["keepalived.data"]
    text = dumps.dumped(host, daemon, JSON)["keepalived.json"]
    found = {"mehdy, text": exporters.mehdy_text(data, stats), "mehdy, JSON": exporters.mehdy_json(text),
             "gen2brain, text": exporters.gen2brain_text(data), "gen2brain, JSON": exporters.gen2brain_json(text),
             "ncollectd": exporters.ncollectd(data), "checkmk": exporters.checkmk(text)}
    return {name: {key: "N" if IN_TIME.search(key) else value for key, value in metrics.items()}
            for name, metrics in found.items()}


# What differs from moment to moment. gen2brain's sees more of mainstay's text: 2.2.7's "Flags" ends its instances.
IN_TIME = re.compile(r"advert_(rcvd|sent)|/(Received|Sent)|[Ll]ast.transition|script_state")
SCRAPED = {
    "mehdy, text": {'keepalived_vrrp_state{iname="VI_1",intf="eth0",vrid="51",ip_address="192.168.4.200",dev="eth0"}': 2,
                    'keepalived_vrrp_state{iname="VI_5",intf="eth0",vrid="55",ip_address="192.168.4.250",dev="eth0"}': 1,
                    'keepalived_vrrp_state{iname="VI_4",intf="eth2",vrid="54",ip_address="192.168.4.240",dev="eth2"}': 3,
                    'keepalived_gratuitous_arp_delay_total{iname="VI_1",intf="eth0",vrid="51"}': 2,
                    'keepalived_script_status{name="good"}': 1, 'keepalived_script_status{name="bad"}': 0,
                    'keepalived_script_status{name="slow"}': 0, 'keepalived_script_state{name="slow"}': "N",
                    "keepalived_up": 1, "keepalived_exporter_errors": 0},
    "mehdy, JSON": {'keepalived_vrrp_state{iname="VI_1",intf="eth0",vrid="51",ip_address="192.168.4.200"}': 2,
                    'keepalived_become_master{iname="VI_1",intf="eth0",vrid="51"}': 1},
    "gen2brain, text": {"VI_1 State": 2, "VI_4 State": 3, "VI_6 State": 1},
    "gen2brain, JSON": {"VI_1 state": 2, "VI_1 effective_priority": 170, "VI_3 ifp_ifname": "vrrp.53"},
    "ncollectd": {"VI_1 State": "MASTER", "VI_1 Priority": "150", "VI_1 Effective priority": "170"},
    "checkmk": {"VI_5": (1, ["192.168.4.250 dev eth0 scope global"])},
}


def test_each_exporter_gets_the_same_of_mainstay_as_of_keepalived(twins):
    def different():
        theirs, ours = scraped(twins["keepalived"]), scraped(twins["mainstay"])
        return [(name, key, value, ours[name].get(key)) for name, metrics in theirs.items() for key, value in metrics.items()
                if ours[name].get(key) != value] + [
               (name, key, None, value) for name, metrics in ours.items() for key, value in metrics.items()
               if name != "gen2brain, text" and key not in theirs[name]]
    wait_until(lambda: not different(), 12, different, interval=0.5)

    for side in ("keepalived", "mainstay"):
        found = scraped(twins[side])
        assert {name: {key: found[name].get(key) for key in wanted} for name, wanted in SCRAPED.items()} == SCRAPED, side
    assert scraped(twins["mainstay"])["gen2brain, text"]["VI_1 Effective priority"] == 170


def test_the_commands_that_exporters_run_are_answered_as_by_keepalived(twins):
    twins["mainstay"][0].run(["ln", "-s", program("mainstayd"), "/run/keepalived"])  # as mainstay-keepalived-compat does
    for name, executable in (("keepalived", "keepalived"), ("mainstay", "/run/keepalived")):
        host = twins[name][0]
        told = host.run([executable, "-v"])
        assert exporters.version_of(told.stderr) >= (2, 2, 7), name
        told = host.run([executable, "--version"])
        assert "--enable-json" in told.stdout + told.stderr, name
        for signal_name, number in (("JSON", JSON), ("DATA", USR1), ("STATS", USR2)):
            assert int(host.run([executable, f"--signum={signal_name}"]).stdout) == number, name


def test_signum_names_the_signals(lan):
    (one,) = office(lan, "one")
    numbers = {name: int(one.run([program("mainstayd"), f"--signum={name}"]).stdout)
               for name in ("STOP", "RELOAD", "DATA", "STATS", "STATS_CLEAR", "JSON", "TDUMP")}

    assert numbers == {"STOP": signal.SIGTERM, "RELOAD": signal.SIGHUP, "DATA": USR1, "STATS": USR2,
                       "STATS_CLEAR": CLEAR, "JSON": JSON, "TDUMP": signal.SIGRTMAX}
