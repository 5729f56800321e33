"""Twenty changes between keepalived and mainstay on a MASTER that balances: no request fails, no connection ends."""

import pytest
from support.takeover import Witness, start_beside, start_keepalived, takeover
from support.traffic import hold_address, serve
from support.vrrp import VIP, instance, office, wait_holds
from support.wait import wait_until

CHANGES = 20
INTERVAL = 1


def service(*servers):
    real = "".join(f" real_server 192.168.4.{last} 80 {{\n  TCP_CHECK {{\n   connect_timeout 1\n  }}\n }}\n" for last in servers)
    return f"virtual_server {VIP} 80 {{\n delay_loop 1\n lb_algo rr\n lb_kind DR\n protocol TCP\n{real}}}\n"


# Holds one connection; for each line of stdin it sends one and prints what comes back.
HOLDER = """
import socket, sys
one = socket.create_connection((sys.argv[1], 80), 5)
one.settimeout(20)
print(one.recv(100).decode(), flush=True)
for line in sys.stdin:
    one.sendall(line.encode())
    print(one.recv(100).decode().strip(), flush=True)
"""


def configuration(state, priority, *servers):
    return ("global_defs {\n lvs_sync_daemon eth0\n}\n" + instance(state, priority, interval=INTERVAL) +
            service(*(servers or (13, 14))))


@pytest.fixture(name="net")
def fixture_net(lan):
    one, two, web, other, client = office(lan, "one", "two", "web", "other", "client")
    for host in (web, other):
        hold_address(host, VIP)
        serve(host, host.name, f"tcp/{VIP}:80", f"tcp/192.168.4.{13 if host is web else 14}:80")
    return one, two, client


def test_twenty_changes_of_the_program_lose_nothing(net):
    one, two, client = net
    backup = two.keepalived(configuration("BACKUP", 100))
    keepalived = start_keepalived(one, configuration("MASTER", 150))
    wait_holds(one)
    table = one.ipvs()
    assert len(table[f"TCP {VIP}:80 rr"]) == 2
    entered = backup.output().count("Entering MASTER STATE")
    hears, asks = Witness(client), Witness(client, VIP, 80)
    holder = client.start(["/usr/bin/python3", "-c", HOLDER, VIP], name="holder", pipe=True)
    assert holder.nsenter.stdout.readline().strip() in ("web", "other")
    for change in range(CHANGES):
        if change % 2 == 0:
            mainstay = start_beside(one, configuration("BACKUP", 150))
            done, gone = takeover(one), keepalived
        else:
            keepalived = start_keepalived(one, configuration("BACKUP", 150))
            done, gone = takeover(one, "--undo"), mainstay

        assert (done.returncode, done.stderr) == (0, ""), f"change {change}: {done.stdout}"
        wait_until(lambda: not gone.alive(), 10, "the other program to be gone")
        asks.goes_on(5)
        assert one.ipvs() == table, f"change {change}"
        holder.nsenter.stdin.write(f"{change}\n")
        holder.nsenter.stdin.flush()
        assert holder.nsenter.stdout.readline().strip() == str(change)

    hears.goes_on(60)
    asks.goes_on(60)
    assert hears.unanswered() == [] and asks.unanswered() == []
    assert (hears.senders(), hears.priorities(), len(hears.macs())) == ({"192.168.4.11"}, {150}, 1)
    assert hears.widest_gap() <= 2 * INTERVAL
    assert backup.output().count("Entering MASTER STATE") == entered and not two.holds(VIP)


def test_a_server_that_keepalived_has_taken_out_stays_out(net):
    """192.168.4.15 does not exist. On the way back keepalived takes it for up until its first check, as at each of its starts."""
    one, _, client = net
    keepalived = start_keepalived(one, configuration("MASTER", 150, 13, 14, 15))
    wait_holds(one)
    wait_until(lambda: len(one.ipvs().get(f"TCP {VIP}:80 rr", {})) == 2, 60, "the server that is down to be taken out")
    asks = Witness(client, VIP, 80)

    start_beside(one, configuration("BACKUP", 150, 13, 14, 15))
    done = takeover(one)

    assert (done.returncode, done.stderr) == (0, "")
    wait_until(lambda: not keepalived.alive(), 10, "keepalived to be gone")
    asks.goes_on(80)
    assert asks.unanswered() == []
    assert len(one.ipvs()[f"TCP {VIP}:80 rr"]) == 2
