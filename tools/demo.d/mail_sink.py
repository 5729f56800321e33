"""The demo's SMTP server: takes every mail and adds it to a file as one line of JSON. usage: mail_sink.py ADDRESS FILE"""

import asyncio
import email
import json
import sys

from aiosmtpd.smtp import SMTP


class Keep:
    def __init__(self, path):
        self.path = path

    async def handle_DATA(self, _server, _session, envelope):  # the name is aiosmtpd's
        message = email.message_from_bytes(envelope.content)
        with open(self.path, "a", encoding="utf-8") as out:
            json.dump({"from": envelope.mail_from, "to": envelope.rcpt_tos, "subject": message["Subject"],
                       "body": message.get_payload()}, out)
            out.write("\n")
        return "250 kept"


async def main(address, path):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Keep(path), hostname="mail.demo", enable_SMTPUTF8=True), address, 25)
    print("listening", flush=True)
    await server.serve_forever()


asyncio.run(main(sys.argv[1], sys.argv[2]))
