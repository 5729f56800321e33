#!/usr/bin/python3
"""What health checks cost and how late they begin. Needs root.

    tools/bench checks [--native] [--lab] [--seconds 10] [--program FOLDER]

Natively, the engine of the lvs role (judge and runner, no IPVS) on one processor and the servers on the others: 10,000
TCP_CHECKs at 1 s, then 2,000 SSL_GETs at 4 s. In the lab, the whole daemon beside keepalived with 1,000 TCP_CHECKs at
1 s: processor time and system calls of the process that checks, per check.

It must hold that 99 of 100 native checks begin within 50 ms of when they were due, and that a check in the lab takes at
most half of keepalived's processor time and system calls. The exit code is 0 when all of it holds.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "bench.d"))

from figures import Figures  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parent.parent
LATE_MS = 50
TIMES_FASTER = 2
LAB_CHECKS = 1000
TICKS = os.sysconf("SC_CLK_TCK")
LISTENER = """
import socket, sys
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("0.0.0.0", int(sys.argv[1])))
listener.listen(65535)
print("listening", flush=True)
while True:
    listener.accept()[0].close()
"""


def start_listener(port, pin):
    process = subprocess.Popen([*pin, "/usr/bin/python3", "-c", LISTENER, str(port)], stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    return process


def start_nginx(folder, port, pin):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    folder / "key.pem", "-out", folder / "cert.pem", "-days", "10", "-subj", "/CN=bench"],
                   check=True, capture_output=True)
    (folder / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;\n"
        "events { worker_connections 8192; }\n"
        f"http {{ access_log off; server {{ listen {port} ssl backlog=8192; ssl_certificate {folder}/cert.pem;\n"
        f"ssl_certificate_key {folder}/key.pem; location / {{ return 200 good; }} }} }}\n")
    process = subprocess.Popen([*pin, "nginx", "-c", folder / "nginx.conf", "-p", folder])
    for _ in range(100):
        if (folder / "pid").exists():
            break
        time.sleep(0.1)
    return process


def native(figures, seconds):
    program = TOP / "build/tests/probe/checks_bench"
    subprocess.run(["ninja", "-C", TOP / "build", "tests/probe/checks_bench"], check=True, stdout=subprocess.DEVNULL)
    cpus = sorted(os.sched_getaffinity(0))
    ours, theirs = ["taskset", "-c", str(cpus[0])], ["taskset", "-c", ",".join(map(str, cpus[1:] or cpus))]
    for kind, count, interval, port in (("TCP_CHECK", 10_000, 1000, 8081), ("SSL_GET", 2_000, 4000, 8443)):
        with tempfile.TemporaryDirectory() as folder:
            server = start_nginx(pathlib.Path(folder), port, theirs) if kind == "SSL_GET" else start_listener(port, theirs)
            try:
                done = subprocess.run([*ours, program, kind, str(count), str(interval), str(seconds), str(port)],
                                      capture_output=True, text=True, check=True)
            finally:
                server.send_signal(signal.SIGTERM)
                server.wait()
        told = json.loads(done.stdout)
        print(f"native  {count} {kind} at {interval / 1000:g} s: {told['per_second']}/s, {told['failed']} failed, late by "
              f"p50 {told['late_ms']['p50']} ms, p99 {told['late_ms']['p99']} ms, max {told['late_ms']['max']} ms; "
              f"{told['cpu_us_per_check']} us and {100 * told['cpu_share']:.0f} % of a processor{done.stderr and ' ' + done.stderr.strip()}",
              flush=True)
        wanted = count * 1000 / interval
        figures.judge(told["failed"] == 0 and told["per_second"] > 0.98 * wanted, "all were made, and none failed")
        what = f"{count:,} {kind} each {interval / 1000:g} s, without IPVS: "
        figures.line(what + "99th percentile of how late one begins", "ms", [told["late_ms"]["p99"]], most=LATE_MS)
        figures.line(what + "processor time of each", "us", [told["cpu_us_per_check"]])


# ---- in the lab ----

def configuration():
    text = []
    for number in range(LAB_CHECKS):
        if number % 100 == 0:
            text.append(("}\n" if text else "") + f"virtual_server 10.0.{number // 100}.1 80 {{\n delay_loop 1\n lb_algo rr\n"
                        " lb_kind NAT\n protocol TCP\n")
        text.append(f" real_server 127.1.{number // 250}.{number % 250 + 1} 80 {{\n weight 1\n TCP_CHECK {{\n"
                    "  connect_timeout 3\n }\n }\n")
    return "".join(text) + "}\n"


def ticks_of(pid):
    """Its own and the kernel's on its behalf."""
    return [int(one) for one in pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]]


