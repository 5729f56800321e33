"""Records and history files that are damaged, truncated, of another version or made by an enemy: a clear message, nothing else."""

import json
import os
import random
import struct
import subprocess

import pytest

from support.paths import program
from support.vrrp import fast, office, wait_holds, wait_ready
from support.wait import wait_until

FOLDER = "/var/spool/mainstay/history"
MASK = (1 << 64) - 1
MULTIPLIER = 0x9E3779B97F4A7C15


def ctl(host, *arguments):
    return host.run([program("mainstayctl"), *arguments], check=False, timeout=60)


def transitions(host):
    shown = ctl(host, "events", "--json")
    return [json.loads(line)["transition"] for line in shown.stdout.splitlines()] if shown.returncode == 0 else []


def test_a_history_that_is_damaged_foreign_or_hostile_is_reported_and_the_rest_is_used(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(fast()))
    wait_holds(one)
    wait_until(lambda: "MASTER" in transitions(one), 15, "the event")
    daemon.stop(timeout=20)
    folder = one.path(FOLDER)
    (whole,) = sorted(folder.glob("events-*.log"))
    good = whole.read_bytes()
    version = good.index(struct.pack("=I", 1), 8)

    def segment(number, data):
        path = folder / f"events-{number:08d}.log"
        path.write_bytes(data)
        os.chown(path, whole.stat().st_uid, whole.stat().st_gid)

    segment(2, good[:len(good) - 7])
    segment(3, b"something else altogether")
    segment(4, good[:version] + struct.pack("=I", 99) + good[version + 4:])
    segment(5, random.Random(5).randbytes(100_000))
    segment(6, b"")
    with open(folder / "events-00000007.log", "wb") as large:
        large.truncate(4 << 30)
    os.mkfifo(folder / "events-00000008.log")
    (folder / "events-00000009.log").symlink_to("/etc/passwd")
    (folder / "events-00000010.log").mkdir()
    (folder / "events-99999999999999999999.log").write_bytes(good)
    (folder / "<b>events").write_bytes(b"")

    again = wait_ready(one.mainstayd(fast(), name="again.conf"))
    wait_holds(one)
    wait_until(lambda: transitions(one).count("MASTER") == 2, 20, lambda: f"{transitions(one)}\n{again.output()}")

    told = {int(line.split("/events-")[1].split(".log")[0]): line.split(".log", 1)[1].strip(": ")
            for line in again.output().splitlines() if "event history: " in line and "/events-" in line}
    assert told == {
        2: "it is damaged in 1 place; 2 events of it are used",
        3: "it is not a file of events",
        4: "it has format 99, this version reads format 1",
        5: "it is not a file of events",
        6: "it ends within its header",
        7: "is not used: it is too large",
        8: "is not used: it is not a regular file",
        9: "is not used: it cannot be opened: Too many levels of symbolic links",
        10: "is not used: it is not a regular file",
    }, again.output()
    assert "died" not in again.output() and "root:" not in again.output()
    # New events are written behind all these, and kept.
    again.stop(timeout=20)
    wait_ready(one.mainstayd(fast(), name="third.conf"))
    wait_until(lambda: transitions(one).count("MASTER") == 3, 20, lambda: str(transitions(one)))


# ---- flight records: a header of 64 bytes, the time of saving, the segments with a checksum each (docs/recorder.md)

HEADER, SAVED = 64, 8


def rotated(word, by):
    return (word << by | word >> (64 - by)) & MASK


def hash_of(data):
    """The checksum of a segment, so that an enemy's is right."""
    def mix(value, word):
        return rotated((value ^ word) * MULTIPLIER & MASK, 29) ^ value >> 32
    value = mix(MULTIPLIER, len(data))
    whole = len(data) // 8 * 8
    for (word,) in struct.iter_unpack("=Q", data[:whole]):
        value = mix(value, word)
    value = mix(value, int.from_bytes(data[whole:], "little"))
    return value ^ value >> 29


