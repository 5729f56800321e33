"""Builds, runs the suites of tools/test and adds up what they found. Everything is counted from JUnit files."""

import concurrent.futures
import json
import os
import pathlib
import random
import signal
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("MAINSTAY_BUILD", "build")
ASAN_BUILD = TOP / "build-asan"
RESULTS = BUILD / "test-results"
PYTEST = ["/usr/bin/python3", "-m", "pytest", "-q", "--color=no"]
SUITES = ["unit", "sanitize", "sim", "mutate", "structure", "tidy", "config", "fuzz", "host", "oracle", "package", "lab"]
ON_REQUEST = ["sanitize-all"]  # what takes too long for every change
# The modules that the suite sanitize builds: those that read untrusted bytes. Compiling is most of this suite's time;
# sanitize-all takes the others too.
SANITIZED = ["base", "wire", "netlink", "config", "bfd", "ipc"]

# Bounds on what may hang, in seconds; far above what is normal. With nothing in ccache two cores compile for an hour.
COMPILE_SECONDS = 5400
PROGRAM_SECONDS = 600
FILE_SECONDS = {"structure": 240, "config": 300, "host": 600, "oracle": 420, "lab": 900, "package": 600}
# Each target of tools/fuzz, and how long it looks; compiling comes on top, for the first of them.
FUZZ_TARGETS = {"config": 18, "config_servers": 3, "config_registry": 3, "config_import": 3, "wire_vrrp": 2, "wire_packet": 2, "wire_bfd": 2, "wire_http": 3, "wire_request": 2, "wire_dns": 3, "probe_http2": 3,
                "alert_smtp": 2, "alert_mail": 2, "ipc_message": 4, "ipc_memory": 4, "ipc_history": 2, "report_metrics": 2, "record": 2}
# How long the simulator looks at histories that no test has seen before.
SIMULATE_SECONDS = 60
# How long the oracle walks from a seed that no test has seen before, and how often it tries to make shorter what it finds.
# What the walks find by chance is printed and counted as passed over, not as failed: about one difference in two hundred
# reloads of VRRP is still known to be there (docs/oracle.md), and a suite that fails by chance is soon not looked at. What
# was found once is a walk of its own in tests/oracle, and that one may fail. It is to become a failure when 3,000 reloads
# find nothing.
ORACLE_TRIES = 20
ORACLE_SECONDS = 90
IPVS_ORACLE_SECONDS = 60
# A handful of faults that nobody has chosen, in two modules, tried on the unit tests. One that survives is shown, and is
# not a failure by itself: of faults that nobody has seen before a few survive, more in one handful than in the next, and
# a suite that fails by chance is soon not looked at. What fails is a handful of which most survive: then the tests do
# not run, do not check, or the tool plants nothing.
MUTATED = ["bfd", "ipc", "lvs", "netlink", "wire"]
MUTATE_FAULTS, MUTATE_LEAST_PERCENT, MUTATE_SECONDS = 6, 30, 600
# Each run looks at another share of the sources, about a minute and a half on two processors.
TIDY_SHARES, TIDY_SECONDS = 8, 1800
LABS_AT_ONCE_MAX = 4
LAB_MEMORY_MB = 1024
# Fuzz targets that replay their corpus: programs without test cases, whose status says it all.
REPLAY_SUFFIX = "_fuzz"
# How many files of a suite run at once, where it is more than one. Tests on hosts wait most of the time: four do not disturb
# each other on two CPUs.
FILES_AT_ONCE = {"host": 4, "structure": 2, "config": 2}
UNIT_PROGRAMS_AT_ONCE = 2
# Where whoever calls ends everything at a time of its own, as CI does, MAINSTAY_TEST_BUDGET says after how many seconds no
# further file of the lab is begun: a user-mode kernel is several times slower on some machines than on others. The files
# come in a random order, the last suite of all; those that were not begun are named as passed over, and it is a
# failure when three quarters were not. Without it everything runs, as long as it takes.
BUDGET_SECONDS = float(os.environ.get("MAINSTAY_TEST_BUDGET", "inf"))
BEGIN = time.monotonic()


