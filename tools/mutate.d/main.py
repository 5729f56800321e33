"""tools/mutate: plants small faults in copies of a module's files and tells which of them no test notices."""

import argparse
import collections
import concurrent.futures
import fcntl
import os
import pathlib
import random
import shutil
import subprocess
import sys
import time

import suites
from equivalents import argued
from faults import faults_of
from plant import Planter

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("MAINSTAY_BUILD", "build-single")
MODULES = ["wire", "netlink", "config", "bfd", "lvs", "kernel", "ipc", "probe", "alert", "role"]
# Chosen on top of what is asked for: so many of ten do not compile.
SPARE = 1.7


def parse(arguments):
    parser = argparse.ArgumentParser(prog="tools/mutate", description=__doc__)
    parser.add_argument("module", nargs="+", help=f"a module ({' '.join(MODULES)}) or one of its files")
    parser.add_argument("--count", type=int, default=60, help="how many faults of each module (60)")
    parser.add_argument("--all", action="store_true", help="every fault that there is")
    parser.add_argument("--seed", type=int, help="the choice of faults; each seed makes its own")
    parser.add_argument("--only", metavar="ID", action="append", help="only this fault (of those chosen by the seed, or any)")
    parser.add_argument("--list", action="store_true", help="only tell the faults that would be tried")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="how many things at once")
    parser.add_argument("--pytest", metavar="FILE", action="append", help="only these files of tests of whole programs")
    parser.add_argument("--no-pytest", action="store_true", help="only the unit test programs")
    parser.add_argument("--near", action="store_true", help="only the unit test programs of the module itself")
    parser.add_argument("--verbose", action="store_true", help="tell what is left before each kind of tests")
    parser.add_argument("--least", type=int, default=0, metavar="PERCENT", help="status 1 when fewer are noticed")
    return parser.parse_args(arguments)


def files_of(modules):
    files = []
    for name in modules:
        path = TOP / name
        if path.is_file():
            files.append(path)
        elif name in MODULES:
            files += sorted((TOP / "src" / name).rglob("*.cpp"))
        else:
            sys.exit(f"mutate: there is no module or file {name}; the modules are {' '.join(MODULES)}")
    return [str(path.relative_to(TOP)) for path in files]


def ordered(faults, seed):
    """The faults in a random order that is even over kinds, and over files within each kind."""
    dice = random.Random(seed)
    groups = {}
    for fault in sorted(faults, key=lambda fault: (fault.file, fault.begin, fault.end, fault.becomes)):
        groups.setdefault(fault.kind, {}).setdefault(fault.file, []).append(fault)
    order = []
    while groups:
        for kind in sorted(groups):
            files = groups[kind]
            file = dice.choice(sorted(files))
            order.append(files[file].pop(dice.randrange(len(files[file]))))
            if not files[file]:
                del files[file]
            if not files:
                del groups[kind]
    return order


def choose(options, planter):
    """({name: its faults in the order in which they are tried}, how many there are)"""
    chosen, count = {}, 0
    for name in options.module:
        every = [fault for file in files_of([name]) if file in planter.commands
                 for fault in faults_of(file, (TOP / file).read_text(encoding="utf-8"))]
        count += len(every)
        if options.only:
            chosen[name] = [fault for fault in every if fault.id in options.only]
        else:
            order = ordered(every, options.seed)
            chosen[name] = order if options.all else order[:int(options.count * SPARE)]
    return chosen, count


class Trial:
    """Tries each fault on the tests that reach it, the quickest first."""

    def __init__(self, options, planter, modules, made):
        self.options, self.planter, self.modules, self.made = options, planter, modules, made
        self.programs, self.start = [], time.monotonic()

    def begin(self, near, pool):
        """The unit test programs of the modules themselves (near), or of those that use them; the quickest first."""
        programs = suites.unit_programs(BUILD, self.planter, self.modules, near, self.made, pool)
        able = sorted(self._able(programs, pool), key=lambda program: program.seconds)
        self.programs += able
        return able

    def _able(self, tests, pool):
        able = []
        for test, well in zip(tests, pool.map(lambda test: test.begin(TOP), tests)):
            if well:
                able.append(test)
            else:
                print(f"mutate: {test.name} fails without a fault; it is left out: {'; '.join(test.failures())}", flush=True)
        return able

    def begin_files(self, pool):
        wanted = dict.fromkeys(suite for module in self.modules for suite in suites.PYTEST_SUITES.get(module, []))
        files = suites.pytest_files(TOP, wanted, self.options.pytest, str(self.planter.folder.relative_to(TOP)), self.planter.folder)
        if not files:
            return []
        suites.whole_programs(BUILD, self.planter, self.made, pool)
        for file, well in zip(files, pool.map(lambda file: file.begin(TOP), files)):
            if well:
                file.suite.files.append(file)
        return list(dict.fromkeys(file.suite for file in files if file.suite.files))

    def noticed_by(self, number, tests):
        return next((test.name for test in tests if test.notices(number, TOP)), None)

    def run(self, faults, numbers, pool):
        """fault -> the test that notices it, or None. What is dear is begun only for what nothing before it noticed."""
        result = dict.fromkeys(faults)
        stages = [lambda: self.begin(True, pool)]
        if not self.options.near:
            stages.append(lambda: self.begin(False, pool))
        if not (self.options.near or self.options.no_pytest):
            stages.append(lambda: self.begin_files(pool))
        for begin in stages:
            left = [fault for fault in faults if result[fault] is None and not argued(fault)]
            if left:
                tests = begin()
                print(f"mutate: {len(left)} left for {len(tests)} suites ({time.monotonic() - self.start:.0f} s)", flush=True)
                if self.options.verbose:
                    print("\n".join(map(show, left)), flush=True)
                result.update(zip(left, pool.map(lambda fault: self.noticed_by(numbers[fault], tests), left)))
        return result


