"""What a director announces to a router that is only just starting."""

import pytest

from support.announcers import VIPS, example, make_router, start_bfd, until_hops
from support.frr import Frr

ANNOUNCE = "".join(f"echo 'announce route {vip}/{128 if ':' in vip else 32} next-hop self med 0'\n" for vip in VIPS)


@pytest.mark.nightly
def test_a_router_accepts_what_exabgp_announced_before_its_route_maps_were_in_force(lan):
    router = make_router(lan)
    director = lan.host("director1", eth0=("core", "10.1.0.1/24", "fd00:1::1/64"))
    script = director.write("/run/announce", f"#!/bin/sh\n{ANNOUNCE}exec sleep 600\n", 0o755)
    path = director.write("/run/exabgp.conf", example("exabgp-director.conf").replace("/etc/exabgp/exabgp-announce", str(script)))
    start_bfd(Frr(director))
    frr = Frr(router)
    frr.start("bfdd", example("frr-router.conf"))
    director.start(["exabgp", path], env={"exabgp_api_ack": "false", "exabgp_daemon_user": "root"})
    frr.start("bgpd", example("frr-router.conf"))

    for vip in VIPS:
        until_hops(router, vip, 1)
