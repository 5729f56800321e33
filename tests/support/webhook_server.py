"""An HTTP(S) receiver for test hosts, which answers as the file MODE says at that moment: a status, or "STATUS WORD" for
requests whose body contains WORD (others get 200), or "hang". Every request is a line of JSON in the file REQUESTS.

    /usr/bin/python3 webhook_server.py PORT MODE REQUESTS [CERTIFICATE_AND_KEY]
"""

import http.server
import json
import pathlib
import ssl
import sys
import threading
import time

PORT, MODE, REQUESTS = int(sys.argv[1]), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
LOCK = threading.Lock()


def mode():
    return MODE.read_text(encoding="ascii").strip()


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        while mode() == "hang":
            time.sleep(0.1)
        status, *word = mode().split()
        status = int(status) if not word or word[0] in body else 200
        with LOCK, open(REQUESTS, "a", encoding="utf-8") as out:
            out.write(json.dumps({"path": self.path, "status": status, "headers": dict(self.headers), "body": json.loads(body)}) + "\n")
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Receiver)
if len(sys.argv) > 4:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[4])
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print("ready", flush=True)
server.serve_forever()
