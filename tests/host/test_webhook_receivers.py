"""The Alertmanager form at a receiver that others have written: alertmanager-irc-relay, which tells an IRC channel."""

import shutil
import signal

import pytest
from support.lvs import listen, real_server, virtual_server
from support.vrrp import instance, office, wait_holds, wait_ready
from support.wait import wait_until

RELAY = shutil.which("alertmanager-irc-relay")
CONFIGURATION = """
http_host: 127.0.0.1
http_port: 8000
irc_host: 127.0.0.1
irc_port: 6667
irc_use_ssl: no
irc_verify_ssl: no
irc_nickname: alerts
irc_channels:
  - name: "#directors"
msg_template: "{{ .Labels.alertname }} {{ .Labels.name }} {{ .Status }}: {{ .Annotations.summary }}"
"""
# As much of an IRC server as the relay needs: who registers is welcome and joins; what is said in the channel is printed.
IRC = """
import socket
listening = socket.create_server(("127.0.0.1", 6667))
print("listening", flush=True)
while True:
    client = listening.accept()[0]
    send = lambda text: client.sendall((text + "\\r\\n").encode())
    for line in client.makefile(encoding="utf-8", errors="replace", newline="\\n"):
        words = line.split()
        if words[0] == "USER":
            send(":irc 001 alerts :Welcome")
        elif words[0] == "PING":
            send(":irc PONG irc " + words[1])
        elif words[0] == "JOIN":
            send(f":alerts!alerts@irc JOIN {words[1]}")
            send(f":irc 366 alerts {words[1]} :End of /NAMES list")
            print("joined", words[1], flush=True)
        elif words[0] in ("NOTICE", "PRIVMSG"):
            print("said", line.strip().split(" :", 1)[1], flush=True)
"""
SERVICE = virtual_server("192.168.4.200 80", real_server("127.0.0.2 80", check="connect_timeout 1\n      retry 0"))


@pytest.mark.skipif(RELAY is None, reason="alertmanager-irc-relay is not installed")
def test_a_relay_of_others_reports_what_fires_and_what_is_resolved(lan):
    (one,) = office(lan, "one")
    irc = one.start(["/usr/bin/python3", "-c", IRC], name="irc")
    wait_until(lambda: "listening" in irc.output(), 20, irc.output)
    relay = one.start([RELAY, "--config", one.write("/run/relay.yml", CONFIGURATION)], name="relay")
    wait_until(lambda: "joined #directors" in irc.output(), 60, lambda: irc.output() + relay.output())
    one.write("/etc/mainstay/mainstay.toml",
              '[[webhook]]\nname = "irc"\nurl = "http://127.0.0.1:8000/directors"\nformat = "alertmanager"\n')
    server = listen(one, "127.0.0.2:80")
    wait_ready(one.mainstayd(instance() + SERVICE))
    wait_holds(one)
    said = lambda: [line[5:] for line in irc.output().splitlines() if line.startswith("said ")]  # noqa: E731

    server.stop(signal.SIGKILL)
    down = "MainstayServerDown [127.0.0.2]:tcp:80 firing: Server [127.0.0.2]:tcp:80 of [192.168.4.200]:tcp:80 is DOWN"
    wait_until(lambda: down in said(), 60, lambda: f"{said()} {relay.output()}")

    listen(one, "127.0.0.2:80")
    up = "MainstayServerDown [127.0.0.2]:tcp:80 resolved: Server [127.0.0.2]:tcp:80 of [192.168.4.200]:tcp:80 is UP"
    wait_until(lambda: up in said(), 60, lambda: f"{said()} {relay.output()}")
