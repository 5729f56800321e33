"""keepalived and mainstay on the same file in the same world, with the same things failing: step by step, what the
kernel has, who holds which address, which scripts were called with what, and what the mails say."""

import collections
import difflib
import signal
import threading
import time

from .hosts import Lan
from .lvs_world import Facts, Rewritten, World
from .paths import DATA

PROGRAMS = ("keepalived", "mainstay")
SETTLES = 40.0   # seconds within which both have looked at what a step changed, and done what that asks of them
DIFFERENT = 8.0  # seconds without any change after which two that differ are believed to
CALM = 0.5       # seconds without any change that end a step
LOOK_EVERY = 0.3
UNSEEN = 12.0    # seconds after the start in which who looks at a server at all has done so
ARGUED = DATA / "compare"


def argued(name):
    """(why, lines): how a file of that name is known to differ from keepalived; of others: nothing and no lines."""
    path = ARGUED / f"{name}.differs"
    if not path.exists():
        return "", []
    lines = path.read_text(encoding="utf-8").splitlines()
    why = [line[1:].strip() for line in lines if line.startswith("#")]
    return " ".join(why), [line for line in lines if not line.startswith("#")]


class Director:
    def __init__(self, name, world, text):
        self.name, self.world = name, world
        start = world.host.keepalived if name == "keepalived" else world.host.mainstayd
        self.daemon = start(text)
        self.passed_over = set()  # what its checks do not look at
        self.looks = world.looks()

    def seen(self):
        """What a poll looks at: cheap, and enough to see that something happened."""
        return {"table": self.world.table(), "calls": sorted(self.world.calls()), "mails": len(self.world.mails()),
                "fifos": sorted(self.world.fifos()), "held": self.world.held(), "runs": self.daemon.alive()}

    def has_looked(self, wanted, starting):
        """Whether its checks looked at all of it so often since `looks`; what they never did at the start is left out."""
        now = self.world.looks()
        if starting:
            self.passed_over = {key for key in wanted if now.get(key, 0) == 0}
        return all(now.get(key, 0) - self.looks.get(key, 0) >= count
                   for key, count in wanted.items() if key not in self.passed_over)

    def shown(self, since):
        """Everything that is compared; calls and mails since the counts given, in no order: the services are many."""
        calls, mails, fifos = self.world.calls(), self.world.mails(), self.world.fifos()
        return {"runs": [str(self.daemon.alive())], "ipvsadm -Sn": self.world.rules(), "ip addr": self.world.addresses(),
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
        if told["runs"] != ["True"] and self.name != "stop":
            return f"{self.name}: keepalived has ended by itself, mainstay {'runs' if self.ours['runs'] == ['True'] else 'as well'}"
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
            self.script()
        finally:
            network.close()
        return self

    def script(self):
        testable = self.facts.testable()
        self.step("start", self.facts.looks_until(testable, up=True))
        if testable and all(d.daemon.alive() for d in self.directors):
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
                    director.looks = director.world.looks()
                self.step(name, self.facts.looks_until(servers, up))
        for director in self.directors:
            director.daemon.send(signal.SIGTERM)
        for director in self.directors:
            director.daemon.wait(20)
        self.step("stop", {})

    def step(self, name, wanted):
        """Waits until both have settled, and notes what they came to."""
        begun = time.monotonic()
        self.settle(name, wanted)
        shown = [d.shown(since) for d, since in zip(self.directors, self.since)]
        self.since = [d.counts() for d in self.directors]
        self.steps.append(Step(name, *shown))
        self.told(f"{self.steps[-1]} ({time.monotonic() - begun:.1f} s)")

    def settle(self, name, wanted):
        """Both have looked at what was changed and are the same, and were calm for a while; or the patience is at its
        end. When one has ended by itself, only the other may still do so."""
        begun = changed = time.monotonic()
        last = [d.seen() for d in self.directors]
        while (now := time.monotonic()) - begun < SETTLES:
            seen = [d.seen() for d in self.directors]
            if seen != last:
                last, changed = seen, now
            calm = now - changed
            same = seen[0] == seen[1]
            if (calm >= (CALM if same else DIFFERENT) and self.complete(name, wanted, seen, now - begun)
                    and (calm >= DIFFERENT or self.same_rules())):
                break
            time.sleep(LOOK_EVERY)

    def same_rules(self):
        """Whether the kernel has the same of both, sync daemons included, of which a poll sees nothing."""
        theirs, ours = (d.world.rules() for d in self.directors)
        return theirs == ours

    def complete(self, name, wanted, seen, after):
        """Whether both have seen what the step is about."""
        if name == "stop" or not all(one["runs"] for one in seen):
            return True
        if name == "start" and not all(self.facts.vips <= set(one["held"]) for one in seen):
            return after > UNSEEN
        return all([d.has_looked(wanted, name == "start" and after > UNSEEN) for d in self.directors])


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
                results[file] = Comparison(place, file.read_text(encoding="utf-8", errors="surrogateescape"),
                                           told=lambda line, name=file.name: told(f"{name}: {line}")).run()
            except Exception as error:  # pylint: disable=broad-except  # told per file
                results[file] = error
            told(f"{file.name}: {time.monotonic() - begun:.1f} s")

    threads = [threading.Thread(target=work, name=f"compare-{n}") for n in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
