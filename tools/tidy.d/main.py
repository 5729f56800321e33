"""Looks at the sources with clang-tidy, several at a time as one translation unit (tools/tidy says why)."""

import argparse
import concurrent.futures
import json
import os
import pathlib
import random
import re
import shlex
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("MAINSTAY_BUILD", "build-single")
UNITS = BUILD / "tidy"
VERSION = 19
TOGETHER_MAX = 40  # sources in one unit; more take too much memory at once
UNIT_SECONDS = 900  # above what the largest takes on a busy machine
FINDING = re.compile(r"^(\S+?):(\d+):(\d+): (?:warning|error): (.*) \[([a-z0-9.,-]+)\]$", re.MULTILINE | re.IGNORECASE)
# What stands at the start of a line defines a name for the whole file; what is in a class or function is indented.
DEFINES = re.compile(r"^(?!namespace|using [\w:]+;)(?:[A-Za-z_][\w:<>,&*\s\[\]]*?[\s&*]|#define )(\w+)\s*(?:[({=;\[]|$)", re.MULTILINE)
# What two sources may say alike, but not differently.
ALIASES = re.compile(r"^(?:using (?:[\w:]+::)?(\w+);|namespace (\w+) = [\w:]+;)", re.MULTILINE)
# Names that no library has: in a unit each source gets its own, and so they hinder nobody.
RENAMED = re.compile(r"k[A-Z]\w*|main")
DOES_NOT_COMPILE = "clang-diagnostic-error"


def the_program():
    """The path of a clang-tidy of that version, or None."""
    for name in (f"clang-tidy-{VERSION}", "clang-tidy"):
        path = shutil.which(name)
        if path:
            said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
            found = re.search(r"version (\d+)\.", said)
            if found and int(found[1]) == VERSION:
                return path
    return None


def module_of(path):
    return path.relative_to(TOP / "src").parts[0]


def room_of(path):
    """What may be looked at together: a module, and of the roles a room."""
    return path.parent if module_of(path) == "role" else module_of(path)


def sources():
    """{source: the compiler's options for it} of src/, as the build has them; all of a module get all of its options."""
    of_module, paths = {}, set()
    for entry in json.loads((BUILD / "compile_commands.json").read_text(encoding="utf-8")):
        path = pathlib.Path(os.path.normpath(pathlib.Path(entry["directory"]) / entry["file"]))
        if path.is_relative_to(TOP / "src"):
            # Some pkg-config files write the folder as a word of its own.
            words = shlex.split(re.sub(r" -isystem ", " -isystem", entry["command"]))
            options = [word for word in words if re.match(r"-(D|std=|isystem|I/|I\.\./include$|I\.\./src$)", word) and "FORTIFY" not in word]
            of_module.setdefault(module_of(path), {}).update(dict.fromkeys(options))
            paths.add(path)
    return {path: tuple(of_module[module_of(path)]) for path in paths}


def names_in(path):
    """{name: who gives it its meaning}: an alias, which others may repeat, or this source alone."""
    text = path.read_text(encoding="utf-8")
    aliases = {match[1] or match[2]: match[0] for match in ALIASES.finditer(text)}
    return aliases | {name: str(path) for name in DEFINES.findall(text)}


def included(path, number):
    """The line of a unit that includes a source, between others that rename what it may have in common with the next."""
    renamed = sorted(name for name in names_in(path) if RENAMED.fullmatch(name))
    before = "".join(f"#define {name} {name}{number}\n" for name in renamed)
    return f'{before}#include "{path}"  // NOLINT\n' + "".join(f"#undef {name}\n" for name in renamed)


def units_of(options_of, singly):
    """[[source, ...]]: what is looked at together. Of one module or room, and no name twice."""
    units = []
    for path in sorted(options_of):
        names = {name: whose for name, whose in names_in(path).items() if not RENAMED.fullmatch(name)}
        for unit in units:
            fits = all(unit["names"].get(name, whose) == whose for name, whose in names.items())
            if not singly and unit["room"] == room_of(path) and len(unit["sources"]) < TOGETHER_MAX and fits:
                break
        else:
            unit = {"room": room_of(path), "sources": [], "names": {}}
            units.append(unit)
        unit["sources"].append(path)
        unit["names"] |= names
    return [unit["sources"] for unit in units]


