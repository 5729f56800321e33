"""What code reads of the configuration's values has a name with a type (keywords.hpp), with which its row is made.

The compiler refuses a row of another type. Here: nobody outside of config asks by a string, and no name is without a row or a reader.
"""

import re

from support.paths import TOP

SCHEMA = TOP / "src" / "config" / "schema"
KEYWORDS = (TOP / "include/mainstay/config/keywords.hpp").read_text(encoding="utf-8")


def names():
    """{identifier: name} of those that the schema knows."""
    return dict(re.findall(r'[ ,](\w+)\{"([^"]+)"', KEYWORDS.split("// ---- no keywords")[0]))


def sources():
    for folder in ("src", "include"):
        for file in sorted((TOP / folder).rglob("*.[ch]pp")):
            yield file, file.read_text(encoding="utf-8")


def test_no_value_is_looked_up_by_a_string_outside_of_config():
    asked = re.compile(r'KeywordName\{|Keyword<[\w:]+>\{"|\.keyword [=!]= "')
    found = [f"{file.relative_to(TOP)}: {match.group(0)}" for file, text in sources()
             if "config" not in file.relative_to(TOP).parts[1:3] for match in asked.finditer(text)]
    # A reload's differences are texts for people.
    assert [line for line in found if not line.startswith("src/role/reader/instance_diff.cpp")] == []


def test_each_keyword_has_a_row_of_the_schema():
    rows = "".join(file.read_text(encoding="utf-8") for file in SCHEMA.glob("*.cpp"))
    without = [name for identifier, name in names().items()
               if not re.search(rf'row\(\s*[\w:| ]+,\s*(keyword::{identifier}|"<?{re.escape(name)}>?"),', rows)]
    assert without == []


def test_each_keyword_has_a_reader():
    readers = "".join(text for _, text in sources())
    readers = re.sub(r"\brow\(\s*[\w:| ]+,\s*keyword::\w+", "", readers)
    assert [name for identifier, name in names().items() if not re.search(rf"keyword::{identifier}\b", readers)] == []