class Tally:
    """What one program or one file of tests found."""

    def __init__(self, name):
        self.name = name
        self.passed = 0
        self.skipped = []
        self.failed = []
        self.seconds = 0.0
        self.output = ""
        self.details = []

    def could_not_run(self, why):
        self.failed.append(f"{self.name}: {why}")

    def read_junit(self, path):
        try:
            cases = list(ElementTree.parse(path).getroot().iter("testcase"))
        except (OSError, ElementTree.ParseError) as problem:
            self.could_not_run(f"no results ({problem})")
            return
        for case in cases:
            title = f"{self.name}: {case.get('name')}"
            said = [found.text or found.get("message", "") for kind in ("failure", "error") for found in case.iter(kind)]
            if said:
                self.failed.append(title)
                self.details += [f"---- {title}", *(text.strip("\n") for text in said)]
            elif case.find("skipped") is not None:
                self.skipped.append(f"{title}: {case.find('skipped').get('message', '')}")
            else:
                self.passed += 1

    def judge_status(self, status, may_be):
        """A status that the results do not explain is a failure of its own: a crash at the end, for example."""
        if status is None:
            self.could_not_run("took too long and was killed")
        elif status not in may_be or (status != 0 and not self.failed):
            self.could_not_run(f"ended with status {status}")
        if self.passed == 0 and not self.failed:
            self.could_not_run("ran no test at all" + (f" ({len(self.skipped)} skipped)" if self.skipped else ""))


def call(command, seconds, env=None, cwd=TOP):
    """(status or None when it took too long, output). Whatever the command started is ended with it."""
    process = subprocess.Popen(list(map(str, command)), cwd=cwd, env={**os.environ, **(env or {})},
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True, text=True, errors="replace")
    try:
        output, _ = process.communicate(timeout=seconds)
        return process.returncode, output
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            output, _ = process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
        return None, output


def timed(run):
    """Wraps a runner of one unit so that its tally knows how long it took."""
    def wrapper(*arguments):
        begin = time.monotonic()
        tally = run(*arguments)
        tally.seconds = time.monotonic() - begin
        return tally
    return wrapper


def compile_tree(folder, options, modules=None, everything=False):
    """None, or a tally that says why the tree does not build. Builds the unit tests (of these modules), or all."""
    begin = time.monotonic()
    if not (folder / "build.ninja").exists():
        status, output = call(["meson", "setup", folder, *options], 300)
    else:
        status, output = call(["meson", "configure", folder, *options], 60)
        if status == 0:  # what tests there are is asked before anything is compiled
            status, output = call(["ninja", "-C", folder, "build.ninja"], 300)
    if status == 0:
        wanted = [] if everything else unit_targets(folder, modules)
        status, output = call(["ninja", "-C", folder, *wanted], COMPILE_SECONDS)
    if status == 0:
        print(f"built {folder.name}/ in {time.monotonic() - begin:.0f} s", flush=True)
        return None
    tally = Tally(f"build of {folder.name}/")
    tally.output = "\n".join(output.splitlines()[-80:])
    tally.could_not_run("failed" if status is not None else "took too long")
    return tally


def introspect(folder, what):
    return json.loads(subprocess.run(["meson", "introspect", str(folder), what], capture_output=True, text=True, check=True).stdout)


def unit_tests(folder):
    """[(name, command)] of the unit test programs of a build folder."""
    return [(test["name"], test["cmd"]) for test in introspect(folder, "--tests")]


def module_of(command, folder):
    return pathlib.PurePath(os.path.relpath(command[0], folder)).parts[1]  # tests/<module>/<program>


def unit_targets(folder, modules=None):
    """The programs of the unit tests, and those that they run."""
    tests = [test for test in introspect(folder, "--tests") if modules is None or module_of(test["cmd"], folder) in modules]
    wanted = {target for test in tests for target in test["depends"]}  # its own program is one of them
    files = {file for target in introspect(folder, "--targets") if target["id"] in wanted for file in target["filename"]}
    return sorted(os.path.relpath(file, folder) for file in files)


@timed
def run_unit_program(label, name, command, env):
    tally = Tally(f"{label}/{name}")
    if name.endswith(REPLAY_SUFFIX):
        status, tally.output = call(command, PROGRAM_SECONDS, env)
        tally.passed = 1 if status == 0 else 0
        tally.judge_status(status, (0,))
        return tally
    junit = RESULTS / f"{label}-{name}.xml"
    junit.unlink(missing_ok=True)
    status, tally.output = call([*command, "--reporters=junit", f"--out={junit}"], PROGRAM_SECONDS, env)
    tally.read_junit(junit)
    tally.judge_status(status, (0, 1))
    tally.output = "\n".join([tally.output.rstrip(), *tally.details])  # the program itself writes the file only
    return tally


