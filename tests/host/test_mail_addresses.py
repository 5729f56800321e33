"""Mail addresses as people write them: what the relay and the recipients get of them."""

import email

from support.mail import CONFIGURATION, PORT, noted, serve_mail
from support.vrrp import office, wait_holds, wait_ready
from support.wait import wait_until

NAMED = CONFIGURATION.replace("        a@example.org\n        b@example.org\n", """        "Duty Admin <duty@example.org>"
        "Doe, Jane" <jane@example.org>
        Night Shift <night@example.org>, a@example.org b@example.org
        root
""").replace("ha@example.org", '"HA Pair <ha@example.org>"')

KEEPS_COMMANDS = f"""import socket
server = socket.create_server(("127.0.0.1", {PORT}))
print("ready")
peer, _ = server.accept()
peer.sendall(b"220 relay\\r\\n")
text = False
for line in peer.makefile("r", newline="\\r\\n"):
    print(line.rstrip())
    text = line.rstrip() != "." if text else line.startswith("DATA")
    if not text or line.startswith("DATA"):
        peer.sendall(b"354 go on\\r\\n" if line.startswith("DATA") else b"250 ok\\r\\n")
"""


def test_the_envelope_has_addresses_alone_and_the_header_their_names_too(lan):
    (one,) = office(lan, "one")
    serve_mail(one)
    wait_ready(one.mainstayd(NAMED))
    wait_holds(one)

    (mail,) = wait_until(lambda: [m for m in noted(one) if "Entering MASTER state" in m["message"]], 60, "the mail")
    assert mail["sender"] == "ha@example.org"
    assert mail["to"] == ["duty@example.org", "jane@example.org", "night@example.org", "a@example.org", "b@example.org", "root"]
    message = email.message_from_string(mail["message"])
    assert message["From"] == "HA Pair <ha@example.org>"
    assert message["To"] == ('Duty Admin <duty@example.org>, "Doe, Jane" <jane@example.org>, '
                             "Night Shift <night@example.org>, a@example.org, b@example.org, root")


def test_keepalived_2_2_7_gives_the_relay_whole_words_as_addresses(lan):
    """What mainstay must not do: a relay refuses it, or takes it for somebody else."""
    (one,) = office(lan, "one")
    one.write("/run/relay.py", KEEPS_COMMANDS)
    relay = one.start(["/usr/bin/python3", "-u", "/run/relay.py"], name="relay")
    wait_until(lambda: "ready" in relay.output(), 20, "the relay")
    one.keepalived(NAMED)
    wait_until(lambda: "QUIT" in relay.output(), 30, "a mail")
    assert relay.output().split("DATA")[0].splitlines()[2:] == [
        "MAIL FROM:<HA Pair <ha@example.org>>", "RCPT TO:<Duty Admin <duty@example.org>>", "RCPT TO:<Doe, Jane>",
        "RCPT TO:<<jane@example.org>>", "RCPT TO:<Night>", "RCPT TO:<Shift>", "RCPT TO:<<night@example.org>,>",
        "RCPT TO:<a@example.org>", "RCPT TO:<b@example.org>", "RCPT TO:<root>"]
