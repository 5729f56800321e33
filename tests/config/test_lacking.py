"""Blocks that lack what they cannot do without, and empty words: the exit codes of keepalived 2.2.7's -t.

Where that keepalived is installed it is asked again.
"""

import shutil
import subprocess

import pytest

from support.needs import needs_root
from support.paths import program

SECONDS = 30
INSTANCE = """vrrp_instance V {
    interface eth0
    virtual_router_id 51
    virtual_ipaddress {
        10.1.1.1/24
    }
    %s
}
"""
SERVICE = """virtual_server 10.1.1.1 80 {
    lb_algo rr
    lb_kind NAT
    protocol TCP
    %s
    real_server 10.1.1.2 80 {
        %s
    }
}
"""
ROWS = {
    "nothing lacks": (0, INSTANCE % "" + SERVICE % ("", "")),
    "a vrrp_track_process without process": (5, "vrrp_track_process p {\n weight 5\n}\n" +
                                             INSTANCE % "track_process {\n p\n }"),
    "a vrrp_track_process without process that nobody uses": (5, "vrrp_track_process p {\n}\n" + INSTANCE % ""),
    "a track_file without file": (5, "track_file f {\n weight 5\n}\n" + INSTANCE % "track_file {\n f\n }"),
    "a vrrp_script without script": (5, "vrrp_script s {\n weight 5\n}\n" + INSTANCE % "track_script {\n s\n }"),
    "a bfd_instance without neighbor_ip": (5, "bfd_instance b {\n}\n" + INSTANCE % "track_bfd {\n b\n }"),
    "a vrrp_sync_group without members": (5, "vrrp_sync_group g {\n}\n" + INSTANCE % ""),
    "a garp_group without a delay": (5, "garp_group {\n interface eth0\n}\n" + INSTANCE % ""),
    "an empty unicast_peer": (5, INSTANCE % "unicast_peer {\n }"),
    "an empty track_interface": (0, INSTANCE % "track_interface {\n }"),
    "an empty authentication": (0, INSTANCE % "authentication {\n }"),
    "a MISC_CHECK without misc_path": (5, SERVICE % ("", "MISC_CHECK {\n }")),
    "a FILE_CHECK without track_file": (5, SERVICE % ("", "FILE_CHECK {\n }")),
    "a BFD_CHECK without name": (5, SERVICE % ("", "BFD_CHECK {\n }")),
    "process with an empty name": (0, 'vrrp_track_process p {\n process ""\n}\n' + INSTANCE % ""),
    "file with an empty path": (0, 'track_file f {\n file ""\n}\n' + INSTANCE % ""),
    "script with an empty command": (5, 'vrrp_script s {\n script ""\n}\n' + INSTANCE % "track_script {\n s\n }"),
    "interface with an empty name": (5, (INSTANCE % "").replace("eth0", '""')),
    "an empty advert_int": (5, INSTANCE % 'advert_int ""'),
    "an empty preempt_delay": (0, INSTANCE % 'preempt_delay ""'),
    "an empty priority": (5, INSTANCE % 'priority ""'),
    "an empty name of a tracked interface": (5, INSTANCE % 'track_interface {\n ""\n }'),
    "an empty name of a VMAC": (5, INSTANCE % 'use_vmac ""'),
    "an empty interface of an address": (5, (INSTANCE % "").replace("/24", '/24 dev ""')),
    "an empty label of an address": (0, (INSTANCE % "").replace("/24", '/24 label ""')),
    "an empty notify_master": (0, INSTANCE % 'notify_master ""'),
    "an empty delay_loop": (5, SERVICE % ('delay_loop ""', "")),
    "an empty quorum_up": (0, SERVICE % ('quorum_up ""', "")),
    "an empty virtualhost": (0, SERVICE % ('virtualhost ""', "")),
    "an empty bind_if": (0, SERVICE % ("", 'TCP_CHECK {\n bind_if ""\n }')),
    "an empty router_id": (0, 'global_defs {\n router_id ""\n}\n' + INSTANCE % ""),
    "an empty startup_script": (5, 'global_defs {\n startup_script ""\n}\n' + INSTANCE % ""),
}