def used(pid):
    """Ticks of processor time; none when it is gone."""
    try:
        return sum(ticks_of(pid))
    except OSError:
        return -1


def checker_of(pid):
    """The process that holds the checks: the lvs role, or the child that has taken the most processor time."""
    children = [int(one) for one in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    named = [one for one in children if "lvs" in pathlib.Path(f"/proc/{one}/comm").read_text()]
    return (named or sorted(children, key=used))[-1]


def connections():
    """That were begun so far in this network namespace: nothing but the checks begins any."""
    names, numbers = [line.split() for line in pathlib.Path("/proc/net/snmp").read_text().splitlines()
                      if line.startswith("Tcp:")]
    return int(numbers[names.index("ActiveOpens")])


def measure(command, seconds):
    """((own, kernel's) microseconds, system calls) per check, the calls by name, checks per second."""
    with tempfile.NamedTemporaryFile("w", delete=False) as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        end = time.monotonic() + 60
        while "Activating" not in pathlib.Path(log.name).read_text() and time.monotonic() < end:
            time.sleep(0.2)
        time.sleep(5)  # a first round of the checks
        pid = checker_of(process.pid)
        before, made_before = ticks_of(pid), connections()
        time.sleep(seconds)
        after, made = ticks_of(pid), connections() - made_before
        own, kernel = ((b - a) / TICKS * 1e6 / max(made, 1) for a, b in zip(before, after))
        rate = made / seconds
        with tempfile.NamedTemporaryFile("r") as counts:
            strace = subprocess.Popen(["strace", "-f", "-c", "-o", counts.name, "-p", str(pid)], stderr=subprocess.DEVNULL)
            time.sleep(seconds)
            strace.send_signal(signal.SIGINT)
            strace.wait()
            lines = counts.read().splitlines()
        rows = {line.split()[-1]: int(line.split()[3]) for line in lines
                if re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+\d+", line) and not line.endswith("total")}
        if used(pid) < 0:
            print(*pathlib.Path(log.name).read_text().splitlines()[-15:], sep="\n")
            raise RuntimeError(f"{command[0]}: its checks have ended")
        return (own, kernel), sum(rows.values()) / max(rows.get("connect", 0), 1), rows, rate
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        subprocess.run(["ipvsadm", "-C"], check=False)


def inside(figures, seconds, programs):
    folder = pathlib.Path(tempfile.mkdtemp())
    path = folder / "bench.conf"
    path.write_text(configuration())
    listener = start_listener(80, [])
    try:
        found = {}
        for name, command in (("keepalived", ["keepalived", "-n", "-l", "-C", "-f", path, "-p", folder / "pid"]),
                              ("mainstay", [programs / "mainstayd", "-n", "-l", "-C", "-f", path, "-p", folder / "pid2"])):
            found[name] = measure(command, seconds)
            (own, kernel), calls, rows, rate = found[name]
            print(f"lab     {LAB_CHECKS} TCP_CHECK at 1 s, {name}: {own:.0f} us of its own, {kernel:.0f} us in the kernel and "
                  f"{calls:.1f} system calls per check "
                  f"({rate:.0f} checks/s): "
                  + ", ".join(f"{call} {count}" for call, count in sorted(rows.items(), key=lambda row: -row[1])[:9]), flush=True)
    finally:
        listener.kill()
        shutil.rmtree(folder)
    ours, theirs = found["mainstay"], found["keepalived"]
    what = f"{LAB_CHECKS:,} TCP_CHECK each second: "
    figures.line(what + "processor time of each", "us", [sum(ours[0])], [sum(theirs[0])], times=TIMES_FASTER)
    figures.line(what + "system calls of each", "calls", [ours[1]], [theirs[1]], times=TIMES_FASTER)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--native", action="store_true", help="only the native half")
    parser.add_argument("--lab", action="store_true", help="only the half in the lab")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--program", type=pathlib.Path, default=TOP / "build/src/cli", help="where mainstayd is")
    given = parser.parse_args()
    figures = Figures()
    if given.inside:
        inside(figures, given.seconds, given.program)
        return figures.end()
    if not given.lab:
        native(figures, given.seconds)
    if not given.native:
        command = [TOP / "tools/lab", "--mem", "1024", "--timeout", str(120 + 4 * given.seconds), "--", "/usr/bin/python3",
                   __file__, "--inside", "--seconds", str(given.seconds), "--program", given.program.resolve()]
        figures.judge(subprocess.run(command, check=False, cwd=TOP).returncode == 0, "the half in the lab")
    return figures.end()


if __name__ == "__main__":
    sys.exit(main())
