"""Files that are reached through links which are swapped, as Kubernetes swaps the ..data of a volume: a reload reads what the
path leads to then. Of tracked files and FILE_CHECKs, which are followed without a reload: test_tracking.py, test_server_files.py."""

from support.vrrp import VIP, fast, logged, office, reload, wait_holds, wait_ready, wait_released

OTHER = "192.168.4.201"
TEXT = "include /run/volume/instance.conf\n"
TRACK = "track_script {\n chk\n }"


def swap(host, number, status, vip=VIP):
    """The volume's links lead to the folder of this number, all at once, and the one before is removed."""
    script = f'vrrp_script chk {{\n script "/run/volume/check"\n interval 1\n weight -20\n}}\n'
    host.write(f"/run/volume/..{number}/instance.conf", script + fast(vip=vip, more=TRACK))
    host.write(f"/run/volume/..{number}/check", f"#!/bin/sh\nexit {status}\n", 0o755)
    host.run(["sh", "-c", f"""cd /run/volume && ln -s ..{number} ..next && mv -T ..next ..data
              ln -sf ..data/instance.conf instance.conf; ln -sf ..data/check check; rm -rf ..{number - 1}"""])


def test_a_reload_reads_included_files_and_scripts_where_their_links_lead_to(lan):
    (one,) = office(lan, "one")
    swap(one, 1, 0)
    daemon = wait_ready(one.mainstayd(TEXT))
    wait_holds(one)
    logged(daemon, "VRRP_Script(chk) succeeded")

    swap(one, 2, 1, OTHER)
    assert "Reload complete" in reload(one, daemon, TEXT)
    wait_holds(one, OTHER)
    wait_released(one, VIP)
    logged(daemon, "(VI_1) Changing effective priority from 150 to 130")
    assert daemon.stop() == 0
