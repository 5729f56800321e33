"""The two sides of a walk: a host whose daemon walks, and an identical one for fresh starts."""

import json
import os
import pathlib
import signal
import time

from support.paths import program

AGENT = pathlib.Path(__file__).resolve().parent / "agent.py"
FILE = "/run/walk.conf"
ENDINGS = {"Reload complete": True, "stays in use": False}


def busy():
    """How many times longer everything takes on a machine that others use: at least 1."""
    return max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0)))


class Failed(Exception):
    """The walk cannot go on: a finding of its own."""


class Log:
    """What a daemon has written since the last look."""

    def __init__(self, process):
        self.file = open(process.log_file, encoding="utf-8", errors="replace")  # closed with the side
        self.text = ""

    def look(self):
        self.text += self.file.read()
        return self.text


class Side:
    """A host with at most one daemon, and the agent that looks at it."""

    def __init__(self, domain, lan, name):
        self.domain = domain
        self.name = name
        self.host = domain.boot(lan, name)
        self.agent = self.host.start(["/usr/bin/python3", "-B", str(AGENT), domain.inside], name="agent", pipe=True)
        self.daemon = self.log = None
        self.text = ""   # what the daemon was started with
        self.peers = {}  # what the domain's own steps leave behind

    def ask(self, *request):
        pipe = self.agent.popen
        pipe.stdin.write(json.dumps(request) + "\n")
        pipe.stdin.flush()
        line = pipe.stdout.readline()
        if not line:
            raise RuntimeError(f"the agent on {self.host.name} has ended:\n{self.agent.output()}")
        answer = json.loads(line)
        if "problem" in answer:
            raise RuntimeError(f"the agent on {self.host.name}, asked for {request[0]}: {answer['problem']}")
        return answer["answer"]

    def snapshot(self):
        return self.ask("snapshot", self.daemon is not None)

    def start(self, text, env=None):
        self.text = text
        self.daemon = self.host.mainstayd(text, *self.domain.options(), name=FILE.removeprefix("/run/"), env=env)
        self.log = Log(self.daemon)

    def wait_logged(self, endings, seconds, begin=0):
        """The first of these texts that the daemon logs after `begin` characters; None when it does not."""
        end = time.monotonic() + seconds
        while True:
            said = self.log.look()[begin:]
            for text in endings:
                if text in said:
                    return text
            if time.monotonic() > end or not self.daemon.alive():
                return None
            time.sleep(0.002)

    def reload(self, text):
        """True when the new file runs, False when it was refused."""
        begin = len(self.log.look())
        self.host.write(FILE, text)
        self.daemon.send(signal.SIGHUP)
        ending = self.wait_logged(ENDINGS, 20, begin)
        if ending is None:
            raise Failed("a reload did not end" if self.daemon.alive() else "the daemon has ended")
        return ENDINGS[ending]

    def kill_role(self, role):
        old = self.ask("kill", role, int(signal.SIGKILL))
        end = time.monotonic() + 70  # one that dies often is started again later and later
        while old is not None and time.monotonic() < end:
            pid = self.ask("pid_of", role)
            if pid is not None and pid != old:
                return
            time.sleep(0.01)
        if old is not None:
            raise Failed(f"{role} did not come back")

    def upgrade(self):
        done = self.host.run([program("mainstayctl"), "upgrade"], check=False, timeout=60)
        if done.returncode != 0:
            raise Failed(f"the upgrade ended with {done.returncode}: {done.stdout}{done.stderr}")

    def stop(self):
        if self.daemon is None:
            return
        status = self.daemon.stop(timeout=20)
        self.host.processes.remove(self.daemon)
        self.log.file.close()
        self.daemon = self.log = None
        if status != 0:
            raise Failed(f"the daemon ended with status {status}")

    def give_up(self):
        """Ends a daemon that shall not run: its file was refused by the other side."""
        self.wait_logged(("Startup complete",), 10)
        self.daemon.stop(timeout=20)
        self.host.processes.remove(self.daemon)
        self.log.file.close()
        self.daemon = self.log = None

    def steady_snapshot(self):
        """The state of a fresh start, or of a host without a daemon, when nothing more comes of it."""
        end = time.monotonic() + self.domain.steady_seconds * busy()
        last, since = None, time.monotonic()
        while True:
            now = self.snapshot()
            if last != now:
                since = time.monotonic()
            elif time.monotonic() - since >= self.domain.quiet_seconds(now, self) and self.domain.steady(now, self):
                return now
            if time.monotonic() > end or (self.daemon and not self.daemon.alive()):
                raise Failed(f"{self.name} does not become steady:\n{self.log.look() if self.log else last}")
            last = now
            time.sleep(0.03)
