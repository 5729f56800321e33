"""Instances on VMACs: their configuration, and what `ip` says of them."""

import json
import pathlib

from .vrrp import VIP

MAC4, MAC6 = "00:00:5e:00:01:33", "00:00:5e:00:02:33"


def instance(priority=150, use_vmac="use_vmac", vips=(VIP,), name="VI_1", vrid=51, more="", interface="eth0"):
    """A version 3 instance that elects within a second."""
    return f"""vrrp_instance {name} {{
    interface {interface}
    virtual_router_id {vrid}
    version 3
    priority {priority}
    advert_int 0.2
    garp_master_delay 0
    {use_vmac}
    virtual_ipaddress {{
        {chr(10).join(vips)}
    }}
    {more}
}}
"""


def links(host):
    return {link["ifname"]: link for link in json.loads(host.run(["ip", "-json", "-details", "link"]).stdout)}


def sysctl(host, name):
    return host.call(pathlib.Path("/proc/sys/net", name).read_text).strip()
