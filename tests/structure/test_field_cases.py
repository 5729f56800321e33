"""docs/field-cases.md: every test that it names exists."""

import re

from support.paths import TOP

TABLE = TOP / "docs" / "field-cases.md"
ROW = re.compile(r"^\| \[(\d+)\]\(\S+/issues/(\d+)\) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$")


def rows(text):
    """(number, named tests) of each line of the table."""
    for line in text.splitlines():
        if line.startswith("| ["):
            found = ROW.match(line)
            assert found, f"this is no line of the table: {line}"
            assert found[1] == found[2], f"the link is another report's: {line}"
            yield int(found[1]), re.findall(r"`([^`]+)`", found[5])


def test_names(path):
    """The names of the tests in a file: functions of Python, cases of C++."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return set(re.findall(r"^def (test_\w+)\(", text, re.MULTILINE))
    cases = re.findall(r'^TEST_CASE\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)', text, re.MULTILINE)
    return {"".join(re.findall(r'"((?:[^"\\]|\\.)*)"', case)) for case in cases}


test_names.__test__ = False


def missing(text, top=TOP):
    """What a table names and is not there."""
    gone = []
    for number, named in rows(text):
        if not named:
            gone.append(f"{number} names no test")
        for test in named:
            file, _, name = test.partition("::" if "::" in test else ": ")
            path = top / file
            if not path.is_file() or name not in test_names(path):
                gone.append(f"{number}: {test}")
    return gone


def test_every_test_that_the_table_names_exists():
    assert missing(TABLE.read_text(encoding="utf-8")) == []


def test_each_report_stands_in_the_table_once_and_in_order():
    numbers = [number for number, _ in rows(TABLE.read_text(encoding="utf-8"))]
    assert numbers == sorted(set(numbers))
    assert len(numbers) > 60


def test_a_test_that_is_not_there_is_found_out(tmp_path):
    (tmp_path / "a_test.cpp").write_text('TEST_CASE("one thing" " and more") {\n}\n', encoding="utf-8")
    (tmp_path / "test_b.py").write_text("def test_b():\n    pass\n", encoding="utf-8")
    line = "| [7](https://github.com/acassen/keepalived/issues/7) | wrong | right | {} |\n"
    assert missing(line.format("`a_test.cpp: one thing and more`<br>`test_b.py::test_b`"), tmp_path) == []
    for gone in ("a_test.cpp: one thing", "test_b.py::test_c", "test_c.py::test_b"):
        assert missing(line.format(f"`{gone}`"), tmp_path) == [f"7: {gone}"]
    assert missing(line.format("none"), tmp_path) == ["7 names no test"]
