"""Numbers as keepalived reads them: with something behind them, with a plus, and empty.

Each row was seen with keepalived 2.2.7, and is seen again where it is installed: what it says when it runs (`WARNING -
invalid number` alone: the number that leads is used), and what it says of an empty value at -t.
"""

import json
import re
import shutil
import subprocess

import pytest

from support.needs import needs_root
from support.paths import program

SECONDS = 30
# block: (keyword, what becomes of `3x` and `3;`, what becomes of `""`)
NUMBERS = {
    "global_defs": [
        ("smtp_connect_timeout", "3", "0"), ("startup_script_timeout", "3", "refused"),
        ("max_auto_priority", "3", "0"), ("min_auto_priority_delay", "3", "refused"),
        ("vrrp_garp_master_delay", "3", "0"), ("vrrp_garp_master_repeat", "3", "0"),
        ("vrrp_garp_master_refresh", "3", "0"), ("vrrp_garp_master_refresh_repeat", "3", "0"),
        ("vrrp_garp_lower_prio_delay", "3", "0"), ("vrrp_garp_lower_prio_repeat", "3", "0"),
        ("vrrp_down_timer_adverts", "3", "refused"), ("vrrp_garp_extra_if", "3", "refused"),
        ("vrrp_version", "3", "refused"), ("vrrp_priority", "3", "0"), ("checker_priority", "3", "0"),
        ("bfd_priority", "3", "0"), ("vrrp_rlimit_rttime", "3", "refused"),
        ("nftables_priority", "refused", "0"), ("nftables_ipvs_start_fwmark", "refused", "refused"),
        ("vrrp_rx_bufs_multiplier", "refused", "refused"), ("vrrp_rx_bufs_policy", "refused", "0"),
        ("vrrp_netlink_cmd_rcv_bufs", "refused", "0"), ("random_seed", "refused", "0"),
    ],
    "vrrp_script s": [("weight", "3", "0"), ("rise", "3", "refused"), ("fall", "3", "refused")],
    "vrrp_track_process p": [("quorum", "3", "refused"), ("quorum_max", "3", "0"), ("weight", "3", "0")],
    "track_file f": [("weight", "3", "0")],
    "bfd_instance b": [("weight", "3", "0")],
    "vrrp_instance V": [
        ("virtual_router_id", "refused", "refused"), ("priority", "refused", "refused"),
        ("unicast_ttl", "refused", "0"), ("kernel_rx_buf_size", "refused", "0"),
        ("version", "3", "refused"), ("debug", "3", "0"), ("garp_master_delay", "3", "0"),
        ("garp_master_refresh", "3", "0"), ("garp_master_repeat", "3", "0"), ("garp_master_refresh_repeat", "3", "0"),
        ("garp_lower_prio_delay", "3", "0"), ("garp_lower_prio_repeat", "3", "0"),
        ("down_timer_adverts", "3", "refused"), ("garp_extra_if", "3", "0"),
    ],
    "virtual_server 10.1.1.1 80": [
        ("retry", "refused", "refused"), ("persistence_timeout", "refused", "refused"), ("weight", "3", "refused"),
        ("quorum", "3", "refused"), ("hysteresis", "3", "0"),
    ],
    "real_server 10.2.2.2 80": [("retry", "refused", "refused"), ("weight", "3", "0"), ("uthreshold", "3", "0"),
                                ("lthreshold", "3", "0")],
    "TCP_CHECK": [("connect_port", "3", "refused"), ("bind_port", "3", "refused"), ("fwmark", "3", "0"),
                  ("retry", "3", "0")],
    "HTTP_GET": [("nb_get_retry", "3", "0")],
    "UDP_CHECK": [("min_reply_length", "refused", "0"), ("max_reply_length", "refused", "0")],
    "MISC_CHECK": [("misc_timeout", "3", "0")],
    "FILE_CHECK": [("weight", "3", "0")],
}
# Times, in decimals: of these only what becomes of `""` and that `+3` is read.
TIMES = {
    "global_defs": [("vrrp_garp_interval", "refused"), ("vrrp_gna_interval", "refused"),
                    ("vrrp_startup_delay", "refused")],
    "vrrp_script s": [("interval", "0"), ("timeout", "0")],
    "vrrp_track_process p": [("delay", "refused"), ("terminate_delay", "refused"), ("fork_delay", "refused")],
    "vrrp_instance V": [("advert_int", "refused"), ("preempt_delay", "0")],
    "virtual_server 10.1.1.1 80": [("delay_loop", "refused"), ("delay_before_retry", "0"), ("warmup", "0"),
                                   ("connect_timeout", "refused")],
    "real_server 10.2.2.2 80": [("delay_loop", "refused"), ("delay_before_retry", "0"), ("warmup", "0"),
                                ("connect_timeout", "refused")],
    "TCP_CHECK": [("delay_loop", "refused"), ("delay_before_retry", "0"), ("warmup", "0"),
                  ("connect_timeout", "refused")],
}
CHECKERS = ("TCP_CHECK", "HTTP_GET", "UDP_CHECK", "MISC_CHECK", "FILE_CHECK")


