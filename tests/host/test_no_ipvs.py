"""kernel/ipvs where the kernel has no IPVS. Passed over on hosts that have it."""

import os

import pytest

from support.kernel_probe import probe


@pytest.mark.skipif(os.path.isdir("/proc/sys/net/ipv4/vs") or os.path.isdir("/lib/modules/" + os.uname().release),
                    reason="this kernel has IPVS, or may load it")
def test_the_error_says_what_to_load(lan):
    answer = probe(lan.host("director"), "ipvs-dump", status=1)[0]

    assert answer["error"] == "IPVS: the kernel has no IPVS: load its module with `modprobe ip_vs`"