@timed
def run_pytest(suite, file, inside_lab=False):
    tally = Tally(f"{suite}/{file.name}")
    junit = RESULTS / f"{suite}-{file.stem}.xml"
    junit.unlink(missing_ok=True)
    command = [*PYTEST, f"--junitxml={junit}", file.relative_to(TOP)]
    seconds = FILE_SECONDS[suite]
    if inside_lab:
        # Where there is no user-mode kernel to be had (CentOS), the host's own IPVS serves, in namespaces.
        native = [] if shutil.which("linux.uml") else ["--native-if-possible"]
        command = [TOP / "tools" / "lab", *native, "--mem", LAB_MEMORY_MB, "--timeout", seconds - 10, "--", *command]
    env = {"PYTHONDONTWRITEBYTECODE": "1", "MAINSTAY_BUILD": BUILD.name}
    status, tally.output = call(command, seconds, env)
    tally.read_junit(junit)
    tally.judge_status(status, (0, 1))
    return tally


def run_lab_file(suite, file):
    """A file of the lab, unless the time is over."""
    if time.monotonic() - BEGIN < BUDGET_SECONDS:
        return run_pytest(suite, file, True)
    tally = Tally(f"{suite}/{file.name}")
    tally.skipped.append(f"{tally.name}: not begun, {BUDGET_SECONDS:.0f} s are over (MAINSTAY_TEST_BUDGET)")
    return tally


def suite_lab(workers):
    tallies = suite_of_files("lab", workers, run_lab_file, shuffled=True)
    left = sum(not tally.passed and not tally.failed for tally in tallies)  # one that ran no test at all has failed
    if left > len(tallies) * 3 / 4:
        tallies[0].could_not_run(f"{left} of {len(tallies)} files were not begun in time")
    return tallies


def files_of(suite):
    return sorted((TOP / "tests" / suite).glob("test_*.py"))


def in_parallel(workers, jobs):
    with concurrent.futures.ThreadPoolExecutor(max_workers=workers) as pool:
        return [job.result() for job in [pool.submit(*work) for work in jobs]]


# ---- the suites: each returns its tallies ----

def suite_unit():
    # Some wait for real seconds (a back-off, a limit), so two take little more time than one.
    return in_parallel(UNIT_PROGRAMS_AT_ONCE, [(run_unit_program, "unit", name, command, None)
                                               for name, command in unit_tests(BUILD)])


