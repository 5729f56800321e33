"""The scripts between mainstayctl and a routing daemon that keeps the routes of a script that was killed."""

import os
import signal
import subprocess
from pathlib import Path

from support.wait import stays, wait_until

EXAMPLES = Path(__file__).parents[2] / "etc/examples/routing"


def program(folder, name, text):
    path = folder / name
    path.write_text("#!/bin/bash\n" + text)
    path.chmod(0o755)


def test_after_a_kill_gobgp_forgets_what_is_not_announced_any_more_and_nothing_else(tmp_path):
    calls, lines = tmp_path / "calls", tmp_path / "lines"
    program(tmp_path, "gobgp", f'echo "$3 $6" >>{calls}\n')
    program(tmp_path, "mainstayctl", f"cat {lines}\nwhile echo alive; do sleep 0.2; done\n")
    lines.write_text("announce 10.50.0.1/32\nannounce fd00:50::1/128\n")

    def start():
        calls.write_text("")
        env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "RUNTIME_DIRECTORY": str(tmp_path)}
        return subprocess.Popen([EXAMPLES / "gobgp-announce"], env=env, start_new_session=True)

    def kill(script):
        os.killpg(script.pid, signal.SIGKILL)
        script.wait()

    first = start()
    wait_until(lambda: calls.read_text() == "add 10.50.0.1/32\nadd fd00:50::1/128\n", 20, "both to be announced")
    kill(first)
    lines.write_text("announce 10.50.0.1/32\n")
    second = start()
    wait_until(lambda: calls.read_text() == "add 10.50.0.1/32\ndel fd00:50::1/128\n", 20, "the other to be withdrawn")
    assert stays(lambda: calls.read_text().count("\n") == 2, 0.5)
    second.terminate()
    assert second.wait(20) == 1
    assert calls.read_text().endswith("del 10.50.0.1/32\n")
