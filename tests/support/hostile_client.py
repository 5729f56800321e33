"""A client that means harm: sends what stdin says to one address over TLS, or plainly, and prints what came back.

    /usr/bin/python3 hostile_client.py ADDRESS PORT raw        lines of JSON {"name", "bytes" as base64}: {"name", "status",
                                                               "head", "body", "seconds"} for each, in their order
    /usr/bin/python3 hostile_client.py ADDRESS PORT idle COUNT SOURCE...   so many connections from these addresses in turn;
                                                               "open" when all are there; then until stdin ends
    /usr/bin/python3 hostile_client.py ADDRESS PORT drip COUNT so many that send a byte each half second: {"seconds": [...]}
"""

import base64
import json
import socket
import ssl
import sys
import threading
import time

ADDRESS, PORT, WHAT, *MORE = sys.argv[1:]
TO = (ADDRESS, int(PORT))
CONTEXT = ssl.create_default_context()
CONTEXT.check_hostname = False
CONTEXT.verify_mode = ssl.CERT_NONE


def connect():
    return CONTEXT.wrap_socket(socket.create_connection(TO, 15))


def everything(connection):
    got = b""
    try:
        while piece := connection.recv(65536):
            got += piece
    except OSError:
        pass
    return got


def raw():
    for line in sys.stdin:
        case = json.loads(line)
        begun = time.monotonic()
        with connect() as connection:
            try:
                connection.sendall(base64.b64decode(case["bytes"]))
            except OSError:
                pass  # it has answered already
            head, _, body = everything(connection).partition(b"\r\n\r\n")
        words = head.split(b" ", 2)
        print(json.dumps({"name": case["name"], "status": int(words[1]) if len(words) > 1 else None, "head": head.decode("latin-1"),
                          "body": body.decode("utf-8", "replace"), "seconds": time.monotonic() - begun}), flush=True)


def idle():
    held = []
    for number in range(int(MORE[0])):
        held.append(socket.create_connection(TO, 15, (MORE[1 + number % len(MORE[1:])], 0)))
    print("open", flush=True)
    sys.stdin.read()


def drip():
    lasted = []

    def one():
        begun = time.monotonic()
        try:
            with connect() as connection:
                connection.settimeout(0.5)
                for byte in b"GET /api/v1/status HTTP/1.1\r\nHost: x\r\nX: " + 200 * b"y":
                    connection.sendall(bytes([byte]))
                    try:
                        if not connection.recv(1):
                            break
                    except TimeoutError:
                        pass
        except OSError:
            pass
        lasted.append(time.monotonic() - begun)
    threads = [threading.Thread(target=one) for _ in range(int(MORE[0]))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"seconds": lasted}), flush=True)


{"raw": raw, "idle": idle, "drip": drip}[WHAT]()