def suite_sanitize(modules=None):
    # Not optimised: compiling is most of this suite's time.
    problem = compile_tree(ASAN_BUILD, ["-Db_sanitize=address,undefined", "-Db_lundef=false", "-Doptimization=0",
                                        "-Ddebug=false", "-Dwerror=false"], modules)
    if problem:
        return [problem]
    env = {"ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1",
           "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
    return in_parallel(UNIT_PROGRAMS_AT_ONCE, [(run_unit_program, "sanitize", name, command, env)
                                               for name, command in unit_tests(ASAN_BUILD)
                                               if modules is None or module_of(command, ASAN_BUILD) in modules])


@timed
def run_fuzz(target, seconds):
    tally = Tally(f"fuzz/{target}")
    status, tally.output = call([TOP / "tools" / "fuzz", target, "--seconds", seconds], COMPILE_SECONDS + 2 * seconds)
    tally.passed = 1 if status == 0 else 0
    tally.judge_status(status, (0,))
    print("\n".join(line for line in tally.output.splitlines() if line.startswith("fuzz: ")), flush=True)
    return tally


@timed
def run_simulator(seconds):
    tally = Tally("sim/simulate")
    seed = int.from_bytes(os.urandom(4), "big") * 1000  # what it finds is printed with its own seed
    command = [TOP / "tools" / "simulate", "--for", seconds, "--seed", seed]
    status, tally.output = call(command, COMPILE_SECONDS + 2 * seconds, {"MAINSTAY_BUILD": BUILD.name})
    tally.passed = 1 if status == 0 else 0
    tally.judge_status(status, (0,))
    print("\n".join(line for line in tally.output.splitlines() if "router-hours" in line), flush=True)
    return tally


@timed
def run_oracle(half, seconds, inside_lab=False):
    """Random walks; what is found is tried again, made shorter and printed as a test."""
    tally = Tally(f"oracle/{half}")
    lab = [TOP / "tools" / "lab", "--timeout", COMPILE_SECONDS, "--"] if inside_lab else []
    status, tally.output = call([*lab, TOP / "tools" / "oracle", half, "--for", seconds, "--tries", ORACLE_TRIES],
                                COMPILE_SECONDS + 2 * seconds, {"MAINSTAY_BUILD": BUILD.name})
    lines = [line for line in tally.output.splitlines() if line.startswith("oracle: ")]
    if status == 1 and any("the shortest walk that finds it" in line for line in lines):
        print(tally.output, flush=True)
        tally.skipped.append(f"{tally.name}: a walk that nobody has chosen found a difference (printed above); it wants a "
                             "test of its own in tests/oracle")
        return tally
    tally.passed = 1 if status == 0 else 0
    tally.judge_status(status, (0,))
    print("\n".join(lines), flush=True)
    return tally


@timed
def run_mutate(modules):
    tally = Tally(f"mutate/{'+'.join(modules)}")
    command = [TOP / "tools" / "mutate", *modules, "--count", MUTATE_FAULTS, "--least", MUTATE_LEAST_PERCENT, "--no-pytest"]
    status, tally.output = call(command, MUTATE_SECONDS, {"MAINSTAY_BUILD": BUILD.name})
    tally.passed = 1 if status == 0 else 0
    tally.judge_status(status, (0,))
    print(tally.output.rstrip() if status == 0 else "", flush=True)  # the seed and the survivors
    return tally


@timed
def run_tidy():
    tally = Tally("tidy/share")
    command = [TOP / "tools" / "tidy", "--share", f"random/{TIDY_SHARES}"]
    status, tally.output = call(command, TIDY_SECONDS, {"MAINSTAY_BUILD": BUILD.name})
    if status == 2 and "there is no clang-tidy" in tally.output:
        tally.skipped.append(tally.output.strip())  # another release has another version, which finds other things
        return tally
    tally.passed = 1 if status == 0 else 0
    tally.judge_status(status, (0,))
    print("\n".join(line for line in tally.output.splitlines() if line.startswith("tidy: ")), flush=True)
    return tally


def suite_of_files(suite, workers, run=run_pytest, shuffled=False):
    files = files_of(suite)
    if not files:
        tally = Tally(suite)
        tally.could_not_run(f"there is no test in tests/{suite}")
        return [tally]
    if shuffled:
        random.shuffle(files)
    return in_parallel(workers, [(run, suite, file) for file in files])


def run_suite(suite):
    cpus = len(os.sched_getaffinity(0))
    if suite == "unit":
        return suite_unit()
    if suite == "sanitize":
        return suite_sanitize(SANITIZED)
    if suite == "sanitize-all":
        return suite_sanitize()
    if suite == "fuzz":
        return [run_fuzz(target, seconds) for target, seconds in FUZZ_TARGETS.items()]
    if suite == "tidy":
        return [run_tidy()]
    if suite == "mutate":
        return [run_mutate(random.sample(MUTATED, 2))]
    if suite == "sim":
        return [run_simulator(SIMULATE_SECONDS)]
    if suite == "oracle":
        return [*suite_of_files(suite, 1), run_oracle("vrrp", ORACLE_SECONDS),
                run_oracle("ipvs", IPVS_ORACLE_SECONDS, True)]
    if suite == "lab":
        return suite_lab(max(1, min(cpus, LABS_AT_ONCE_MAX)))
    return suite_of_files(suite, FILES_AT_ONCE.get(suite, 1))


def report(suite, tallies, seconds):
    for tally in tallies:
        if tally.failed:
            print(f"\n======== {tally.name} ========\n{tally.output.rstrip()}\n")
    for tally in tallies:
        for line in tally.skipped:
            print(f"  passed over: {line}")
        for line in tally.failed:
            print(f"  FAILED: {line}")
    passed, failed = sum(t.passed for t in tallies), sum(len(t.failed) for t in tallies)
    slowest = max(tallies, key=lambda t: t.seconds)
    hint = f"; the longest was {slowest.name} with {slowest.seconds:.0f} s" if len(tallies) > 1 else ""
    print(f"{suite}: passed {passed}, failed {failed}, in {seconds:.0f} s{hint}", flush=True)
    return passed, failed


def main(chosen):
    unknown = [name for name in chosen if name not in SUITES + ON_REQUEST]
    if unknown:
        print(f"test: there is no suite {', '.join(unknown)}; there are {', '.join(SUITES + ON_REQUEST)}", file=sys.stderr)
        print("0 passed, 1 failed")
        return 1
    RESULTS.mkdir(parents=True, exist_ok=True)
    passed = failed = 0
    # The same folders as tools/setup gives it: the package tests take the programs from here.
    built = compile_tree(BUILD, ["-Dwerror=true", "-Dprefix=/usr", "-Dsysconfdir=/etc", "-Dlocalstatedir=/var",
                                 "-Dlibexecdir=libexec"], everything=True)
    if built:
        report("build", [built], 0)
        failed += 1
    for suite in chosen or SUITES:
        begin = time.monotonic()
        try:
            tallies = run_suite(suite)
        except (OSError, subprocess.SubprocessError, ValueError) as problem:
            tallies = [Tally(suite)]
            tallies[0].could_not_run(f"{type(problem).__name__}: {problem}")
        more_passed, more_failed = report(suite, tallies, time.monotonic() - begin)
        passed += more_passed
        failed += more_failed
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