def show(fault):
    return f"  {fault.file}:{fault.line} [{fault.id}] {fault.key()[1]}\n    - {fault.was}\n    + {fault.now}"


def report(name, result, trial, numbers, begin):
    survivors = [fault for fault, test in result.items() if test is None and not argued(fault)]
    equivalent = [fault for fault, test in result.items() if test is None and argued(fault)]
    reached = {number for program in trial.programs for number in program.reaches}
    for fault in sorted(survivors, key=lambda fault: (fault.file, fault.line)):
        print(show(fault) + ("" if numbers[fault] in reached else "\n    (no unit test reaches it)"))
    for fault in equivalent:
        print(f"{show(fault)}\n    changes nothing: {argued(fault)}")
    noticed = len(result) - len(survivors) - len(equivalent)
    percent = 100 * noticed // max(1, len(result) - len(equivalent))
    by = collections.Counter(test for test in result.values() if test)
    print(f"mutate: {name}: {noticed} of {len(result) - len(equivalent)} faults noticed ({percent} %; "
          f"{', '.join(f'{test} {count}' for test, count in by.most_common())}), {len(survivors)} survived, "
          f"{len(equivalent)} change nothing, in {time.monotonic() - begin:.0f} s", flush=True)
    return percent


def bring_up_to_date(modules, near):
    """What the trials link and run: the whole build, or no more than the unit test programs of the modules."""
    targets = suites.unit_targets(BUILD, modules) if near else []
    if subprocess.run(["ninja", "-C", BUILD, *targets], stdout=subprocess.DEVNULL).returncode != 0:
        sys.exit(f"mutate: {BUILD} does not build")


def own_folder(modules, lists):
    """An empty folder for the copies, and the lock that keeps other runs of these modules out of it."""
    folder = TOP / "build-mutate" / ("-".join(modules) + ("-list" if lists else ""))
    folder.parent.mkdir(exist_ok=True)
    lock = open(folder.with_name(f"{folder.name}.lock"), "w", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"mutate: another run works in {folder.relative_to(TOP)}: wait for its end")
    if folder.exists():
        shutil.rmtree(folder)
    return folder, lock


def main(arguments):
    begin = time.monotonic()
    options = parse(arguments)
    if options.seed is None:
        options.seed = int.from_bytes(os.urandom(3), "big")
    modules = sorted({pathlib.PurePath(file).parts[1] for file in files_of(options.module)})
    if not options.list:
        bring_up_to_date(modules, options.near)
    folder, _lock = own_folder(modules, options.list)
    planter = Planter(TOP, BUILD, folder)
    chosen, count = choose(options, planter)
    faults = [fault for some in chosen.values() for fault in some]
    if options.list:
        print("\n".join(show(fault) for fault in faults))
        return 0
    print(f"mutate: {' '.join(options.module)} --count {options.count} --seed {options.seed} "
          f"({count} faults)", flush=True)
    numbers = {fault: number for number, fault in enumerate(faults, 1)}
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        compiled = set(planter.compile(faults, numbers, options.jobs))
        tried = {name: [fault for fault in some if fault in compiled] for name, some in chosen.items()}
        tried = {name: some if options.all else some[:options.count] for name, some in tried.items()}
        every = [fault for some in tried.values() for fault in some]
        print(f"mutate: planted {len(every)}; {len(faults) - len(compiled)} of {len(faults)} did not compile "
              f"({time.monotonic() - begin:.0f} s)", flush=True)
        trial = Trial(options, planter, modules, {})
        result = trial.run(every, numbers, pool)
    percents = [report(name, {fault: result[fault] for fault in some}, trial, numbers, begin) for name, some in tried.items()]
    return 1 if min(percents) < options.least else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except subprocess.CalledProcessError as problem:
        error = problem.stderr if isinstance(problem.stderr, str) else (problem.stderr or b"").decode(errors="replace")
        sys.exit(f"mutate: {problem}\n{error[-3000:]}")
