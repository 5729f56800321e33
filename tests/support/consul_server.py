"""A stand-in for Consul's agent: blocking queries for one service, from a file that a test replaces.

usage: consul_server.py PORT FILE [CERT KEY]
The file is JSON: {"index": N, "instances": [...], and, if wanted, "status": 500, "cut": true (half an answer), "delay": S,
"token": "T" (403 without it), "leader": false, "contact": MS, "body": "text"}. As with Consul, a query with an index waits
until the file's index differs from it, or its wait is over. Each query is printed: the time, and its path.
"""

import http.server
import json
import ssl
import sys
import time
import urllib.parse

PORT, FILE = int(sys.argv[1]), sys.argv[2]


def state():
    while True:
        try:
            with open(FILE, encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError):
            time.sleep(0.01)  # it is replaced


class Agent(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query, keep_blank_values=True)
        print(f"{time.monotonic():.3f} {self.path}", flush=True)
        known, wait = int(query.get("index", ["0"])[0]), float(query.get("wait", ["0s"])[0].rstrip("s"))
        end = time.monotonic() + wait
        now = state()
        while known and now["index"] == known and "status" not in now and time.monotonic() < end:
            time.sleep(0.005)
            now = state()
        time.sleep(now.get("delay", 0))
        wanted = query.get("tag", [])
        body = now.get("body") or json.dumps([one for one in now["instances"] if set(wanted) <= set(one["Service"].get("Tags", []))])
        status = now.get("status", 200)
        if "token" in now and self.headers.get("X-Consul-Token") != now["token"]:
            status, body = 403, "Permission denied"
        self.send_response(status)
        self.send_header("X-Consul-Index", str(now["index"]))
        self.send_header("X-Consul-KnownLeader", "true" if now.get("leader", True) else "false")
        self.send_header("X-Consul-LastContact", str(now.get("contact", 0)))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write((body[:len(body) // 2] if now.get("cut") else body).encode())
        if now.get("cut"):
            self.close_connection = True

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Agent)
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3], sys.argv[4])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print("ready", flush=True)
server.serve_forever()
