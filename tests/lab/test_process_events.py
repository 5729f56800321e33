"""The kernel has a process connector in its first network namespace alone: the lab's own."""

import signal
import subprocess

import pytest
from support.netlink import buffers_here
from support.paths import program
from support.wait import wait_until


@pytest.mark.parametrize("force, share", [("", 2), ("process_monitor_rcv_bufs_force", 6)])
def test_the_buffer_for_the_kernel_s_words_about_processes_is_as_big_as_it_is_said_to_be(tmp_path, force, share):
    # effect: global_defs: process_monitor_rcv_bufs process_monitor_rcv_bufs_force
    most = int(open("/proc/sys/net/core/rmem_max", encoding="ascii").read())
    text = (f"global_defs {{\n process_monitor_rcv_bufs {3 * most}\n {force}\n}}\n"
            "vrrp_track_process work {\n process worker\n weight 1\n}\n"
            "vrrp_instance VI_1 {\n interface events0\n virtual_router_id 51\n track_process {\n work\n }\n}\n")
    path, log = tmp_path / "keepalived.conf", tmp_path / "log"
    path.write_text(text, encoding="ascii")
    subprocess.run(["ip", "link", "add", "events0", "type", "dummy"], check=True)
    with open(log, "wb") as out:
        daemon = subprocess.Popen([program("mainstayd"), "-n", "-l", "-D", "-f", path], stdout=out,
                                  stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: share * most in buffers_here(), 30, lambda: f"{log.read_text()}\n{buffers_here()}")
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(20)
        subprocess.run(["ip", "link", "del", "events0"], check=True)
