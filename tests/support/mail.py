"""A mail server on a test host, and what it got."""

import email
import json
import pathlib

from .wait import wait_until

SERVER = pathlib.Path(__file__).resolve().parent / "mail_server.py"
PORT = 2525


def serve_mail(host, mode="accept"):
    host.write("/run/mail.mode", mode)
    server = host.start(["/usr/bin/python3", SERVER, PORT, "/run/mail.mode", "/run/mails"], name="mail_server")
    wait_until(lambda: "ready" in server.output(), 20, "the mail server")
    return server


def noted(host, kind="mail"):
    file = host.path("/run/mails")
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [entry for entry in map(json.loads, lines) if entry["kind"] == kind]


def spooled(host):
    folder = host.path("/var/spool/mainstay")
    return sorted(f.name for f in folder.glob("*.mail")) if folder.exists() else []


def subjects(host):
    return [email.message_from_string(m["message"])["Subject"] for m in noted(host)]