def number(data, at):
    """(value, position behind it): seven bits in each byte."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return value, at


def numbered(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def segments_of(data):
    count, at = number(data, HEADER + SAVED)
    found = []
    for _ in range(count):
        machine = data[at]
        which, at = number(data, at + 1)
        (checksum,) = struct.unpack_from("=Q", data, at)
        length, at = number(data, at + 8)
        found.append(((machine, which), data[at:at + length]))
        assert hash_of(found[-1][1]) == checksum
        at += length
    assert at == len(data)
    return found


def record_of(data, segments):
    return data[:HEADER + SAVED] + numbered(len(segments)) + b"".join(
        bytes([machine]) + numbered(which) + struct.pack("=Q", hash_of(body)) + numbered(len(body)) + body
        for (machine, which), body in segments)


@pytest.fixture
def record(lan):
    (one,) = office(lan, "one")
    wait_ready(one.mainstayd(fast()))
    wait_holds(one)
    saved = ctl(one, "record", "save", "/run/saved.rec")
    assert saved.returncode == 0, saved.stderr
    return one.path("/run/saved.rec").read_bytes()


def replay(path):
    done = subprocess.run([program("mainstayctl"), "replay", path], capture_output=True, text=True, errors="replace", timeout=60,
                          check=False)
    return done.returncode, done.stdout, done.stderr


def test_a_record_of_another_version_or_with_other_bytes_is_refused_with_the_reason(record, tmp_path):
    path = tmp_path / "some.rec"

    def refusal(data):
        path.write_bytes(data)
        code, out, err = replay(path)
        assert (code, out) == (2, ""), (code, out, err)
        assert err.startswith("mainstayctl: ") and err.count("\n") == 1, err
        return err.removeprefix(f"mainstayctl: {path}: ").strip()

    path.write_bytes(record)
    assert replay(path)[0] == 0
    assert record_of(record, segments_of(record)) == record
    end = record.index(b"\0", 16)
    version = record[16:end].decode()
    assert refusal(record[:8] + struct.pack("=I", 9) + record[12:]) == "the record has format 9; this program reads format 3"
    assert refusal(record[:16] + b"9.8.7".ljust(48, b"\0") + record[64:]) == (
        f"the record is from version 9.8.7; this is version {version}, and only the same version can replay it")
    assert refusal(record[:16] + b"\x1b[2J".ljust(48, b"\0") + record[64:]) == "the record is damaged: its version"
    assert refusal(record + b"x") == "the record is damaged: something follows its end"
    assert refusal(record_of(record, [])) == "the record is damaged: it is empty"
    assert refusal(record_of(record, [((7, 1), b"x")])) == "the record is damaged: a part is of an unknown process"
    assert refusal(record_of(record, segments_of(record) * 3)) == "the record is damaged: it has too many parts"
    assert refusal(record[:HEADER + SAVED] + b"\x01\x00\x01" + 8 * b"\0" + b"\xff" * 9 + b"\x01") == "the record is damaged: it ends early"
    for size in (0, 7, 63, 64, 72, 73, 100, len(record) // 2, len(record) - 1):
        assert refusal(record[:size]) in ("this is not a flight record: it is too short", "the record is damaged: it ends early"), size
    path.unlink()
    os.mkfifo(path)
    code, _, err = replay(path)
    assert code == 2 and err.count("\n") == 1, err


def test_a_record_that_an_enemy_made_with_right_checksums_ends_in_a_message_or_a_difference(record, tmp_path):
    path = tmp_path / "hostile.rec"
    which, body = segments_of(record)[0]
    chance = random.Random(7)
    for _ in range(150):
        changed = bytearray(body)
        for _ in range(chance.choice((1, 1, 3, 20))):
            changed[chance.randrange(len(changed))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        if chance.random() < 0.2:
            del changed[chance.randrange(len(changed)):]
        path.write_bytes(record_of(record, [(which, bytes(changed))]))
        code, _, err = replay(path)
        assert code in (0, 1, 2), (code, err)
        assert "ended by signal" not in err, (err, changed.hex())
        assert (code == 2) == err.startswith("mainstayctl: "), (code, err)
        assert err.count("\n") <= 1, err


def test_names_in_a_record_do_not_reach_the_terminal_as_commands(record, tmp_path):
    path = tmp_path / "escape.rec"
    path.write_bytes(record_of(record, [(which, body.replace(b"VI_1", b"\x1b[2J")) for which, body in segments_of(record)]))
    code, out, err = replay(path)
    assert code in (0, 1, 2)
    assert "\x1b" not in out + err, out + err