def file_of(folder, value, tables, last=()):
    """A file in which each keyword has this value, and its keywords by line."""
    lines, places = [], {}

    def words_of(block):
        for table in tables:
            for row in table.get(block, []):
                lines.append(f"{row[0]} {value}")
                places[len(lines)] = (block, *row)

    for block in NUMBERS:
        if block in CHECKERS or block.startswith("real_server"):
            continue
        lines.append(block + " {")
        words_of(block)
        if block.startswith("virtual_server"):
            lines.append("real_server 10.2.2.2 80 {")
            words_of("real_server 10.2.2.2 80")
            for checker in CHECKERS:
                lines.append(checker + " {")
                words_of(checker)
                lines.append("}")
            lines.append("}")
        lines.append("}")
    path = folder / "numbers.conf"
    path.write_text("\n".join([*lines, *last]) + "\n", encoding="utf-8")
    return path, places


def said_by_keepalived(path, *options):
    """What keepalived says of each line."""
    needs_root()
    if shutil.which("keepalived") is None:
        pytest.skip("keepalived is not installed")
    done = subprocess.run(["unshare", "-n", "-m", "-p", "--fork", "--mount-proc", "--kill-child", "sh", "-c",
                           'mount -t tmpfs none /run; exec keepalived "$@"', "sh", *options, "-f", path.name],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False,
                          cwd=path.parent)
    if re.search(r"^Keepalived v(?!2\.2\.7)", subprocess.run(["keepalived", "--version"], capture_output=True, text=True,
                                                             check=False).stderr):
        pytest.skip("the rows are those of keepalived 2.2.7")
    said = {}
    for line, text in re.findall(r"\((?:numbers\.conf: )?Line (\d+)\) (.*)", done.stdout):
        said.setdefault(int(line), []).append(text)
    return said


def said_by_mainstay(path):
    done = subprocess.run([program("mainstayctl"), "config", "check", "--json", path], capture_output=True, text=True,
                          timeout=SECONDS, check=False)
    said = {}
    for entry in json.loads(done.stdout):
        if entry["code"] in ("MS0200", "MS0201", "MS0202", "MS0216"):
            said.setdefault(entry["line"], []).append((entry["severity"], entry["effect"] or ""))
    return said


def used_by_mainstay(said):
    severity, effect = said
    return effect.split()[0] if severity == "warning" and " is used, as keepalived does" in effect else "refused"


def used_by_keepalived(said, number):
    refused = [text for text in said if "outside range" in text or re.match(r"invalid number|Invalid|number", text)]
    return "refused" if refused else number


@pytest.mark.parametrize("value", ["3x", "3;", "3.5"])
def test_a_number_with_something_behind_it_counts_where_keepalived_s_does(tmp_path, value):
    path, places = file_of(tmp_path, value, [NUMBERS], ["virtual_server", "vrrp_instance"])  # the last end keepalived

    said = said_by_mainstay(path)

    wanted = {(block, keyword): used for block, keyword, used, _ in places.values()}
    assert {place[:2]: used_by_mainstay(said[line][0]) for line, place in places.items()} == wanted
    of_both = {}
    for role in ("-P", "-C"):
        for line, texts in said_by_keepalived(path, "-n", "-l", "-R", role).items():
            of_both.setdefault(line, []).extend(texts)
    assert {place[:2]: used_by_keepalived(of_both[line], "3") for line, place in places.items()} == wanted


def test_an_empty_number_is_said_and_is_zero_where_keepalived_s_is(tmp_path):
    path, places = file_of(tmp_path, '""', [NUMBERS, TIMES])

    said = said_by_mainstay(path)

    wanted = {place[:2]: place[-1] for place in places.values()}
    assert {place[:2]: used_by_mainstay(said[line][0]) for line, place in places.items()} == wanted
    seen = said_by_keepalived(path, "-t")
    assert {place[:2]: used_by_keepalived(seen.get(line, []), "0") for line, place in places.items()} == wanted


def test_a_number_may_have_a_plus_and_leading_zeros(tmp_path):
    path, places = file_of(tmp_path, "+03", [NUMBERS, TIMES])

    assert [places[line] for line in said_by_mainstay(path) if line in places] == []
    seen = said_by_keepalived(path, "-t")
    assert [place for line, place in places.items() if used_by_keepalived(seen.get(line, []), "3") != "3"] == []
