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

RS = VS = r"[\w.\[\]:]+"
SECOND = r"[^\n]*"  # a line that goes on with what the test fills in
LVS_LINES = [
    rf"Activating healthchecker for service {RS} for VS {VS}", rf"Adding service {RS} to VS {VS}",
    rf"Removing service {RS} from VS {VS}", rf"Enabling service {RS} of VS {VS}", rf"Disabling service {RS} of VS {VS}",
    rf"Gained quorum {NUMBER}\+{NUMBER}={NUMBER} <= {NUMBER} for VS {VS}",
    rf"Lost quorum {NUMBER}-{NUMBER}={NUMBER} > {NUMBER} for VS {VS}",
    rf"Starting with quorum down {NUMBER}-{NUMBER}={NUMBER} > {NUMBER} for VS {VS}",
    rf"Adding sorry server {RS} to VS {VS}", rf"Removing sorry server {RS} from VS {VS}",
    rf"Enabling sorry server {RS} to VS {VS}", rf"Disabling sorry server {RS} from VS {VS}",
    rf"Adding alive servers to the pool for VS {VS}", rf"Removing alive servers from the pool for VS {VS}",
    rf"Changing weight from {NUMBER} to {NUMBER} for active service {RS} of VS {VS}",
    rf"Changing weight from {NUMBER} to {NUMBER} for inactive service {RS} of VS {VS}",
    rf"Shutting down service {RS} from VS {VS}", rf"Removing Virtual Server {VS}", rf"service {RS} no longer exist",
    rf"TCP connection to {RS} success\.", rf"TCP connection to {RS} failed\.", rf"TCP connection to {RS} timeout\.",
    rf"TCP_CHECK on service {RS} failed\.", rf"TCP_CHECK on service {RS} failed after {NUMBER} retries\.",
    rf"Remote Web server {RS} succeed on service\.", rf"HTTP_CHECK on service {RS} failed after {NUMBER} retries\.",
    rf"SSL_CHECK on service {RS} failed after {NUMBER} retries\.", rf"HTTP status code success to {RS} url\({SECOND}\)\.",
    rf"MD5 digest success to {RS} url\({SECOND}\)\.", rf"Regex match success to {RS} url\({SECOND}\)\.",
    rf"Error connecting server {RS}\.", rf"Timeout connecting server {RS}\.", rf"Connection failed server {RS}\.",
    rf"HTTP status code error to server {RS}\.", rf"MD5 digest error to server {RS}\.",
    rf"Regex match failed server {RS}\.", rf"Timeout HTTP read server {RS}\.",
    rf"SSL handshake/communication error connecting to server {RS}\.",
    rf"Remote SMTP server {RS} succeed on service\.",
    *(rf"SMTP_CHECK {words} {RS}" for words in (
        "Connection timeout to server", "Could not connect to server", "Bad greeting banner from server",
        "Bad HELO response from server", "Read timeout from server")),
    rf"DNS_CHECK \({RS}\) read timeout from socket", rf"DNS_CHECK \({RS}\) read error occurred\. \(rcode = {NUMBER}\)",
    rf"DNS_CHECK \({RS}\) read timeout from socket after {NUMBER} retries",
    rf"ICMP connection to {RS} success\.", rf"ICMP CHECK on service {RS} of {VS} failed after {NUMBER} retries\.",
    r"Misc check for \[[^\n]* VS [^\n]*\] by \[[^\n]*\]", r" succeeded\.", r" failed after \d+ retries \(exited with status \d+\)\.",
    r" timed out with retry disabled\.", r", will do \d+ retries \(", r" on retry \d+/\d+ \(",
    rf"BFD check of \[{NAME}\] RS\({RS}\) is UP", rf"BFD check of \[{NAME}\] RS\({RS}\) is DOWN",
    r" Rescheduling\.", rf"VS {VS} UP", rf"VS {VS} DOWN", rf"RS {RS} {VS} UP", rf"RS {RS} {VS} DOWN",
    rf"Realserver {RS} of virtual server {VS} - (UP|DOWN)", rf"Virtualserver {VS} - (UP|DOWN)",
    "TCP CHECK succeed on service", "TCP CHECK failed on service", "UDP CHECK succeed on service",
    "UDP CHECK failed on service", "ICMP CHECK succeed on service", "ICMP CHECK failed on service",
    r"\bCHECK succeed on service", "CHECK failed on service : HTTP/SSL request failed",
    "CHECK failed on service : Bad greeting banner from server", "DNS_CHECK: failed on service",
    "MISC CHECK succeeded on service", "MISC CHECK failed on service", "MISC CHECK timed out on service",
    rf"BFD CHECK {NAME} succeeded on service", rf"BFD CHECK {NAME} failed on service",
    rf"Gained quorum {NUMBER}\+{NUMBER}={NUMBER} <= {NUMBER}", rf"Lost quorum {NUMBER}\+{NUMBER}={NUMBER} <= {NUMBER}",
    rf"Starting with quorum up {NUMBER}\+{NUMBER}={NUMBER} <= {NUMBER}",
    rf"Starting with quorum down {NUMBER}\+{NUMBER}={NUMBER} <= {NUMBER}", "DOWN mail: Shutting down", "=> Removing <=",
    "2: server up", "2: quorum down",  # notify scripts get their own arguments alone
]


@pytest.fixture(scope="module")
def asserted():
    """The text of all tests; a name that a test fills in stands for itself, and an escape for what it means."""
    own = pathlib.Path(__file__).resolve()
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((TOP / "tests").glob("**/*"))
                     if path.suffix in (".py", ".cpp", ".hpp") and path.resolve() != own)
    text = re.sub(r'"\s*\n\s*[rf]{0,2}"', "", text)  # a literal that goes on in the next line
    text = re.sub(r'"\s*\+\s*\w+\s*\+\s*"', "x1", text)  # a constant in the middle of a C++ literal,
    text = re.sub(r'\b\w+\s*\+\s*"|"\s*\+\s*\w+', "x1", text)  # at its begin or end
    text = re.sub(r"\\\\?([().\"'])", r"\1", text)
    text = re.sub(r"\\[dw][+*]", "1", text)
    text = re.sub(r"\{state\}", "MASTER", text)
    return re.sub(r"\{[\w.]+\}", "x1", text)


@pytest.mark.parametrize("line", LINES + LVS_LINES)
def test_a_line_that_operators_look_for_is_asserted(line, asserted):
    assert re.search(line, asserted), f"no test names a line like {line}"
