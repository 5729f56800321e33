"""iptables on a host: the one with tables of its own, which keepalived's vrrp_iptables means."""


def legacy_iptables(host):
    """Makes /usr/sbin/iptables of this host the legacy one, as `update-alternatives` would."""
    host.run(["cp", "-a", "/etc/alternatives", "/run/alternatives"])
    for tool in ("iptables", "ip6tables"):
        host.run(["ln", "-sf", f"/usr/sbin/{tool}-legacy", f"/run/alternatives/{tool}"])
        host.run(["ln", "-sf", f"/usr/sbin/{tool}-legacy-restore", f"/run/alternatives/{tool}-restore"])
    host.run(["mount", "--bind", "/run/alternatives", "/etc/alternatives"])


def slow_iptables(host, seconds):
    """After legacy_iptables: each call of it takes that much longer, as on a busy machine or where there are many rules."""
    for tool in ("iptables", "ip6tables"):
        host.write(f"/run/slow-{tool}", f"#!/bin/sh\nsleep {seconds}\nexec {tool}-legacy \"$@\"\n", 0o755)
        host.run(["ln", "-sf", f"/run/slow-{tool}", f"/run/alternatives/{tool}"])


def rules(host, tool="iptables"):
    """The rules as `iptables -S` lists them, without the policies. Where there is no /etc/protocols (a bare system), it
    knows no name for protocol 2."""
    shown = host.run([f"{tool}-legacy", "-w", "10", "-S"]).stdout.replace("-p 2 ", "-p igmp ")
    return [line for line in shown.splitlines() if not line.startswith("-P")]
