"""A web server for checks: what it answers is in a file that the test writes, and it notes who asked for what."""

import json
import subprocess

from .wait import wait_until

# sys.argv: address:port, folder with the answers, and for TLS: certificate, key, "client" when it asks for one.
# An answer is a file named after the path ("index" for /): status, newline, body. No file: it closes at once.
SERVER = """
import json, os, pathlib, socket, socketserver, ssl, sys, threading, time
address, folder, tls = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
context = None
if tls:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls[0], tls[1])
    if len(tls) > 2:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(tls[2])
    names = {}
    context.sni_callback = lambda connection, name, _: names.__setitem__(id(connection), name)
noted = open(folder / "noted", "a", buffering=1)
def serve(raw, peer):
    note = {"at": time.monotonic(), "peer": peer[0], "port": peer[1]}
    try:
        raw.settimeout(20)
        connection = context.wrap_socket(raw, server_side=True) if context else raw
        if context:
            note["name"] = names.pop(id(connection), None)
            shown = connection.getpeercert()
            note["client"] = dict(part[0] for part in shown["subject"])["commonName"] if shown else None
        request = b""
        while b"\\r\\n\\r\\n" not in request:
            got = connection.recv(4096)
            if not got:
                break
            request += got
        note["request"] = request.decode("latin-1")
        if request:
            path = request.split()[1].decode().strip("/") or "index"
            try:
                status, body = (folder / path).read_text().split("\\n", 1)
                connection.sendall(f"HTTP/1.0 {status} X\\r\\n\\r\\n{body}".encode())
            except OSError:
                pass
        connection.close()
    except OSError as error:
        note["error"] = str(error)
    noted.write(json.dumps(note) + "\\n")
host, port = address.rsplit(":", 1)
listener = socket.create_server((host, int(port)), backlog=64)
print("listening", flush=True)
while True:
    raw, peer = listener.accept()
    threading.Thread(target=serve, args=(raw, peer), daemon=True).start()
"""


class Web:
    """Runs on `host` at "address:port"; `tls`: names of files as in SERVER."""

    def __init__(self, host, address, folder="/run/web", tls=()):
        self.host, self.folder = host, folder
        host.path(folder).mkdir(parents=True, exist_ok=True)
        self.process = host.start(["/usr/bin/python3", "-c", SERVER, address, folder, *tls], name="web")
        wait_until(lambda: "listening" in self.process.output(), 20, lambda: f"web: {self.process.output()}")

    def answer(self, path, status, body=""):
        name = path.strip("/") or "index"
        self.host.write(f"{self.folder}/{name}.new", f"{status}\n{body}")
        self.host.path(f"{self.folder}/{name}.new").rename(self.host.path(f"{self.folder}/{name}"))

    def silent(self, path):
        """No answer any more: the connection is closed."""
        self.host.path(f"{self.folder}/{path.strip('/') or 'index'}").unlink()

    def noted(self):
        """What was asked so far, the oldest first: at, peer, port, request, and with TLS name and client."""
        text = self.host.read(f"{self.folder}/noted")
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]

    def wait_asked(self, count, timeout=30):
        wait_until(lambda: len(self.noted()) >= count, timeout, lambda: f"{count} requests, got {self.noted()}")
        return self.noted()


def make_certificate(host, name, folder="/run/tls", days=30, password=None, mode=0o600):
    """folder/name.pem and folder/name.key on the host, the key readable by root alone. Returns both paths."""
    host.path(folder).mkdir(parents=True, exist_ok=True)
    certificate, key = f"{folder}/{name}.pem", f"{folder}/{name}.key"
    lock = ["-passout", f"pass:{password}"] if password else ["-nodes"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", *lock,
                    "-keyout", host.path(key), "-out", host.path(certificate), "-days", str(days), "-subj",
                    f"/CN={name}"], check=True, capture_output=True, timeout=30)
    host.path(key).chmod(mode)
    return certificate, key
