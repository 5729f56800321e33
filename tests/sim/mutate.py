"""mutate.py SOURCE_FOLDER OUTPUT_FOLDER [MODULE]: copies of a module's files with the bugs of mutations.py in them.

MODULE is another list than mutations.py: the path of a Python file that has MUTATIONS.

Every bug is behind the variable `planted`, so that one program holds them all and each file is compiled once; what is
shipped is compiled from the files as they are. Also writes planted.hpp with the list.
"""

import collections
import importlib
import pathlib
import sys


def statements(code):
    return code.endswith((";", "}"))


def chain(original, bugs):
    """The code as it is, behind a test for each bug that may stand in its place."""
    if statements(original):
        tests = "".join(f"if (::mainstay::sim::planted == {number}) {{ {code} }} else " for number, code in bugs)
        return f"{tests}{{ {original} }}"
    text = f"({original})"
    for number, code in bugs:
        text = f"(::mainstay::sim::planted == {number} ? ({code}) : {text})"
    return text


def mutate(text, rows, file):
    by_original = collections.defaultdict(list)
    for number, (_, _, _, original, bug) in rows:
        by_original[original].append((number, bug))
    places = []
    for original, bugs in by_original.items():
        if text.count(original) != 1:
            sys.exit(f"mutations.py: {file} has this {text.count(original)} times instead of once:\n{original}")
        places.append((text.index(original), original, chain(original, bugs)))
    for at, original, replacement in sorted(places, reverse=True):
        text = text[:at] + replacement + text[at + len(original):]
    return f'#include "planted.hpp"\n#line 1 "{file}"\n{text}'


def main(source, output, listed):
    sys.path.insert(0, str(listed.parent))
    numbered = list(enumerate(importlib.import_module(listed.stem).MUTATIONS, 1))
    for file in sorted({row[1] for _, row in numbered}):
        rows = [(number, row) for number, row in numbered if row[1] == file]
        text = mutate((source / file).read_text(encoding="utf-8"), rows, file)
        (output / f"mutated_{file}").write_text(text, encoding="utf-8")
    table = "".join(f'    {{"{name}", "{what}"}},\n' for _, (name, _, what, _, _) in numbered)
    (output / "planted.hpp").write_text(
        "#pragma once\nnamespace mainstay::sim {\ninline int planted = 0;  // number of the bug; 0: none\n"
        "struct Mutation { const char* name; const char* what; };\n"
        f"inline constexpr Mutation kMutations[] = {{\n{table}}};\n}}\n", encoding="utf-8")


main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]),
     pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else pathlib.Path(__file__).parent / "mutations.py")
