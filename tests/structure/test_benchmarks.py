"""README's figures are those of docs/benchmarks.md, which tools/bench all makes."""
import re
import sys

from support.paths import TOP

sys.path.insert(0, str(TOP / "tools/bench.d"))

from figures import short  # noqa: E402

# README's row, the line of the page it is from, and the unit that README gives.
FIGURES = {
    "5,000 services with 20,000 servers, from the start to the whole table (lab)":
        ("5,000 services of 4 servers: from the start to the last server", "s"),
    "`-t` on that file, over an empty one": ("-t of 5,000 virtual servers, over an empty file: processor time", "ms"),
}


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split(" | ")]


def lines_of_the_page():
    """{what: (unit, mainstay's median, keepalived's)}"""
    page = (TOP / "docs/benchmarks.md").read_text(encoding="utf-8")
    rows = [cells(line) for line in page.splitlines() if line.startswith("| ") and " / " in line]
    return {row[0]: (row[1], *(cell.split(" / ")[1] if " / " in cell else None for cell in row[2:4])) for row in rows}


def test_the_figures_of_readme_are_those_of_the_page():
    measured = lines_of_the_page()
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    for row, (what, unit) in FIGURES.items():
        assert measured[what][0] == unit
        assert f"| {row} | {measured[what][1]} {unit} | {measured[what][2]} {unit} |" in readme, what


def test_every_comparison_has_its_section_with_machine_and_commit():
    page = (TOP / "docs/benchmarks.md").read_text(encoding="utf-8")
    comparisons = {path.name.removeprefix("bench-").removesuffix(".py") for path in (TOP / "tools").glob("bench-*.py")} - {"all"}
    table = (TOP / "tools/bench-all.py").read_text(encoding="utf-8")
    for name in comparisons:
        title = re.search(rf'^    "{name}": \("([^"]*)"', table, re.M)
        assert title, f"tools/bench-all.py does not know {name}"
        section = page.split(f"\n## {title.group(1)}\n", 1)
        assert len(section) == 2, f"docs/benchmarks.md has no section of {name}"
        assert re.search(r"mainstay at [0-9a-f]{8}, 20\d\d-\d\d-\d\d\.", section[1].split("\n## ")[0]), name


def test_figures_have_three_digits_that_count():
    assert [short(value) for value in (0, 0.0578, 0.4489, 1.5617, 27.54, 298.9, 1384.2)] == \
        ["0", "0.0578", "0.449", "1.56", "27.5", "299", "1,384"]
