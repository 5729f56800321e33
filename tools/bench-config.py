#!/usr/bin/python3
"""Times the configuration test side by side with keepalived's.

    tools/bench-config.py [MAINSTAYD] [--keepalived PATH] [--runs N] [--services N]

Generates files with N and N/10 virtual servers of four real servers each, tests them alternately with both programs
inside one network namespace, and prints medians, their ratio and the growth from the small to the large file. The exit
code is 0 when mainstayd is no slower and its time grows no faster than the file (with a margin for noise).
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

SERVERS_PER_SERVICE = 4
SMALL_PART = 10          # the small file has a tenth of the services
BUILT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "build", "src", "cli", "mainstayd")
GROWTH_MARGIN = 1.3      # linear means: at most this much more than ten times the time above the empty file's


def text(services):
    lines = ["global_defs {", "    router_id bench", "}"]
    for n in range(services):
        vip = f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"
        lines += [f"virtual_server {vip} 80 {{", "    delay_loop 6", "    lb_algo wrr", "    lb_kind NAT",
                  "    protocol TCP"]
        for server in range(SERVERS_PER_SERVICE):
            lines += [f"    real_server 172.{16 + server}.{n >> 8 & 255}.{n & 255} 80 {{", "        weight 1",
                      "        TCP_CHECK {", "            connect_timeout 3", "            retry 3",
                      "            delay_before_retry 3", "        }", "    }"]
        lines.append("}")
    return "\n".join(lines) + "\n"


def once(program, path):
    started = time.perf_counter()
    code = subprocess.run([program, "-t", "-f", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode
    took = time.perf_counter() - started
    if code != 0:
        sys.exit(f"{program} -t says {code} of a file that is right")
    return took * 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mainstayd", nargs="?", default=BUILT)
    parser.add_argument("--keepalived", default=shutil.which("keepalived") or "/usr/sbin/keepalived")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--services", type=int, default=5000)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.inside:  # a namespace of its own: keepalived looks at the interfaces
        os.execvp("unshare", ["unshare", "-n", "--", sys.executable, os.path.abspath(__file__), *sys.argv[1:], "--inside"])
    programs = {"mainstayd": options.mainstayd}
    if os.access(options.keepalived, os.X_OK):
        programs["keepalived"] = options.keepalived
    else:
        print(f"no keepalived at {options.keepalived}: mainstayd is timed alone")
    sizes = [0, options.services // SMALL_PART, options.services]
    with tempfile.TemporaryDirectory(prefix="mainstay-bench-") as folder:
        paths = {}
        for size in sizes:
            paths[size] = os.path.join(folder, f"{size}.conf")
            with open(paths[size], "w", encoding="utf-8") as file:
                file.write(text(size))
        times = {(name, size): [] for name in programs for size in sizes}
        for run in range(options.runs + 1):  # the first warms the caches
            for size in sizes:
                for name, program in programs.items():
                    took = once(program, paths[size])
                    if run > 0:
                        times[name, size].append(took)
    median = {key: statistics.median(values) for key, values in times.items()}
    print(f"config test, {SERVERS_PER_SERVICE} real servers each, {options.runs} runs, ms: min / median / max")
    for (name, size), values in times.items():
        print(f"  {name:10}  {size:6} virtual servers  {min(values):8.1f} / {median[name, size]:8.1f} / {max(values):8.1f}")
    # Growth is judged by the least disturbed runs: other work on the machine does not grow with the file.
    empty, small, large = (min(times["mainstayd", size]) for size in sizes)
    growth = (large - empty) / max(small - empty, 0.01)
    verdict = [growth <= SMALL_PART * GROWTH_MARGIN]
    print(f"  growth of mainstayd from {sizes[1]} to {sizes[2]}: {growth:.1f} times (the file: {SMALL_PART} times)")
    if "keepalived" in programs:
        ratio = median["mainstayd", sizes[2]] / median["keepalived", sizes[2]]
        verdict.append(ratio <= 1.0)
        print(f"  mainstayd / keepalived at {sizes[2]}: {ratio:.2f}")
    print("  ok" if all(verdict) else "  NOT ok")
    return 0 if all(verdict) else 1


if __name__ == "__main__":
    sys.exit(main())
