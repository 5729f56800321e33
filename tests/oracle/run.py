"""Carries a walk out, and compares the daemon after each step with a fresh start of the same file."""

import dataclasses
import time

from . import domains
from .domain import differences
from .world import Failed, Side, busy


REFUSED = "is refused: not started"


@dataclasses.dataclass
class Finding:
    """The first step after which something was wrong, and what."""
    step: int          # -1: the start itself
    lines: list
    log: str = ""

    def __str__(self):
        return "\n".join([f"after step {self.step}:", *(f"    {line}" for line in self.lines)])

    def kind(self):
        """What makes two findings the same to the shrinker: the first word and the part of the state."""
        return {tuple(line.split(":")[0].split("/")[:2]) for line in self.lines}


@dataclasses.dataclass
class State:
    """What a daemon was told, and how the host looks after a fresh start with it."""
    text: str
    snapshot: dict
    said: str = ""  # its log


class Runner:
    def __init__(self, lan, domain, env=None):
        self.domain = domain
        self.env = env
        self.walked = Side(domain, lan, "walked")
        self.fresh = Side(domain, lan, "fresh")
        self.bare = self.fresh.steady_snapshot()
        self.wanted = State("", {})
        self.refused = 0
        self.unrepaired = False  # somebody has changed something since the last reload that was taken
        self.late = []        # seconds between the end of a reload and the wanted state

    # ---- the reference ----

    def begin_reference(self, text):
        if self.domain.start_is_watched:
            self.fresh.ask("mark")
        self.fresh.start(text)

    def end_reference(self, text):
        """The state of the fresh start of a file; its host after the stop must be what it was before."""
        state = State(text, self.fresh.steady_snapshot(), self.fresh.log.look())
        if self.domain.start_is_watched and (on_the_way := self.fresh.ask("losses")):
            raise Failed("a fresh start, on its way:\n" + "\n".join(loss["what"] for loss in on_the_way))
        self.fresh.stop()
        if lines := self.left_behind(self.fresh):
            raise Failed("a stop leaves the host changed:\n" + "\n".join(lines))
        return state

    def left_behind(self, side):
        """What a stopped daemon has left on its host; processes end in their own time."""
        end = time.monotonic() + self.domain.settle_seconds * busy()
        while True:
            lines = differences(side.snapshot(), self.bare)
            if not lines or time.monotonic() > end:
                return lines
            time.sleep(0.02)

    # ---- steps ----

    def compare(self, seconds):
        """Lines of differences after `seconds` at the latest; none when they were gone before."""
        begin = time.monotonic()
        seconds *= busy()
        while True:
            state = self.walked.snapshot()
            if state == self.wanted.snapshot:
                self.late.append(time.monotonic() - begin)
                return []
            if time.monotonic() > begin + seconds:
                lines = differences(state, self.wanted.snapshot)
                return [line for line in lines if not self.domain.excused(line, self.wanted.said)]
            time.sleep(0.02)

    def losses(self, allowed):
        """What both states have, and was absent in between."""
        losses = self.walked.ask("losses")
        return [f"on the way: {loss['what']}" for loss in losses if allowed(loss, losses) is None]

    def start(self, text):
        self.begin_reference(text)
        self.walked.start(text, env=self.env)
        self.wanted = self.end_reference(text)
        return self.compare(self.domain.steady_seconds)

    def before_reload(self):
        """The wanted state; after what others did to the host, with the status that the daemon really has: an instance
        whose interface went away is no master for a while."""
        if not self.unrepaired or "status" not in self.wanted.snapshot:
            return self.wanted
        snapshot = {**self.wanted.snapshot, "status": self.walked.snapshot()["status"]}
        return dataclasses.replace(self.wanted, snapshot=snapshot)

    def reload(self, text):
        before = self.before_reload()
        self.walked.ask("mark")
        self.begin_reference(text)
        if self.walked.reload(text):
            self.wanted = self.end_reference(text)
            self.unrepaired = False
        else:
            self.refused += 1
            self.fresh.give_up()
            self.begin_reference(before.text)
            self.wanted = self.end_reference(before.text)
            if self.unrepaired:  # what others changed is still to be repaired
                return []
        lines = self.compare(self.domain.reload_seconds)
        return lines + self.losses(lambda loss, losses: self.domain.allowed(loss, before, self.wanted, losses))

    def disturb(self, carry_out):
        """A kill or an upgrade: the state stays, and nothing of it is ever absent."""
        begin = len(self.walked.log.look())
        self.walked.ask("mark")
        carry_out()
        if self.unrepaired:
            return []
        lines = self.compare(self.domain.settle_seconds)
        said = self.walked.log.look()[begin:]
        return lines + self.losses(lambda loss, _: self.domain.allowed_after(loss, self.wanted, said))

    def both(self, carry_out):
        """Something that happens to the host, not to mainstay: the fresh start has to live with it, too."""
        carry_out(self.walked)
        carry_out(self.fresh)
        self.bare = self.fresh.steady_snapshot()
        return []

    def step(self, step):
        what = step["do"]
        if what == "reload":
            return self.reload(step["to"])
        if what == "kill":
            return self.disturb(lambda: self.walked.kill_role(step["role"]))
        if what == "upgrade":
            return self.disturb(self.walked.upgrade)
        if what == "drift":
            self.unrepaired = True
            return self.both(lambda side: side.ask("run", step["run"]))
        return self.both(lambda side: self.domain.carry_out(step, side))

    def finding(self, at, lines):
        log = self.walked.log.look() if self.walked.log else ""
        return Finding(at, lines, log)

    def run(self, walk, progress=None):
        """None, or the first Finding."""
        at = -1
        try:
            lines = self.start(walk.start)
        except Failed as problem:
            if REFUSED in str(problem):  # the generator wrote what cannot run: there is nothing to walk with
                self.refused += 1
                return None
            return self.finding(at, str(problem).splitlines())
        try:
            while not lines and at + 1 < len(walk.steps):
                at += 1
                lines = self.step(walk.steps[at])
                if progress:
                    progress(walk.steps[at])
            if not lines:
                self.walked.stop()
                lines = [f"after the stop: {line}" for line in self.left_behind(self.walked)]
        except Failed as problem:
            lines = str(problem).splitlines()
        return self.finding(at, lines) if lines else None


def run_walk(lan, walk, env=None):
    """For tests: None, or what was found."""
    return Runner(lan, domains.by_name(walk.domain), env).run(walk)
