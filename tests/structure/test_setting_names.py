"""A setting that a role or a rendering of its state looks up by its name is one that the schema stores there, in the type that is asked for.

The compiler cannot see a name that no row has, a row whose value goes to a member only, or another type: the look-up
finds nothing, and the default is taken for what the operator wrote.
"""

import re

from support.paths import TOP

FOLDERS = ["report", "report/snmp", "role/common", "role/observer", "role/reader", "role/snmp", "role/watcher"]
SCHEMA = TOP / "src" / "config" / "schema"
# By the shape of the arguments (args::...), the types that a stored value may have.
STORED = {"flag": {"bool"}, "boolean": {"bool"}, "integer": {"std::int64_t", "WordList"}, "seconds": {"Micros"},
          "millis": {"Micros"}, "whole_seconds": {"Micros", "WordList"}, "whole_seconds_or_bare": {"Micros"},
          "words": {"WordList"}, "short_word": {"WordList"}, "one_of": {"WordList"}, "address": {"IpAddress"},
          "prefix": {"Prefix", "WordList"}, "command": {"Command"}, "numbers": {"IntegerList", "WordList"},
          "joined": {"IntegerList", "WordList"}, "duration": {"Micros", "std::int64_t"}}
BLOCKS = {"opens", "entries", "items", "line"}
# Helpers of those folders, and the type that each of them reads.
HELPERS = {"has": "bool", "flag": "bool", "is_on": "bool", "weighs": "bool", "word": "WordList", "first_word": "WordList",
           "word_of": "WordList", "command_of": "Command", "take": "Micros"}
# Whose settings an expression means, where that can be told.
OWNERS = [("global", "GlobalDefs"), ("service", "Service"), ("server", "RealServer"), ("instance", "Instance"),
          (r"\bi\.more", "Instance"), ("vip", "VirtualAddresses"), ("root", "Root")]
LOOK_UP = re.compile(r"\b(value_of<([\w:]+)>|find_value|find_section|" + "|".join(HELPERS) + r")\(([^()\"]*(?:\([^()]*\))?[^()\"]*?),?\s*\"([^\"]+)\"\)")


def rows():
    """{name: [(blocks, shape of its arguments, whether its value is stored)]}"""
    found = {}
    for file in sorted(SCHEMA.glob("*.cpp")):
        whole = file.read_text(encoding="utf-8")
        for text in re.split(r"\n    \{(?=\.blocks)", whole)[1:]:
            where = text.split(",", 1)[0]
            if constant := re.match(r"\.blocks = (k\w+)", where):
                where = re.search(rf"BlockSet {constant.group(1)} =([^;]*);", whole).group(1)
            blocks = set(re.findall(r"Block::(\w+)", where))
            name = re.search(r'\.name = "([^"]*)"', text)
            if not name:
                continue
            shapes = [shape for shape in re.findall(r"args::(\w+)\(", text) if shape in STORED or shape in BLOCKS]
            stored = ".set = " not in text or ".from_store = true" in text
            keyword = name.group(1).strip("<>")
            found.setdefault(keyword, []).append((blocks, shapes[0] if shapes else "", stored))
    return found


def look_ups():
    for folder in FOLDERS:
        for file in sorted((TOP / "src" / folder).glob("*.[ch]pp")):
            for match in LOOK_UP.finditer(file.read_text(encoding="utf-8")):
                call, kind, where, name = match.group(1), match.group(2), match.group(3), match.group(4)
                if where.rstrip().endswith("+"):  # a part of a name
                    continue
                kind = kind.split("config::")[-1] if kind else HELPERS.get(call, call)
                yield f"{file.relative_to(TOP)}: {match.group(0)}", kind, where, name


def problem(schema, kind, where, name):
    owner = next((block for word, block in OWNERS if re.search(word, where)), None)
    lead = name.rsplit(" ", 1)[0]  # "weight reverse" is stored beside "weight"
    able = [row for row in schema.get(name, schema.get(lead, [])) if owner is None or owner in row[0]]
    if not able:
        return f"the schema has no {name}" + (f" in {owner}" if owner else "")
    if kind == "find_section":
        return None if any(shape in BLOCKS for _, shape, _ in able) else f"{name} is no block"
    able = [row for row in able if row[2]]
    if not able:
        return f"the value of {name} is not stored: its row has a setter and no from_store"
    if kind != "find_value" and not any(not shape or kind in STORED.get(shape, ()) for _, shape, _ in able):
        return f"{name} is not stored as {kind}"
    return None


def test_each_setting_that_is_looked_up_is_stored_under_that_name_and_type():
    schema = rows()
    every = list(look_ups())
    assert len(every) > 60
    wrong = [f"{place}: {why}" for place, kind, where, name in every if (why := problem(schema, kind, where, name))]
    assert not wrong, "\n".join(wrong)
