"""plant.py SOURCE_FOLDER OUTPUT_FOLDER ROLE NAME...: copies of the files NAME.cpp with all the faults of plants.py in them.

Each fault is behind the variable `planted`, so that one program holds them all; it takes the number from its environment.
What is shipped is compiled from the files as they are.
"""

import collections
import pathlib
import re
import sys

from plants import PLANTS, VARIABLE, files, planted_name


def chain(original, faults):
    """The code as it is, behind a test for each fault that may stand in its place."""
    if original.endswith((";", "}")):
        tests = "".join(f"if (::mainstay::oracle::planted == {number}) {{ {code} }} else " for number, code in faults)
        return f"{tests}{{ {original} }}"
    text = f"({original})"
    for number, code in faults:
        text = f"(::mainstay::oracle::planted == {number} ? ({code}) : {text})"
    return text


def with_full_includes(text, source, folder):
    """The copy lies elsewhere: what it includes from beside its original is named from the source folder on."""
    def full(match):
        beside = folder / match.group(1)
        return f'#include "{beside}"' if (source / beside).is_file() else match.group(0)
    return re.sub(r'#include "([^"]+)"', full, text)


def plant(text, rows, file, header):
    by_original = collections.defaultdict(list)
    for number, (_, _, _, _, original, fault) in rows:
        by_original[original].append((number, fault))
    for original, faults in by_original.items():
        if text.count(original) != 1:
            sys.exit(f"plants.py: {file} has this {text.count(original)} times instead of once:\n{original}")
        text = text.replace(original, chain(original, faults))
    return f'#include "{header}"\n#line 1 "{file}"\n{text}'


def main(source, output, role, names):
    numbered = list(enumerate(PLANTS, 1))
    header = f"planted_{role}.hpp"
    wanted = [f"{name}.cpp" for name in names]
    for file in files(role):
        if file not in wanted:
            sys.exit(f"tests/oracle/meson.build: {file} has faults in plants.py and is not in the list of {role}")
    for file in wanted:
        rows = [(number, row) for number, row in numbered if row[2] == file]
        text = with_full_includes((source / file).read_text(encoding="utf-8"), source, pathlib.PurePath(file).parent)
        (output / planted_name(file)).write_text(plant(text, rows, file, header), encoding="utf-8")
    (output / header).write_text(
        "#pragma once\n#include <cstdlib>\nnamespace mainstay::oracle {\n// The number of the fault; 0: none.\n"
        f'inline const int planted = std::getenv("{VARIABLE}") ? std::atoi(std::getenv("{VARIABLE}")) : 0;\n}}\n',
        encoding="utf-8")


main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3], sys.argv[4:])
