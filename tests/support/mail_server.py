"""An SMTP server for test hosts, which behaves as the file MODE says at that moment: accept, defer (451 to each
message), hang (no answer to RCPT), refuse (550 to each message). Every accepted message is a line of JSON in the file MAILS.

    /usr/bin/python3 mail_server.py PORT MODE MAILS [starttls|implicit CERTIFICATE_AND_KEY USER PASSWORD]

With TLS it takes mails only encrypted, and only from this user.
"""

import asyncio
import json
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

PORT, MODE, MAILS = int(sys.argv[1]), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
TLS, PEM, USER, PASSWORD = sys.argv[4:] or (None, None, None, None)


def mode():
    return MODE.read_text(encoding="ascii").strip()


def note(kind, **more):
    with open(MAILS, "a", encoding="utf-8") as out:
        out.write(json.dumps({"kind": kind, **more}) + "\n")


class Handler:
    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # the names are aiosmtpd's
        if mode() == "hang":
            note("hung")
            while mode() == "hang":
                await asyncio.sleep(0.1)
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, _server, session, envelope):
        if mode() == "defer":
            note("deferred")
            return "451 try again later"
        if mode() == "refuse":
            return "550 refused"
        note("mail", helo=session.host_name, tls=session.ssl is not None or TLS == "implicit", sender=envelope.mail_from, to=envelope.rcpt_tos,
             message=envelope.content.decode("utf-8", "surrogateescape"))
        return "250 ok"


def authenticate(_server, _session, _envelope, mechanism, data):
    right = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode()) == (USER, PASSWORD)
    note("login", mechanism=mechanism, right=right)
    return AuthResult(success=right)


def smtp(context):
    more = {"authenticator": authenticate, "auth_required": True} if TLS else {}
    if TLS == "starttls":
        more.update(tls_context=context, require_starttls=True)
    if TLS == "implicit":
        more.update(auth_require_tls=False)  # aiosmtpd knows of no TLS that was there before it
    return SMTP(Handler(), hostname="mail.test", enable_SMTPUTF8=False, **more)


async def main():
    context = None
    if TLS:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(PEM)
    server = await asyncio.get_running_loop().create_server(
        lambda: smtp(context), "127.0.0.1", PORT, ssl=context if TLS == "implicit" else None)
    print("ready", flush=True)
    await server.serve_forever()


asyncio.run(main())
