"""Writes C++ with the page's files in it: embed.py OUTPUT FILE... (its own name among them is passed over)"""

import pathlib
import sys

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8"}
DELIMITER = "page_file"

output, *names = sys.argv[1:]
rows = []
for name in names:
    path = pathlib.Path(name)
    if path.suffix == ".py":
        continue
    text = path.read_text(encoding="utf-8")
    assert f'){DELIMITER}"' not in text, name
    served = "/" if path.name == "index.html" else f"/page/{path.name}"
    rows.append(f'    {{"{served}", "{TYPES[path.suffix]}", R"{DELIMITER}({text}){DELIMITER}"}},\n')
pathlib.Path(output).write_text(
    '#include "role/observer/page_assets.hpp"\n\nnamespace mainstay::role {\n\n'
    f"constexpr PageAsset kAssets[] = {{\n{''.join(rows)}}};\n\n"
    "std::span<const PageAsset> page_assets() { return kAssets; }\n\n}  // namespace mainstay::role\n", encoding="utf-8")
