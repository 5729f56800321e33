"""keepalived's dumps beside mainstay's: what is made equal before they are compared, and where they differ on purpose.

2.2.7 is what Debian 12 has and what runs here; where 2.4.3 is known to differ, mainstay follows 2.4.3 and a row says so.
"""

import difflib
import re
import signal

import pytest

from .wait import wait_until

DATA, STATS, JSON = signal.SIGUSR1, signal.SIGUSR2, signal.SIGRTMIN + 2
FILES = {DATA: ("keepalived.data", "keepalived_parent.data", "keepalived_bfd.data"),
         STATS: ("keepalived.stats",), JSON: ("keepalived.json",)}

# What depends on time, on chance or on a version: (what, pattern, what it becomes in both).
NORMALISED = [
    ("times with a calendar date", r"= ?\d+\.\d{6} \(\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d(\.\d{6})?( \d{4}(\.\d{6})?)?\)", "= TIME"),
    ("times in the JSON", r'"last_transition":\d+\.\d{6}', '"last_transition":TIME'),
    ("counters of adverts, in the statistics", r"(?m)^(    (Received|Sent): )\d+$", r"\1N"),
    ("counters of adverts, in the JSON", r'"(advert_rcvd|advert_sent)":\d+', r'"\1":N'),
    ("addresses that the kernel makes of a MAC address", r"\bfe80::[0-9a-f:]*ff:fe[0-9a-f:]+", "fe80::LINK-LOCAL"),
    ("discriminators, drawn by chance", r"(local discriminator = )0x[0-9a-f]+", r"\1RANDOM"),
    ("whether a route is in the kernel just now", r" \[installed ifindex \d+\]", ""),
    ("whether a script that takes no time is running just now", r"(?m)^   State = (idle|running)$",
     "   State = IDLE-OR-RUNNING"),
    ("how often a check has failed just now", r"(?m)^(   Retries iterations = )\d+$", r"\1N"),
    ("mainstay starts BFD packets with jitter of its own", r"(local tx intv = )\d+ us", r"\1N us"),
]

# Lines of keepalived that mainstay has not: (pattern, reason).
ONLY_KEEPALIVED = [
    (r" libnftnl version .*", "mainstay speaks to the kernel without that library"),
    (r" Default script uid:gid .*", "accounts are looked up when a script runs, by another process than the one that dumps"),
    (r"   Script uid:gid = .*", "the same"),
    (r"   Flags:.*", "readers: gen2brain's exporter ends an instance at the first line without ' = '"),
    (r"     Using unicast", "the same"),
    (r"   Using Native IPv6", "the same"),
    (r"   Multicast address .*", "the same"),
    (r"   VRRP interface tracking disabled", "the same"),
    (r"   Skip checking advert IP addresses", "the same"),
    (r"   Enforcing strict VRRP compliance", "the same"),
    (r"   fd_in \d+, fd_out \d+", "numbers of descriptors of another process"),
    (r" fd_in \d+ fd_out = \d+", "the same"),
    (r"   fd_out \d+", "the same"),
    (r" fd_in = \d+", "the same"),
    (r" thread_in = .*", "addresses of keepalived's threads"),
    (r"   thread_\w+ 0x.*", "the same"),
    (r"   sands_\w+ = .*", "keepalived's timers for them"),
    (r"   last_seen = .*", "the state of a session has no such time"),
    (r"   send error = .*", "a packet that cannot be sent is a counter of the session"),
    (r" GARP next time .*", "the state of the vrrp process has no such time"),
    (r" GNA next time .*", "the same"),
    (r" {3,4}Virtual[Hh]ost = .*", "the model has a virtual host with each URL, where it is resolved"),
    (r"     Virtual host = .*", "the same"),
    (r"   (default )?forwarding method = .*(?=\n   (alive|sorry server) = )", "the model has the method with each server"),
    (r"     Regex ref count = \d+", "how many URLs share it is keepalived's own affair"),
    (r"   Failed URL = .*", "the state of a check is one sentence, which status shows"),
    (r"   Last status = \d+", "the same"),
    (r"   uid:gid = .*", "accounts are looked up when a script runs"),
    (r" Password : .*", "no secret is dumped"),
]

