"""Instances that refuse packets to their addresses, a client that tries, and the rules that see to it."""

from .vrrp import VIP

VIP6, LOCAL6 = "2001:db8:4::200", "fe80::1:51"


def instance(accept="no_accept", vips=(VIP,), name="VI_1", priority=150, more="", vrid=51):
    return f"""vrrp_instance {name} {{
    interface eth0
    virtual_router_id {vrid}
    version 3
    priority {priority}
    advert_int 0.2
    garp_master_delay 0
    {accept}
    {more}
    virtual_ipaddress {{
        {chr(10).join(vips)}
    }}
}}
"""


def globals_(*lines):
    return "global_defs {\n " + "\n ".join(lines) + "\n}\n"


def pings(client, address):
    return client.run(["ping", "-c1", "-W1", address], check=False).returncode == 0


def client_of(lan):
    return lan.host("client", eth0=("office", "192.168.4.50/24", "2001:db8:4::50/64"))


def ruleset(host):
    """What nft shows, as text without what differs from run to run."""
    return host.run(["nft", "--numeric-priority", "list", "ruleset"]).stdout
