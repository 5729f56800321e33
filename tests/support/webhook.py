"""A receiver of webhooks on a host; see webhook_server.py."""

import pathlib

from .wait import wait_until

SERVER = pathlib.Path(__file__).resolve().parent / "webhook_server.py"
PORT = 8443


def receive(host, mode="200", certificate=None):
    """Answers as `mode` says, or later the file /run/hook.mode, and notes each request in /run/requests."""
    host.write("/run/hook.mode", mode)
    server = host.start(["/usr/bin/python3", SERVER, PORT, "/run/hook.mode", "/run/requests",
                         *([certificate] if certificate else [])], name="webhook_server")
    wait_until(lambda: "ready" in server.output(), 20, "the receiver")
    return server
