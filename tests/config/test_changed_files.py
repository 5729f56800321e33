"""Real files with one changed value, word or line: the exit code of keepalived's -t (2.2.7 where it was tried).

MAINSTAY_CHANGED=SEED:COUNT tries other files. Those that differ are shown, with what mainstay says of them.
"""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from support.changed_files import changed
from support.needs import needs_root
from support.paths import COURSE, DATA, SHARED, program

pytestmark = pytest.mark.skipif(not shutil.which("keepalived"), reason="keepalived is not here")

FEW, MANY = 40, 1500
OF_ONE_FILE = 10
SECONDS = 120
CRASH, HANG = range(128, 255), 124
# docs/compatibility.md: a line is cut at the brace of a ${NAME} that is not defined; what 2.4.3 complains of; mail
# addresses; a number that a route cannot use; and, below, scripts of instances that braces hide.
ON_PURPOSE = re.compile(r"MS0119: \$\{|MS0406: .*in the list already|MS0215: |MS0208: vrrp_track_file |"
                        r"MS0206: '\+?\d+' is not an option of \w+_routes")
HIDDEN = re.compile(r"MS01(06|09|10|11): .*^  effect: .*lost with it: .*vrrp_instance", re.MULTILINE | re.DOTALL)
ROUTE_ALONE = re.compile(r"_routes \{[^}]*^\s*[\d.]+/\d+$", re.MULTILINE)  # without an interface
# keepalived reads on with what it has freed: it crashes, or not.
TWO_NAMES = re.compile(r":(\d+):1: error MS0108: vrrp_instance .*:\1:\d+: error MS0417: ", re.DOTALL)
# In a network namespace that has the files' interfaces: both programs on each file, one line "code code" for each.
EACH = """
mainstayd=$1; shift
ip link set lo up
n=0
for name in $(cat interfaces); do
    n=$((n + 1))
    ip link add "$name" type veth peer name "peer$n" && ip link set "$name" up && ip addr add "10.200.$n.1/24" dev "$name"
done >/dev/null 2>&1
for file; do
    timeout 10 keepalived -t -f "$file" >/dev/null 2>&1; theirs=$?
    timeout 10 "$mainstayd" -t -f "$file" >"$file.said" 2>&1; echo "$theirs $?"
done
"""


def real_files():
    """Those whose changes show something: in UTF-8, and without an include of files that are not here."""
    found = []
    for path in sorted([*(SHARED / "corpus").glob("*.conf"), *COURSE.glob("*.conf"), *(DATA / "sound").glob("*.conf")]):
        text = path.read_bytes().decode("utf-8", "replace")
        if len(text) < 20_000:
            found.append((path.name, text))
    return found


def interfaces_of(text):
    names = re.findall(r"(?:interface|dev|lvs_sync_daemon_interface|lvs_sync_daemon)\s+([\w.-]{1,15})(?=\s)", text)
    names += re.findall(r"^\s*((?:eth|ens|eno|enp|bond|br|wlan|vlan)[\w.-]{0,11})\s*$", text, re.MULTILINE)
    return sorted({*names, "eth0"} - {"lo"})


def codes(folder, interfaces, texts):
    """For each text the exit codes of keepalived and mainstay, and what mainstay said."""
    (folder / "interfaces").write_text("\n".join(interfaces), encoding="utf-8")
    paths = [folder / f"{number}.conf" for number in range(len(texts))]
    for path, text in zip(paths, texts):
        path.write_text(text, encoding="utf-8")
    done = subprocess.run(["unshare", "-n", "sh", "-c", EACH, "sh", program("mainstayd"), *map(str, paths)], text=True,
                          capture_output=True, timeout=SECONDS, check=True, cwd=folder)
    said = [pathlib.Path(f"{path}.said").read_text(encoding="utf-8", errors="replace") for path in paths]
    return [(*map(int, line.split()), text) for line, text in zip(done.stdout.splitlines(), said, strict=True)]


def compare(folder, seed, count):
    """What differs, and says how many are equal."""
    files = real_files()
    seen = {"equal": 0, "keepalived crashes": 0, "differ on purpose": 0, "differ": 0}
    different = []
    for first in range(0, count, OF_ONE_FILE):
        name, text = files[first // OF_ONE_FILE % len(files)]
        changes = [changed(seed, number, text) for number in range(first, min(first + OF_ONE_FILE, count))]
        results = codes(folder, interfaces_of(text), [text, *(new for new, _ in changes)])
        if results[0][0] != results[0][1]:  # a file that 2.4.3 reads in another way; test_corpus holds it
            seen["differ on purpose"] += len(changes)
            continue
        for number, ((new, what), (theirs, ours, said)) in enumerate(zip(changes, results[1:]), first):
            assert ours in (0, 2, 4, 5, 6), f"{name} {what}: {ours}\n{new}"
            wanted = (ON_PURPOSE.search(said) or TWO_NAMES.search(said) or ((theirs, ours) == (6, 5) and HIDDEN.search(said))
                      or ((theirs, ours) == (5, 0) and ROUTE_ALONE.search(new)))
            kind = ("equal" if theirs == ours else "keepalived crashes" if theirs in CRASH or theirs == HANG
                    else "differ on purpose" if wanted else "differ")
            seen[kind] += 1
            if kind == "differ":
                different.append(f"==== {number} {name}: {what}: keepalived {theirs}, mainstay {ours}\n{new}---- mainstay:\n{said}")
    print(f"{count} files: " + ", ".join(f"{number} {kind}" for kind, number in seen.items()))
    return different


def tried(tmp_path, seed, count):
    needs_root()
    different = compare(tmp_path, seed, count)
    assert not different, "\n".join(different)


def test_a_change_of_a_real_file_gives_keepalived_s_exit_code(tmp_path):
    seed, count = os.environ.get("MAINSTAY_CHANGED", f"1:{FEW}").split(":")
    tried(tmp_path, seed, int(count))


@pytest.mark.nightly
def test_many_changes_of_real_files_give_keepalived_s_exit_codes(tmp_path):
    tried(tmp_path, "night", MANY)
