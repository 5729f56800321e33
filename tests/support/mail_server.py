"""An SMTP server for test hosts, which behaves as the file MODE says at that moment: accept, defer (451 to each
message), hang (no answer to RCPT). Every accepted message is a line of JSON in the file MAILS.

    /usr/bin/python3 mail_server.py PORT MODE MAILS
"""

import asyncio
import json
import pathlib
import sys

from aiosmtpd.smtp import SMTP

PORT, MODE, MAILS = int(sys.argv[1]), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])


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
        note("mail", helo=session.host_name, sender=envelope.mail_from, to=envelope.rcpt_tos,
             message=envelope.content.decode("utf-8", "surrogateescape"))
        return "250 ok"


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler(), hostname="mail.test", enable_SMTPUTF8=False),
                                      "127.0.0.1", PORT)
    print("ready", flush=True)
    await server.serve_forever()


asyncio.run(main())
