"""changelog.py version | debian EPOCH | rpm EPOCH | notes

Reads CHANGELOG.md and prints the newest version, a debian/changelog, a %changelog section, or the notes of the newest
version. EPOCH is the time of a version that is not released yet, in seconds, as in SOURCE_DATE_EPOCH.
"""

import datetime
import pathlib
import re
import sys
import textwrap

TOP = pathlib.Path(__file__).resolve().parents[2]
MAINTAINER = "mainstay developers <mainstay@localhost>"
HEADING = re.compile(r"## (\d+(?:\.\d+)+) - (unreleased|\d{4}-\d{2}-\d{2})")
WIDTH = 78
# English, whatever the locale.
DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


class Version:
    def __init__(self, number, date):
        self.number = number
        self.date = date  # "unreleased" or YYYY-MM-DD
        self.changes = []

    def time(self, epoch):
        if self.date == "unreleased":
            return datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc)
        return datetime.datetime.fromisoformat(self.date).replace(hour=12, tzinfo=datetime.timezone.utc)


def read(text):
    """The versions, newest first. Anything that is neither a heading, an item nor its continuation is refused."""
    versions = []
    for number, line in enumerate(text.splitlines(), 1):
        heading = HEADING.fullmatch(line)
        if heading:
            versions.append(Version(*heading.groups()))
        elif not versions or not line:
            continue  # the introduction
        elif line.startswith("* "):
            versions[-1].changes.append(line[2:])
        elif line.startswith("  ") and versions[-1].changes:
            versions[-1].changes[-1] += " " + line.strip()
        else:
            raise ValueError(f"CHANGELOG.md:{number}: neither a version, a list item nor its continuation: {line}")
    if not versions or any(not version.changes for version in versions):
        raise ValueError("CHANGELOG.md: no version, or a version without a change")
    if any(version.date == "unreleased" for version in versions[1:]):
        raise ValueError("CHANGELOG.md: only the newest version may be unreleased")
    return versions


def wrapped(change, first, rest):
    return textwrap.fill(change.replace("`", ""), WIDTH, initial_indent=first, subsequent_indent=rest,
                         break_long_words=False, break_on_hyphens=False)


def debian(versions, epoch):
    blocks = []
    for version in versions:
        time = version.time(epoch)
        day, month = DAYS[time.weekday()], MONTHS[time.month - 1]
        changes = "\n".join(wrapped(change, "  * ", "    ") for change in version.changes)
        blocks.append(f"mainstay ({version.number}) unstable; urgency=medium\n\n{changes}\n\n"
                      f" -- {MAINTAINER}  {day}, {time:%d} {month} {time:%Y %H:%M:%S} +0000\n")
    return "\n".join(blocks)


def rpm(versions, epoch):
    blocks = []
    for version in versions:
        time = version.time(epoch)
        day, month = DAYS[time.weekday()], MONTHS[time.month - 1]
        changes = "\n".join(wrapped(change, "- ", "  ") for change in version.changes).replace("%", "%%")
        blocks.append(f"* {day} {month} {time:%d} {time:%Y} {MAINTAINER} - {version.number}-1\n{changes}\n")
    return "\n".join(blocks)


FORMATS = {"debian": debian, "rpm": rpm}


def main(arguments):
    versions = read((TOP / "CHANGELOG.md").read_text(encoding="utf-8"))
    if arguments == ["version"]:
        print(versions[0].number)
    elif arguments == ["notes"]:
        print("\n".join(f"* {change}" for change in versions[0].changes))
    elif len(arguments) == 2 and arguments[0] in FORMATS and arguments[1].isdigit():
        print(FORMATS[arguments[0]](versions, int(arguments[1])), end="")
    else:
        sys.exit(__doc__.splitlines()[0])


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (OSError, ValueError) as problem:
        sys.exit(f"changelog: {problem}")
