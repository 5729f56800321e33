"""Puts the row that CONTRIBUTING.md shows into a copy of a table of rows: insert_row.py CONTRIBUTING.md TABLE OUT"""

import re
import sys

guide, table, out = sys.argv[1:]
with open(guide, encoding="utf-8") as file:
    rows = re.findall(r"^```cpp\n(    row\(Block::.*?\),\n)```$", file.read(), re.S | re.M)
if len(rows) != 1:
    sys.exit(f"{guide}: expected one row of the schema, found {len(rows)}")
with open(table, encoding="utf-8") as file:
    before, begin, after = file.read().partition("constexpr KeywordSpec kInstanceRows[]{\n")
if not begin:
    sys.exit(f"{table}: no table of rows")
with open(out, "w", encoding="utf-8") as file:
    file.write(before + begin + rows[0] + after)
