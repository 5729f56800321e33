"""Many TCP connections that stay open, asked from time to time whether each still has its server."""

import json

from .wait import wait_until

# Opens a connection to each place, so many times; then for each line on stdin: sends a byte through each connection and
# prints how many answered with it, were reset, or said nothing in time.
PROGRAM = """
import collections, json, resource, select, socket, sys, time
resource.setrlimit(resource.RLIMIT_NOFILE, (65536, 65536))
count, places = int(sys.argv[1]), sys.argv[2:]
held = []
for place in places:
    address, port = place.rsplit(":", 1)
    for _ in range(count):
        one = socket.create_connection((address, int(port)), timeout=20)
        one.recv(64)  # the server's name
        one.setblocking(False)
        held.append((place, one))
print(json.dumps(len(held)), flush=True)
for line in sys.stdin:
    ready, waiting = select.epoll(), {}
    fates = {place: collections.Counter() for place in places}
    for place, one in held:
        try:
            one.send(b"x")
            waiting[one.fileno()] = (place, one)
            ready.register(one, select.EPOLLIN)
        except OSError:
            fates[place]["reset"] += 1
    end = time.monotonic() + float(line)
    while waiting and time.monotonic() < end:
        for number, _ in ready.poll(1):
            place, one = waiting.pop(number)
            ready.unregister(number)
            try:
                fates[place]["answered" if one.recv(64) else "reset"] += 1
            except OSError:
                fates[place]["reset"] += 1
    for place, _ in waiting.values():
        fates[place]["silent"] += 1
    print(json.dumps(fates), flush=True)
"""


class Flows:
    """`count` connections from the host to each "address:port"."""

    def __init__(self, host, count, *places):
        self.process = host.start(["/usr/bin/python3", "-c", PROGRAM, str(count), *places], name="flows", pipe=True)
        self.count = self._answer()

    def _answer(self):
        line = self.process.popen.stdout.readline()
        assert line, f"the flows ended: {self.process.output()}"
        return json.loads(line)

    def fates(self, seconds=60):
        """{place: {"answered": 100}}: what became of each connection; those that say nothing are given so many seconds."""
        self.process.popen.stdin.write(f"{seconds}\n")
        self.process.popen.stdin.flush()
        return self._answer()

    def lost(self):
        """How many connections were reset or stay silent."""
        return sum(count for fates in self.fates().values() for fate, count in fates.items() if fate != "answered")

    def close(self):
        self.process.popen.stdin.close()
        wait_until(lambda: not self.process.alive(), 20, "the flows to end")
