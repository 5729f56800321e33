"""`mainstayctl reload`: it waits for the end and says what changed, or why not; broken blocks take nothing away."""

import signal

from support.paths import program
from support.vrrp import VIP, instance, logged, office, wait_holds, wait_ready, wait_released
from support.vrrp import reload as by_signal
from support.wait import stays

OTHER = "192.168.4.201/24"
SECOND = instance("MASTER", 150, vip=OTHER, vrid=60, name="VI_2")


def reload(host, *options):
    return host.run([program("mainstayctl"), "reload", *options], check=False)


def started(lan, text, *options):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(text, *options))
    wait_holds(one)
    return one, daemon


def unclosed(text):
    """Without the brace that ends it."""
    return text.rstrip()[:-1]


def test_what_changed_is_reported_when_it_is_done(lan):
    one, daemon = started(lan, instance("MASTER", 150))
    one.write("/run/keepalived.conf", instance("MASTER", 140) + SECOND)

    answer = reload(one)

    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.startswith("read: /run/keepalived.conf\n")
    assert "         priority 150 -> 140\n" in answer.stdout
    assert "add    instance VI_2\n" in answer.stdout
    assert "Reload complete" in daemon.output()
    wait_holds(one, OTHER)


def test_the_log_says_what_a_reload_changed_and_how_much_more(lan):
    one, daemon = started(lan, instance("MASTER", 150))
    by_signal(one, daemon, instance("MASTER", 140) + SECOND)
    logged(daemon, "Reload: change instance VI_1: ")
    logged(daemon, "Reload: add instance VI_2")
    assert "; priority 150 -> 140" in daemon.output()
    assert daemon.output().index("Reload complete") < daemon.output().index("Reload: ")

    assert reload(one).returncode == 0
    logged(daemon, "Reload: nothing changed")

    many = "".join(f"virtual_server 192.168.4.200 {port} {{\n protocol TCP\n real_server 192.168.4.9 80 {{\n }}\n}}\n"
                   for port in range(1001, 1031))
    one.write("/run/keepalived.conf", instance("MASTER", 140) + SECOND + many)
    assert reload(one).returncode == 0
    logged(daemon, "Reload: 40 more changes (at most 20 are logged)")
    assert daemon.output().count("Reload: add service TCP 192.168.4.200:1001") == 1
    assert daemon.output().count("Reload: add se") == 20  # services and servers

    before = daemon.output().count("Reload: ")
    one.write("/run/keepalived.conf", instance("MASTER", 140) + instance(name="VI_2", vip="192.168.4.223"))
    daemon.send(signal.SIGHUP)
    logged(daemon, "/run/keepalived.conf is refused: the running configuration stays in use")
    assert daemon.output().count("Reload: ") == before


def test_a_file_that_cannot_run_is_refused_with_the_reason(lan):
    one, _ = started(lan, instance("MASTER", 150))
    one.write("/run/keepalived.conf", instance("MASTER", 150) + instance(name="VI_2", vip="192.168.4.223"))

    answer = reload(one)

    assert answer.returncode == 2
    assert "the reload of /run/keepalived.conf was refused; the running configuration stays in use" in answer.stdout
    assert "reload refused, the running configuration stays in use" in answer.stderr
    assert stays(lambda: one.holds(VIP), 2)


def test_what_runs_is_not_lost_by_a_missing_brace_unless_it_is_forced(lan):
    one, daemon = started(lan, instance("MASTER", 150) + SECOND)
    wait_holds(one, OTHER)
    one.write("/run/keepalived.conf", unclosed(instance("MASTER", 140)) + SECOND)

    answer = reload(one)

    assert answer.returncode == 2
    assert "lost   instance VI_2\n" in answer.stdout
    assert f"lost   address {OTHER} on eth0\n" in answer.stdout
    assert "mainstayctl reload --force" in answer.stdout
    assert "would be removed: instance VI_2" in daemon.output()
    assert stays(lambda: one.holds(VIP) and one.holds(OTHER), 2)

    forced = reload(one, "--force")

    assert forced.returncode == 0
    assert "remove instance VI_2\n" in forced.stdout
    wait_released(one, OTHER)
    assert one.holds(VIP)


def test_a_start_runs_what_a_missing_brace_leaves_and_names_what_it_loses(lan):
    one, daemon = started(lan, unclosed(instance("MASTER", 150)) + SECOND)

    assert "lost with it: vrrp_instance VI_2, address 192.168.4.201/24" in daemon.output()
    assert not one.holds(OTHER)


def test_what_its_operator_deletes_is_no_loss_even_in_a_broken_file(lan):
    one, _ = started(lan, instance("MASTER", 150) + SECOND)
    wait_holds(one, OTHER)
    one.write("/run/keepalived.conf", instance("MASTER", 150) + "}\n")

    assert reload(one).returncode == 0
    wait_released(one, OTHER)