def look(program, paths, options):
    """The findings {(file, line, column, check): text} in these sources, taken as one."""
    unit = UNITS / ("+".join([paths[0].relative_to(TOP / "src").with_suffix("").as_posix().replace("/", "-"), str(len(paths))]) + ".cpp")
    unit.write_text("".join(included(path, number) for number, path in enumerate(paths)), encoding="utf-8")
    looked_at = [unit] if len(paths) > 1 else paths
    try:
        done = subprocess.run([program, "--quiet", f"--config-file={TOP}/.clang-tidy", *looked_at, "--", *options], cwd=BUILD,
                              capture_output=True, text=True, check=False, timeout=UNIT_SECONDS)
    except subprocess.TimeoutExpired:
        return {(str(paths[0].relative_to(TOP)), 1, 1, "took-too-long"): f"more than {UNIT_SECONDS} s"}
    found = {}
    for file, line, column, text, check in FINDING.findall(done.stdout):
        name = os.path.relpath(os.path.normpath(BUILD / file), TOP)
        found[name, int(line), int(column), check.removesuffix(",-warnings-as-errors")] = text
    if done.returncode and not found:
        found[str(paths[0].relative_to(TOP)), 1, 1, DOES_NOT_COMPILE] = f"status {done.returncode}: {done.stderr[-500:]}"
    if len(paths) > 1 and any(DOES_NOT_COMPILE in check for *_, check in found):
        named = {TOP / name for name, *_, check in found if DOES_NOT_COMPILE in check}
        alone = [path for path in paths if path in named] or paths
        rest = [path for path in paths if path not in alone]
        print("tidy: by itself, because it does not compile with others:", *(path.name for path in alone), file=sys.stderr)
        return {key: text for part in [*([path] for path in alone), rest] if part
                for key, text in look(program, part, options).items()}
    return found


def share_of(units, share):
    if share is None:
        return units
    which, count = share.split("/")
    number = random.randint(1, int(count)) if which == "random" else int(which)
    print(f"tidy: share {number}/{count} (tools/tidy --share {number}/{count} looks at it again)", flush=True)
    return units[number - 1::int(count)]


def cannot_run(why):
    print(f"tidy: {why}", file=sys.stderr)
    return 2


def main():
    words = argparse.ArgumentParser(prog="tools/tidy")
    words.add_argument("files", nargs="*")
    words.add_argument("--share")
    words.add_argument("--jobs", type=int, default=2)
    words.add_argument("--singly", action="store_true")
    asked = words.parse_args()
    if asked.share and not re.fullmatch(r"(random|[1-9]\d*)/[1-9]\d*", asked.share):
        words.error("--share takes K/N or random/N")
    program = the_program()
    if program is None:
        return cannot_run(f"there is no clang-tidy {VERSION}: tools/setup --test installs it")
    if not (BUILD / "compile_commands.json").exists():
        return cannot_run(f"{BUILD.name}/ is not set up: tools/setup --build")
    options_of = sources()
    if asked.files:
        wanted = {pathlib.Path(file).resolve() for file in asked.files}
        for path in sorted(wanted - set(options_of)):
            return cannot_run(f"{path} is no source of src/ that the build compiles")
        options_of = {path: options_of[path] for path in wanted}
    UNITS.mkdir(parents=True, exist_ok=True)
    units = share_of(units_of(options_of, asked.singly), asked.share)
    found = {}
    with concurrent.futures.ThreadPoolExecutor(asked.jobs) as pool:
        looks = [pool.submit(look, program, unit, options_of[unit[0]]) for unit in units]
        for done in concurrent.futures.as_completed(looks):
            more = done.result()
            for key in sorted(set(more) - set(found)):
                print("{}:{}:{}: {} [{}]".format(*key[:3], more[key], key[3]), flush=True)
            found |= more
    looked_at = sum(len(unit) for unit in units)
    print(f"tidy: {len(found)} findings in {looked_at} of {len(sources())} sources")
    return 1 if found else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
