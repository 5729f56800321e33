"""What the configuration test says of each file of the collection beside some checkouts: severity, code and place.

`python3 tests/config/golden.py` writes tests/config/golden/ anew. Only codes and places are kept, nothing of the files.
The lines are to be read, file by file, next to what `mainstayd -t` says: one cause gives one message, at its place.
"""

import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests"))

from support.paths import SHARED, program  # noqa: E402

CORPUS = SHARED / "corpus"
GOLDEN = pathlib.Path(__file__).resolve().parent / "golden"
SECONDS = 60
SAID = re.compile(r"^(?P<file>[^\n]*?):(?:(?P<line>\d+):(?P<column>\d+):)? (?P<severity>note|warning|error|fatal) "
                  r"(?P<code>MS\d{4}): ", re.MULTILINE)
LINE = re.compile(r"[\w.@-]+:\d+:\d+ (note|warning|error|fatal) MS\d{4}")  # of a golden file
# Some name their scripts by $PWD, which shall not depend on where the collection lies, nor what is said of a file on who
# checked it out: they are root's copies in /mnt. And one names a program that some hosts have.
IN_A_NAMESPACE = ('umask 022; mount -t tmpfs -o mode=755 none /mnt && cp -R . /mnt && cd /mnt; test ! -e /usr/bin/sudo || mount --bind /dev/null /usr/bin/sudo; '
                  'program=$1; file=$2; shift 2; ip link set lo up; n=0; for name; do n=$((n+1)); '
                  'ip link add "$name" type veth peer name "peer$n" && ip link set "$name" up && '
                  'ip addr add "10.200.$n.1/24" dev "$name"; done >/dev/null 2>&1; exec "$program" -t -f "$file"')


def files():
    """The files of the collection; none where it is not there."""
    index = CORPUS / "INDEX.tsv"
    if not index.is_file():
        return []
    return sorted(CORPUS / line.split("\t")[0] for line in index.read_text(encoding="utf-8").splitlines()[1:])


def interfaces(path):
    verdict = path.with_suffix("").with_suffix(".verdict.txt").read_text(encoding="utf-8")
    line = re.search(r"^interfaces created .*?: (.*)$", verdict, re.MULTILINE)
    names = line.group(1).split(", ") if line else []
    return [name for name in names if re.fullmatch(r"[\w.@:-]{1,15}", name) and name != "lo"]


def said_of(path):
    """One line for each diagnostic: file name, line, column, severity, code."""
    done = subprocess.run(["unshare", "-n", "-m", "sh", "-c", IN_A_NAMESPACE, "sh", program("mainstayd"), path.name,
                           *interfaces(path)],
                          capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False, cwd=CORPUS)
    return [f"{pathlib.PurePath(m['file']).name}:{m['line'] or 0}:{m['column'] or 0} {m['severity']} {m['code']}"
            for m in SAID.finditer(done.stderr)]


def golden_of(path):
    return GOLDEN / f"{path.stem}.txt"


def write():
    GOLDEN.mkdir(exist_ok=True)
    for old in GOLDEN.glob("*.txt"):
        old.unlink()
    for path in files():
        if lines := said_of(path):
            golden_of(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
