"""What operators grep for: every line that keepalived's users know stands literally in some test."""

import pathlib
import re

import pytest

from support.paths import TOP

NAME, NUMBER, ADDRESS = r"[\w.\-]+", r"\d+", r"[\w.:%]+"
LINES = [
    rf"\({NAME}\) Entering BACKUP STATE \(init\)", rf"\({NAME}\) Entering BACKUP STATE\b",
    rf"\({NAME}\) Entering MASTER STATE", rf"\({NAME}\) Entering FAULT STATE\b", r"Entering FAULT STATE \(init\)",
    rf"\({NAME}\) received lower priority \({NUMBER}\) advert from {ADDRESS} - discarding",
    rf"\({NAME}\) Received advert from {ADDRESS} with lower priority {NUMBER}, ours {NUMBER}, forcing new election",
    rf"\({NAME}\) Master received advert from {ADDRESS} with higher priority {NUMBER}, ours {NUMBER}",
    rf"\({NAME}\) Changing effective priority from {NUMBER} to {NUMBER}",
    rf"\({NAME}\) Receive advertisement timeout", rf"\({NAME}\) sent 0 priority",
    rf"\({NAME}\) Backup received priority 0 advertisement", rf"\({NAME}\) setting VIPs\.",
    rf"\({NAME}\) removing VIPs\.", rf"\({NAME}\) entering FAULT state \(interface {NAME} down\)",
    rf"\({NAME}\) entering FAULT state \(no IPv{NUMBER} address for interface\)",
    rf"\({NAME}\) Setting unicast VRRPv3 checksum to old version",
    rf"\({NAME}\) advertisement interval mismatch with {ADDRESS} mine={NUMBER} sec rcv'd={NUMBER} sec",
    rf"\({NAME}\) received an invalid passwd from {ADDRESS}!",
    rf"\({NAME}\) received a {NUMBER} auth from {ADDRESS}, expecting {NUMBER}!",
    rf"\({NAME}\) expected {NUMBER} VIPs but received {NUMBER}", "reducing our priority",
    r"VRRP thread timer expired \d+\.\d{6} seconds ago", r"Delaying startup for [\d.]+ seconds", "Delayed start completed",
    rf"Restoring deleted static address {ADDRESS}", rf"Netlink reports {NAME} up", rf"Netlink reports {NAME} down",
    rf"Interface {NAME} deleted", rf"Sending gratuitous ARP on {NAME} for {ADDRESS}",
    rf"Sending unsolicited Neighbour Advert on {NAME} for {ADDRESS}",
    rf"Quorum gained for tracked process {NAME}", rf"Quorum lost for tracked process {NAME}",
    rf"Track script {NAME} is already running, expect idle - skipping run",
    rf"Script `{NAME}` now returning {NUMBER}", rf"VRRP_Script\({NAME}\) succeeded",
    rf"VRRP_Script\({NAME}\) failed \(exited with status {NUMBER}\)",
    rf"VRRP_Script\({NAME}\) failed \(due to signal {NUMBER}\)", rf"VRRP_Script\({NAME}\) timed_out",
    r"Unsafe permissions found for script '[^']+'", "SECURITY VIOLATION - scripts are being executed but script_security not enabled",
    rf"VRRP_Group\({NAME}\) Syncing instances to MASTER state", rf"VRRP_Group\({NAME}\) Syncing instances to BACKUP state",
    rf"NOTICE: setting sysctl net\.ipv4\.conf\.all\.rp_filter from {NUMBER} to 0", r"Deleting old ip6? \w+ table|Deleting old ip \w+ table",
    r"Cannot change .+ at a reload - please restart", r"New config failed validation, see \S+ for details",
    "Reload already in progress, request queued", "Startup complete", "Reload complete",
    rf"\({NAME}\) Entering \w+ state \(Local diagnostic - [\w ]+, Remote diagnostic - [\w ]+\)",
    rf"\({NAME}\) Expired after {NUMBER} ms \({NUMBER} usec overdue\)",
    rf"VRRP_Instance\({NAME}\) Tracked BFD instance {NAME} is UP", rf"VRRP_Instance\({NAME}\) Tracked BFD instance {NAME} is DOWN",
    rf"VRRP child process\({NUMBER}\) died: Respawning", r"Configuration file \S+",
    rf'INSTANCE "{NAME}" (MASTER|BACKUP|FAULT|STOP) {NUMBER}', rf'INSTANCE "{NAME}" MASTER_RX_LOWER_PRI {NUMBER}',
    rf'INSTANCE "{NAME}" MASTER_PRIORITY {NUMBER}', rf'INSTANCE "{NAME}" BACKUP_PRIORITY {NUMBER}',
    rf'INSTANCE "{NAME}" DELETED {NUMBER}', rf'GROUP "{NAME}" (MASTER|BACKUP|FAULT|STOP) 0',
    rf"INSTANCE {NAME} MASTER {NUMBER}", rf"INSTANCE {NAME} BACKUP {NUMBER}", rf"INSTANCE {NAME} FAULT {NUMBER}",
    rf"INSTANCE {NAME} STOP {NUMBER}", rf"GROUP {NAME} MASTER 0",
    "=> VRRP Instance is now owning VRRP VIPs <=", "=> VRRP Instance is no longer owning VRRP VIPs <=",
    "=> VRRP Instance stopping <=", "=> VRRP Deleted at reload <=", "=> All VRRP group instances are now in MASTER state <=",
]


@pytest.fixture(scope="module")
def asserted():
    """The text of all tests; a name that a test fills in stands for itself, and an escape for what it means."""
    own = pathlib.Path(__file__).resolve()
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((TOP / "tests").glob("**/*"))
                     if path.suffix in (".py", ".cpp", ".hpp") and path.resolve() != own)
    text = re.sub(r'"\s*\n\s*[rf]{0,2}"', "", text)  # a literal that goes on in the next line
    text = re.sub(r"\\\\?([().\"'])", r"\1", text)
    text = re.sub(r"\\[dw][+*]", "1", text)
    text = re.sub(r"\{state\}", "MASTER", text)
    return re.sub(r"\{[\w.]+\}", "x1", text)


@pytest.mark.parametrize("line", LINES)
def test_a_line_that_operators_look_for_is_asserted(line, asserted):
    assert re.search(line, asserted), f"no test names a line like {line}"
