"""What the tests of load balancing share: web servers that can be stopped, the director's lvs process, its writes."""

import re

from .wait import wait_until

LISTENER = """
import socket, sys
held = []
for text in sys.argv[1:]:
    address, port = text.rsplit(":", 1)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    held.append(socket.create_server((address, int(port)), family=family, backlog=64))
print("listening", flush=True)
import selectors
ready = selectors.DefaultSelector()
for one in held:
    ready.register(one, selectors.EVENT_READ)
while True:
    for key, _ in ready.select():
        key.fileobj.accept()[0].close()
"""


def listen(host, *endpoints):
    """A program on the host that accepts connections on these address:port and closes them."""
    server = host.start(["/usr/bin/python3", "-c", LISTENER, *endpoints], name="listener")
    wait_until(lambda: "listening" in server.output(), 20, lambda: f"the listener: {server.output()}")
    return server


def child_pid(daemon, words):
    """The pid, on its own host, of the process that the daemon's log last said it started with these words."""
    def look():
        found = re.findall(rf"{re.escape(words)}, pid=(\d+)", daemon.output())
        return int(found[-1]) if found else None
    return wait_until(look, 20, lambda: f"'{words}' in:\n{daemon.output()}")


def lvs_pid(daemon):
    return child_pid(daemon, "Starting Healthcheck child process")


class Watch:
    """Watches the system calls of the lvs process from now on; tells what it wrote to IPVS."""

    def __init__(self, host, pid):
        self.process = host.start(["strace", "-f", "-yy", "-v", "-s", "0", "-e", "trace=sendmsg", "-p", str(pid)],
                                  name="strace")
        wait_until(lambda: "attached" in self.process.output(), 20, lambda: self.process.output())

    def calls(self):
        """The sendmsg calls to generic netlink."""
        return [line for line in self.process.output().splitlines() if "sendmsg(" in line and "GENERIC" in line]

    def writes(self):
        """Requests that change something. Reading asks for a dump, or for one answer: of the family, or (with a header
        alone, 20 bytes) of IPVS' version, which a process that has just started may still have to ask for."""
        requests = [request for line in self.calls()
                    for request in re.findall(r"nlmsg_len=(\d+), nlmsg_type=(\w+), nlmsg_flags=([\w|]+)", line)]
        return sum(flags in ("NLM_F_REQUEST", "NLM_F_REQUEST|NLM_F_ACK") and kind != "nlctrl" and length != "20"
                   for length, kind, flags in requests)

    def stop(self):
        self.process.stop()
        return self


def real_server(address, options="", check="connect_timeout 1"):
    return (f"  real_server {address} {{\n    weight 1\n    {options}\n"
            f"    TCP_CHECK {{\n      {check}\n      warmup 0\n    }}\n  }}\n")


def virtual_server(address, *servers, options=""):
    return (f"virtual_server {address} {{\n  delay_loop 1\n  lb_algo wrr\n  lb_kind NAT\n  protocol TCP\n  {options}\n"
            + "".join(servers) + "}\n")
