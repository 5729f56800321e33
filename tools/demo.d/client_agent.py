"""The demo's client: one long-lived process that makes the requests, each over a connection of its own.

Reads commands from stdin and answers each with one line of JSON:
    count ADDRESS PORT N     N requests; how many each server answered, by the text of the answer
    watch ADDRESS PORT       request again and again from now on
    unwatch                  what was seen meanwhile: requests, failures, the longest time without an answer
"""

import json
import socket
import sys
import threading
import time

PATIENCE_SECONDS = 2.0  # for one request of `count`
GLANCE_SECONDS = 0.25   # for one of `watch`: a lost one shall not hide when the next would be answered
PAUSE_SECONDS = 0.02


def request(address, port, patience):
    """The body of GET /, or None."""
    try:
        with socket.create_connection((address, port), patience) as connection:
            connection.settimeout(patience)
            connection.sendall(b"GET / HTTP/1.0\r\nHost: demo\r\n\r\n")
            answer = b""
            while block := connection.recv(4096):
                answer += block
    except OSError:
        return None
    head, _, body = answer.partition(b"\r\n\r\n")
    return body.decode("ascii", "replace").strip() if b" 200 " in head.split(b"\r\n")[0] else None


def count(address, port, number):
    answers = {}
    for _ in range(number):
        name = request(address, port, PATIENCE_SECONDS) or "no answer"
        answers[name] = answers.get(name, 0) + 1
    return answers


class Watch(threading.Thread):
    def __init__(self, address, port):
        super().__init__(daemon=True)
        self.target = (address, port)
        self.ending = threading.Event()
        self.seen = {"requests": 0, "failures": 0, "longest_gap": 0.0}

    def run(self):
        last = time.monotonic()
        while not self.ending.is_set():
            ok = request(*self.target, GLANCE_SECONDS) is not None
            now = time.monotonic()
            self.seen["requests"] += 1
            self.seen["failures"] += not ok
            if ok:
                self.seen["longest_gap"] = max(self.seen["longest_gap"], now - last)
                last = now
            self.ending.wait(PAUSE_SECONDS)
        # A service that never came back has a gap that goes on.
        self.seen["longest_gap"] = max(self.seen["longest_gap"], time.monotonic() - last)

    def end(self):
        self.ending.set()
        self.join()
        return self.seen


def main():
    watch = None
    for line in sys.stdin:
        words = line.split()
        if words[0] == "count":
            answer = count(words[1], int(words[2]), int(words[3]))
        elif words[0] == "watch":
            watch = Watch(words[1], int(words[2]))
            watch.start()
            answer = {}
        else:
            answer = watch.end()
        print(json.dumps(answer), flush=True)


main()
