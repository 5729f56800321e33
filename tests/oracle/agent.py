"""Runs inside a host, and answers one JSON line for each JSON line on its standard input.

    agent.py MODULE      MODULE has a class Inside with snapshot(), mark() and losses()

One process that stays: looking at everything costs a few milliseconds, and a walk looks many times.
"""

import importlib
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))


def pid_of(role):
    for path in pathlib.Path("/proc").glob("[0-9]*/comm"):
        try:
            if path.read_text(encoding="utf-8").strip() == role:
                return int(path.parent.name)
        except OSError:
            continue
    return None


def kill(role, number):
    pid = pid_of(role)
    if pid is not None:
        os.kill(pid, number)
    return pid


def run(commands):
    """Runs commands one after the other; their exit statuses and what they said."""
    done = []
    for command in commands:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        done.append([result.returncode, result.stdout + result.stderr])
    return done


def main(module):
    inside = importlib.import_module(module).Inside()
    calls = {"kill": kill, "run": run, "pid_of": pid_of}
    for line in sys.stdin:
        wanted = json.loads(line)
        name, arguments = wanted[0], wanted[1:]
        call = calls.get(name) or getattr(inside, name)
        try:
            answer = {"answer": call(*arguments)}
        except Exception as problem:  # the walk is to hear of it, whatever it is
            answer = {"problem": f"{type(problem).__name__}: {problem}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
