"""The command tools/oracle: walk after walk from fresh seeds, until time or reloads are over or something is found."""

import argparse
import os
import pathlib
import signal
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.hosts import Lan  # noqa: E402
from support.paths import BUILD  # noqa: E402

from oracle import domains, plants  # noqa: E402
from oracle.run import Runner  # noqa: E402
from oracle.shrink import shrink  # noqa: E402
from oracle.walk import make  # noqa: E402

RELOADS_PER_WALK = 25
NIGHT_RELOADS = {"vrrp": 30_000, "ipvs": 10_000}
PLANT_SECONDS = 120


class Tally:
    def __init__(self):
        self.walks = self.reloads = self.refused = self.others = 0
        self.latest = 0.0
        self.begin = time.monotonic()

    def add(self, runner, walk, finding):
        done = walk.steps if finding is None else walk.steps[:finding.step + 1]
        reloads = sum(step["do"] == "reload" for step in done)
        self.walks += 1
        self.reloads += reloads
        self.others += len(done) - reloads
        if runner is not None:
            self.refused += runner.refused
            self.latest = max([self.latest, *runner.late])

    def __str__(self):
        return (f"{self.walks} walks, {self.reloads} reloads ({self.refused} refused), {self.others} other steps, "
                f"the latest state {1000 * self.latest:.0f} ms after its step, in {time.monotonic() - self.begin:.0f} s")


def attempt(walk, domain, env=None, keep=None):
    """(Finding or None, Runner): carries a walk out in a network of its own."""
    runner = None
    with tempfile.TemporaryDirectory(prefix="oracle-") as folder:
        lan = Lan(folder)
        try:
            runner = Runner(lan, domain, env)
            finding = runner.run(walk)
            if finding is not None and keep is not None:
                keep.append("".join(f"---- {name}\n{text}" for name, text in lan.logs()))
            return finding, runner
        finally:
            lan.close()


def report(walk, finding, domain, env, tries):
    """Prints what was found, tries it again, and prints the shortest walk as a test. False when it was seen only once."""
    print(f"oracle: FOUND by {domain.name} --seed {walk.seed}, {finding}\n{finding.log[-3000:]}", flush=True)
    again, _ = attempt(walk, domain, env)
    if again is None:
        print("oracle: the same walk finds nothing when it is tried again: seen once only", flush=True)
        return False
    if tries > 0:
        walk, again = shrink(walk, again, lambda candidate: attempt(candidate, domain, env)[0], domain.keeps, tries)
    print(f"oracle: the shortest walk that finds it, {again}\n\n{walk.as_test()}", flush=True)
    return True


def arguments(argv):
    parser = argparse.ArgumentParser(prog="tools/oracle", description=__doc__)
    parser.add_argument("domain", choices=domains.NAMES)
    parser.add_argument("--seed", type=int, help="begin with this seed (printed with what is found)")
    end = parser.add_mutually_exclusive_group()
    end.add_argument("--for", type=float, dest="seconds", help="walk for so many seconds")
    end.add_argument("--reloads", type=int, help="walk until there were so many reloads")
    end.add_argument("--nightly", action="store_true", help="a night's run")
    end.add_argument("--plant", choices=[*plants.NAMES, "all"],
                     help="look for a planted fault, or for each of this half; 0 when it is found in time")
    end.add_argument("--print", action="store_true", dest="show", help="print the walk of the seed, and end")
    parser.add_argument("--per-walk", type=int, default=RELOADS_PER_WALK, help="reloads of one walk")
    parser.add_argument("--tries", type=int, default=150, help="how often a finding is tried for a shorter one")
    parser.add_argument("--keep-going", action="store_true", help="go on after a finding, and count")
    return parser.parse_args(argv)


def walk_on(domain, seed, wanted, env=None, seconds=None, most=None):
    """(Tally, findings, seen once only, last finding and its seed): walk after walk until the bound is reached."""
    tally, found, once = Tally(), 0, 0
    one_walk = seconds is None and most is None
    while True:
        walk = make(domain, seed, wanted.per_walk)
        finding, runner = attempt(walk, domain, env)
        tally.add(runner, walk, finding)
        if finding is not None and env is not None:
            return tally, 1, 0, (finding, seed)
        if finding is not None:
            if report(walk, finding, domain, env, wanted.tries):
                found += 1
            else:
                once += 1
        over = one_walk or (seconds is not None and time.monotonic() - tally.begin >= seconds) or (
            most is not None and tally.reloads >= most)
        if over or (found and not wanted.keep_going):
            return tally, found, once, None
        seed += 1


def look_for(name, domain, seed, wanted):
    """True when the planted fault was found in time."""
    env = plants.environment(name, BUILD)
    tally, found, _, what = walk_on(domain, seed, wanted, env, seconds=PLANT_SECONDS)
    if found:
        print(f"oracle: {name} was found by seed {what[1]}: {tally}\n{what[0]}", flush=True)
    else:
        print(f"oracle: {name} was NOT found: {tally}", flush=True)
    return bool(found)


def main(argv):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the hosts end with the walk
    wanted = arguments(argv)
    domain = domains.by_name(wanted.domain)
    seed = wanted.seed if wanted.seed is not None else int.from_bytes(os.urandom(4), "big") * 1000
    if wanted.show:
        print(make(domain, seed, wanted.per_walk).as_test())
        return 0
    print(f"oracle: {domain.name} from seed {seed}", flush=True)
    if wanted.plant:
        names = plants.names_of(domain.name) if wanted.plant == "all" else [wanted.plant]
        return 0 if all([look_for(name, domain, seed, wanted) for name in names]) else 1
    most = NIGHT_RELOADS[domain.name] if wanted.nightly else wanted.reloads
    tally, found, once, _ = walk_on(domain, seed, wanted, seconds=wanted.seconds, most=most)
    print(f"oracle: {domain.name}: {tally}; {found} differences, {once} seen once only", flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