# A keyword whose value lacks: what keepalived makes of it where it is not 2, with which it stops.
WITHOUT_VALUE = {
    "global_defs": (5, "global_defs {\n %s\n}\n" + INSTANCE % "", """
        bfd_cpu_affinity bfd_priority bfd_rt_priority checker_cpu_affinity checker_priority checker_rt_priority
        dbus_service_name default_interface lvs_netlink_cmd_rcv_bufs lvs_netlink_monitor_rcv_bufs lvs_notify_fifo
        lvs_notify_fifo_script lvs_sync_daemon lvs_timeouts min_auto_priority_delay notify_fifo notify_fifo_script
        process_monitor_rcv_bufs reload_time_file script_user shutdown_script shutdown_script_timeout snmp_socket
        startup_script startup_script_timeout tmp_config_directory vrrp_cpu_affinity vrrp_garp_extra_if
        vrrp_netlink_cmd_rcv_bufs vrrp_netlink_monitor_rcv_bufs vrrp_notify_fifo vrrp_notify_fifo_script vrrp_priority
        vrrp_rt_priority vrrp_rx_bufs_multiplier vrrp_rx_bufs_policy vrrp_vmac_garp_intvl router_id
        notification_email_from"""),
    "global_defs, in silence": (0, "global_defs {\n %s\n}\n" + INSTANCE % "", "smtp_helo_name"),
    "outside of all blocks": (5, "%s\n" + INSTANCE % "", "instance net_namespace"),
    "vrrp_instance": (5, INSTANCE, "garp_extra_if kernel_rx_buf_size vmac_garp_intvl"),
    "vrrp_instance, where it stops": (2, INSTANCE, "interface priority advert_int notify_master"),
    "vrrp_track_process": (5, "vrrp_track_process p {\n process p\n %s\n}\n" + INSTANCE % "track_process {\n p\n }",
                           "weight"),
    "track_file": (5, "track_file f {\n %s\n}\n" + INSTANCE % "", "file weight"),
    "SSL": (5, "SSL {\n %s\n}\n" + SERVICE % ("", ""), "ca certificate key password"),
    "virtual_server": (5, SERVICE.replace("%s", "", 1).replace("{\n        %s", "{").replace("TCP", "TCP\n %s"),
                       "snmp_name virtualhost"),
    "real_server": (5, SERVICE.replace("%s", "", 1), "snmp_name virtualhost"),
    "HTTP_GET": (5, SERVICE % ("", "HTTP_GET {\n url {\n path /\n }\n %s\n }"), "http_protocol virtualhost"),
    "url": (5, SERVICE % ("", "HTTP_GET {\n url {\n path /\n %s\n }\n }"), "virtualhost"),
    "url, in silence": (0, SERVICE % ("", "HTTP_GET {\n url {\n path /\n %s\n }\n }"),
                        "regex regex_options regex_min_offset regex_max_offset regex_stack"),
    "SMTP_CHECK": (5, SERVICE % ("", "SMTP_CHECK {\n %s\n }"), "helo_name"),
    "UDP_CHECK": (5, SERVICE % ("", "UDP_CHECK {\n %s\n }"), "payload"),
    "MISC_CHECK": (5, SERVICE % ("", "MISC_CHECK {\n %s\n }"), "misc_path"),
    "FILE_CHECK": (5, "track_file f {\n file /run/f\n}\n" + SERVICE % ("", "FILE_CHECK {\n track_file f\n %s\n }"),
                   "weight"),
    "BFD_CHECK": (5, SERVICE % ("", "BFD_CHECK {\n %s\n }"), "name"),
    "words before the {": (2, "%s x y {\n 10.1.1.1 80\n}\n" + INSTANCE % "", "virtual_server_group"),
}


def tried(command, path):
    needs_root()
    script = "ip link set lo up; ip link add eth0 type veth peer name peer0; ip link set eth0 up; exec \"$@\""
    done = subprocess.run(["unshare", "-n", "sh", "-c", script, "sh", command, "-t", "-f", path], capture_output=True,
                          text=True, timeout=SECONDS, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("what", ROWS)
def test_what_a_block_lacks_gives_keepalived_s_exit_code_and_something_is_said(tmp_path, what):
    wanted, text = ROWS[what]
    path = tmp_path / "ha.conf"
    path.write_text(text, encoding="utf-8")

    code, said = tried(program("mainstayd"), path)

    assert code == wanted, said
    silent = what == "nothing lacks" or what in ("an empty track_interface", "an empty authentication")
    assert (": warning MS" in said or ": error MS" in said or ": fatal MS" in said) == (not silent), said
    if shutil.which("keepalived") is None:
        pytest.skip("keepalived is not installed")
    if has_keepalived_2_2_7():
        assert tried("keepalived", path)[0] == wanted


def has_keepalived_2_2_7():
    if shutil.which("keepalived") is None:
        return False
    version = subprocess.run(["keepalived", "--version"], capture_output=True, text=True, check=False).stderr
    return "Keepalived v2.2.7 " in version


@pytest.mark.parametrize("where", WITHOUT_VALUE)
def test_a_keyword_without_its_value_gives_keepalived_s_exit_code(tmp_path, where):
    wanted, text, keywords = WITHOUT_VALUE[where]
    path = tmp_path / "ha.conf"
    for keyword in keywords.split():
        path.write_text(text % keyword, encoding="utf-8")

        code, said = tried(program("mainstayd"), path)

        assert code == wanted, f"{keyword}: {said}"
        assert keyword in said
        if has_keepalived_2_2_7():
            assert tried("keepalived", path)[0] == wanted, keyword
