"""keepalived and mainstay on the same file in the same world, with the same things failing: step by step, what the
kernel has, who holds which address, which scripts were called with what, and what the mails say."""

import collections
import difflib
import re
import signal
import threading
import time

from .hosts import Lan
from .lvs_world import Facts, Rewritten, World

PROGRAMS = ("keepalived", "mainstay")
SETTLES = 25.0   # seconds within which both have done what a step asks of them
NOTHING = 4.0    # seconds after which a step is taken to ask nothing of a director: some delay_loops
CALM = 0.5       # seconds without any change that end a step


class NotTaken(Exception):
    """keepalived does not take the file; the text is why."""


class Director:
    def __init__(self, name, world, text):
        self.name, self.world = name, world
        start = world.host.keepalived if name == "keepalived" else world.host.mainstayd
        self.daemon = start(text)

    def seen(self):
        """What a poll looks at: cheap, and enough to see that something happened."""
        return self.world.table(), self.world.calls(), len(self.world.mails()), self.world.fifos(), self.world.held()

    def shown(self, since):
        """Everything that is compared; calls and mails since the counts given, in no order: the services are many."""
        calls, mails, fifos = self.world.calls(), self.world.mails(), self.world.fifos()
        return {"ipvsadm -Sn": self.world.rules(), "ip addr": self.world.addresses(),
                "calls": sorted(calls[since["calls"]:]), "mails": sorted(mails[since["mails"]:]),
                "fifos": sorted(fifos[since["fifos"]:])}

    def counts(self):
        return {"calls": len(self.world.calls()), "mails": len(self.world.mails()), "fifos": len(self.world.fifos())}


class Step:
    def __init__(self, name, theirs, ours):
        self.name, self.theirs, self.ours = name, theirs, ours

    def differences(self):
        """Lines for people: what keepalived has (-) and mainstay has (+)."""
        lines = []
        for part, theirs in self.theirs.items():
            if theirs != self.ours[part]:
                lines.append(f"{self.name}: {part}")
                lines += [f"    {line}" for line in difflib.unified_diff(theirs, self.ours[part], n=1, lineterm="")
                          if not line.startswith(("---", "+++", "@@"))]
        return lines

    def __str__(self):
        told = self.theirs
        return (f"{self.name}: {len(told['ipvsadm -Sn'])} rules, {len(told['ip addr'])} interfaces, {len(told['calls'])} "
                f"calls, {len(told['mails'])} mails, {len(told['fifos'])} fifo lines")


class Comparison:
    """`steps` fills while it runs; `run` ends everything it started."""

    def __init__(self, folder, text, as_is=False, told=lambda line: None):
        self.folder, self.told = folder, told
        self.rewritten = Rewritten(text, as_is)
        self.facts = Facts(self.rewritten, folder)
        self.steps = []

    def run(self):
        network = Lan(self.folder)
        try:
            worlds = [World(network, name, self.rewritten, self.facts) for name in PROGRAMS]
            for world in worlds:
                world.ready()
            self.directors = [Director(name, world, self.rewritten.text) for name, world in zip(PROGRAMS, worlds)]
            self.since = [d.counts() for d in self.directors]
            self.last_seen = [([], [], 0, [], w.held()) for w in worlds]
            self.script()
        finally:
            network.close()
        return self

    def script(self):
        self.step("start")
        testable = self.facts.testable()
        if testable:
            first, every = testable[:1], testable
            scripted = [(f"{first[0]['named']} fails", first, False)]
            if len(every) > 1:
                scripted += [("every server fails", every[1:], False),
                             (f"{first[0]['named']} is back", first, True),
                             ("every server is back", every[1:], True)]
            else:
                scripted += [(f"{first[0]['named']} is back", first, True)]
            for name, servers, up in scripted:
                for director in self.directors:
                    director.world.switch(servers, up)
                self.step(name)
        for director in self.directors:
            director.daemon.send(signal.SIGTERM)
        for director in self.directors:
            director.daemon.wait(20)
        self.step("stop")

    def step(self, name):
        """Waits until both have settled, and notes what they came to."""
        begun = time.monotonic()
        self.settle(name)
        shown = [d.shown(since) for d, since in zip(self.directors, self.since)]
        self.since = [d.counts() for d in self.directors]
        self.steps.append(Step(name, *shown))
        self.told(f"{self.steps[-1]} ({time.monotonic() - begun:.1f} s)")

    def settle(self, name):
        """Both are the same and were calm for a while after something happened; or the patience is at its end."""
        before = self.last_seen
        begun = changed = time.monotonic()
        last = [d.seen() for d in self.directors]
        while (now := time.monotonic()) - begun < SETTLES:
            self.refuse_a_refusal(name)
            seen = [d.seen() for d in self.directors]
            if seen != last:
                last, changed = seen, now
            moved = all(a != b for a, b in zip(seen, before))
            complete = name != "start" or all(self.facts.vips <= set(one[4]) for one in seen)
            waited = CALM if moved and complete else NOTHING
            same = sorted(seen[0][1]) == sorted(seen[1][1]) and all(seen[0][n] == seen[1][n] for n in (0, 2, 4))
            if now - changed >= (waited if same else NOTHING * 2):
                break
            time.sleep(0.1)
        self.last_seen = last

    def refuse_a_refusal(self, name):
        theirs = self.directors[0].daemon
        if name != "stop" and not theirs.alive():
            said = [line.split(": ", 1)[-1] for line in theirs.output().splitlines()]
            raise NotTaken(next((line for line in said if re.search("error|not|invalid|unknown", line, re.I)), "no reason"))


def compare_all(files, folder, at_once=4, told=lambda line: None):
    """{file: Comparison, or the exception that ended it}, several of them at a time: they mostly wait."""
    results, waiting, lock = {}, collections.deque(files), threading.Lock()

    def work():
        while True:
            with lock:
                if not waiting:
                    return
                file = waiting.popleft()
            place = folder / file.stem
            place.mkdir(parents=True)
            begun = time.monotonic()
            try:
                results[file] = Comparison(place, file.read_text(encoding="utf-8", errors="surrogateescape")).run()
            except Exception as error:  # pylint: disable=broad-except  # told per file
                results[file] = error
            told(f"{file.name}: {time.monotonic() - begun:.1f} s")

    threads = [threading.Thread(target=work, name=f"compare-{n}") for n in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