# Lines of both that differ: (keepalived's, mainstay's, reason).
CHANGED = [
    (r"   Password = .*", "   Password = ********", "no secret is dumped (2.4.3, in its JSON)"),
    (r'"auth_data":"[^"]*"', '"auth_data":"********"', "no secret is dumped (2.4.3)"),
    (r", uid:gid \d+:\d+", "", "accounts are looked up when a script runs, by another process than the one that dumps"),
    (r"(?<=\n   Interval = 600 sec\n)   Timeout = 0 sec", "   Timeout = 600 sec",
     "0 stands for the interval: mainstay writes the time that is in force"),
    (r"(   State = (?:BACKUP|FAULT)\n(?:(?! VRRP Instance).*\n)*?)   Using src_ip = \S+\n", r"\1",
     "the state of the vrrp process has the source of masters only"),
    (r"Send advert after receive higher priority advert = false(?=\n   Virtual)",
     "Send advert after receive higher priority advert = true", "docs/compatibility.md: a master that yields sends one more advert"),
    (r"   timeout = 0\n   dynamic", "   timeout = 60\n   dynamic", "0 stands for the service's delay_loop: mainstay writes what is in force"),
    (r"     Regex options: allow_empty_class .*", "     Regex options: caseless", "2.2.7 names them all, whichever is given"),
    (r"   Alpha = \w+\n   Delay loop = 18446744073709551615 us\n(   .*\n){4}   Default delay before retry = \d+ us\n", "",
     "2.2.7 shows times of a BFD_CHECK, which has none"),
    (r'"higher_prio_send_advert":0', '"higher_prio_send_advert":1', "docs/compatibility.md: a master that yields sends one more advert"),
]

# Whole sections of keepalived that are not compared.
SECTIONS_LEFT_OUT = {
    "Interfaces": "links are the vrrp process's, the one that dumps sees none: it writes names and who tracks them",
    "Gratuitous ARP delays": "moments that only the vrrp process knows",
}

# What mainstay has and 2.2.7 has not.
ONLY_MAINSTAY = [
    (r"     Virtual host = .*\n", "the model has a virtual host with each URL, where it is resolved"),
    (r"  Authentication Extension Errors:\n(    \w.*\n){6}", "2.4.3 has them"),
    (r'"auth_ext_\w+":\d+,', "2.4.3 has them"),
    (r'(?<="track_script":\[)((?:(?!\]).)*\]),"track_process":\[[^\]]*\]', "2.4.3 has the list track_process"),
]


def _without_sections(text):
    for name in SECTIONS_LEFT_OUT:
        text = re.sub(rf"(?ms)^------< {name} >------\n.*?(?=^------< (?!GARP delay group)|\Z)", "", text)
    return text


def _normalised(text):
    for _, pattern, same in NORMALISED:
        text = re.sub(pattern, same, text)
    return _without_sections(text)


def keepalived_text(text):
    """What mainstay would have written, if it differed from keepalived only where a row says so."""
    for pattern, ours, _ in CHANGED:
        text = re.sub(pattern, ours, text)
    for pattern, _ in ONLY_KEEPALIVED:
        text = re.sub(rf"(?m)^{pattern}\n", "", text)
    return _normalised(text)


def mainstay_text(text):
    for pattern, _ in ONLY_MAINSTAY:
        text = re.sub(pattern, lambda found: found.group(1) if '"track_script"' in pattern else "", text)
    return _normalised(text)


def dumped(host, daemon, number, files=None):
    """{file: text} of the dump that this signal asks for."""
    names = files or FILES[number]
    host.run(["rm", "-f", *(f"/tmp/{name}" for name in names)])
    daemon.send(number)
    wait_until(lambda: all(host.path(f"/tmp/{name}").exists() and complete(name, host.read(f"/tmp/{name}"))
                           for name in names), 20,
               lambda: f"{names}; /tmp has {host.run(['ls', '/tmp']).stdout}")
    return {name: host.read(f"/tmp/{name}") for name in names}


def assert_alike(theirs, ours, number, name):
    """Line for line, apart from the tables above; states come to rest within some time. Both are (host, daemon)."""
    def different():
        return difference(*(dumped(*side, number, [name])[name] for side in (theirs, ours)))
    try:
        wait_until(lambda: not different(), 30, "equal dumps", interval=0.5)
    except TimeoutError:
        pytest.fail(f"{name}:\n{different()}")


def complete(name, text):
    """Whether keepalived, which writes into the file in its place, has got to the end of it."""
    if name.endswith(".json"):
        return text.rstrip("\n").endswith(("]", "}"))
    return text.endswith("\n")


def difference(theirs, ours):
    """Lines that differ, as a diff; empty when there are none. JSON is compared item by item."""
    lines = [re.sub(r"(?<=[,{\[])(?=[\"{\[])", "\n", t) if t.startswith("[{") or t.startswith('{"') else t
             for t in (keepalived_text(theirs), mainstay_text(ours))]
    return "\n".join(difflib.unified_diff(*(t.split("\n") for t in lines), "keepalived", "mainstay", "", "", 3, ""))
