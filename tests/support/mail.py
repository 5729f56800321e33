"""A mail server on a test host, and what it got."""

import email
import json
import pathlib

from .vrrp import instance
from .wait import wait_until

SERVER = pathlib.Path(__file__).resolve().parent / "mail_server.py"
PORT = 2525
# An instance whose changes are mailed.
CONFIGURATION = f"""global_defs {{
    router_id LVS_MASTER
    notification_email {{
        a@example.org
        b@example.org
    }}
    notification_email_from ha@example.org
    smtp_server 127.0.0.1 {PORT}
    smtp_connect_timeout 2
    smtp_alert
}}
""" + instance()


def serve_mail(host, mode="accept", tls=()):
    """`tls`: starttls or implicit, a file with certificate and key on the host, user, password."""
    host.write("/run/mail.mode", mode)
    server = host.start(["/usr/bin/python3", SERVER, PORT, "/run/mail.mode", "/run/mails", *tls], name="mail_server")
    wait_until(lambda: "ready" in server.output(), 20, "the mail server")
    return server


def certificate_on(host):
    """A certificate for localhost that is its own authority, with its key in a file beside it."""
    host.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
              "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "/run/key.pem", "-out", "/run/ca.pem"])
    host.write("/run/both.pem", host.read("/run/ca.pem") + host.read("/run/key.pem"))
    return "/run/both.pem"


def noted(host, kind="mail"):
    file = host.path("/run/mails")
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [entry for entry in map(json.loads, lines) if entry["kind"] == kind]


def spooled(host):
    folder = host.path("/var/spool/mainstay")
    return sorted(f.name for f in folder.glob("*.mail")) if folder.exists() else []


def subjects(host):
    return [email.message_from_string(m["message"])["Subject"] for m in noted(host)]
