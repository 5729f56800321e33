"""plant.py SOURCE_FOLDER OUTPUT_FOLDER: copies of the files that plants.py names, with all its faults in them.

Each fault is behind the variable `planted`, so that one program holds them all; it takes the number from its environment.
What is shipped is compiled from the files as they are.
"""

import collections
import pathlib
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


def plant(text, rows, file):
    by_original = collections.defaultdict(list)
    for number, (_, _, _, _, original, fault) in rows:
        by_original[original].append((number, fault))
    for original, faults in by_original.items():
        if text.count(original) != 1:
            sys.exit(f"plants.py: {file} has this {text.count(original)} times instead of once:\n{original}")
        text = text.replace(original, chain(original, faults))
    return f'#include "planted.hpp"\n#line 1 "{file}"\n{text}'


def main(source, output):
    numbered = list(enumerate(PLANTS, 1))
    for file in files():
        rows = [(number, row) for number, row in numbered if row[2] == file]
        text = plant((source / file).read_text(encoding="utf-8"), rows, file)
        (output / planted_name(file)).write_text(text, encoding="utf-8")
    (output / "planted.hpp").write_text(
        "#pragma once\n#include <cstdlib>\nnamespace mainstay::oracle {\n// The number of the fault; 0: none.\n"
        f'inline const int planted = std::getenv("{VARIABLE}") ? std::atoi(std::getenv("{VARIABLE}")) : 0;\n}}\n',
        encoding="utf-8")


main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
