"""VMACs with keepalived on the other side: who is master goes by priority, in both directions, and packets agree."""

import shutil

import pytest

from support.capture import Capture
from support.vmac import MAC4, MAC6, instance, links
from support.vrrp import wait_holds, wait_ready, wait_released
from support.wait import wait_until

pytestmark = pytest.mark.skipif(shutil.which("keepalived") is None, reason="no keepalived to talk to")

V4, V6 = ["192.168.4.200"], ["fe80::1:51", "2001:db8:4::200"]


def text(version, vips, priority):
    configuration = instance(priority, vips=vips)
    return configuration if version == 3 else configuration.replace("version 3", "version 2").replace(
        "advert_int 0.2", "advert_int 1")


def answers(client, vip):
    """The switch learns the shared address's new place from the new master's first frame, which may be a moment away."""
    wait_until(lambda: client.run(["ping", "-c1", "-W1", vip], check=False).returncode == 0, 10, f"{vip} to answer")


@pytest.mark.nightly
@pytest.mark.parametrize("version,vips", [(2, V4), (3, V4), (3, V6)], ids=["v2-ipv4", "v3-ipv4", "v3-ipv6"])
def test_a_pair_of_vmacs_with_keepalived_elects_fails_over_and_shares_the_mac(lan, version, vips):
    # effect: vrrp_instance: use_vmac
    lan.switch("office")
    ours = lan.host("ours", eth0=("office", "192.168.4.11/24", "2001:db8:4::11/64"))
    theirs = lan.host("theirs", eth0=("office", "192.168.4.12/24", "2001:db8:4::12/64"))
    client = lan.host("client", eth0=("office", "192.168.4.50/24", "2001:db8:4::50/64"))
    vip = vips[-1]

    # keepalived has the higher priority: mainstay follows, and takes over when it stops in order.
    keepalived = theirs.keepalived(text(version, vips, 200))
    wait_holds(theirs, vip)
    mainstay = wait_ready(ours.mainstayd(text(version, vips, 150)))
    answers(client, vip)
    assert not ours.holds(vip)
    with Capture(client, what="vrrp or proto 112 or ip6 proto 112") as capture:
        keepalived.stop()
        wait_holds(ours, vip)
        adverts = capture.wait_for(3)
    assert {packet.src for packet in adverts} == {MAC6 if ":" in vip else MAC4}
    answers(client, vip)

    # And gives way again.
    theirs.keepalived(text(version, vips, 200), name="again.conf")
    wait_holds(theirs, vip)
    wait_released(ours, vip)
    answers(client, vip)
    theirs.kill()
    wait_holds(ours, vip)
    answers(client, vip)
    assert mainstay.alive()
    assert "vrrp.51" in links(ours)
