"""The pure modules see of the system what pure.txt allows by name, in their includes and in the symbols of their libraries."""

import functools
import pathlib
import re
import shutil
import subprocess

import pytest

from support.paths import BUILD, TOP

PURE = ["base", "wire", "netlink", "config", "vrrp", "bfd", "lvs", "record", "report"]
LIST = TOP / "tests" / "structure" / "pure.txt"
LINE = re.compile(r"(header|symbol)\s+(\S+)\s+(.+?)(?:\s+# .*)?")
INCLUDE = re.compile(r"\s*#\s*include\s*(<[^>]+>)")


@functools.cache
def allowed():
    """{(kind, scope): [pattern, ...]}"""
    found = {}
    for line in LIST.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            match = LINE.fullmatch(line)
            assert match, f"pure.txt: {line}"
            found.setdefault((match[1], match[2]), []).append(re.compile(match[3]))
    return found


def is_allowed(kind, module, source, name):
    return any(pattern.fullmatch(name) for scope in ("*", module, source) for pattern in allowed().get((kind, scope), []))


def sources():
    """(module, path) of each file of the pure modules."""
    for module in PURE:
        for folder in (TOP / "include" / "mainstay" / module, TOP / "src" / module):
            for path in sorted(folder.rglob("*.[ch]pp")):
                yield module, path


def wanted_symbols(module):
    """(sources, symbol) of what a module's library wants and no pure module has. An object is named after its source; one of
    a unity build stands for several, of which any may be the one that wants it."""
    source_of = {str(path.relative_to(TOP / "src" / module)).replace("/", "_"): [str(path.relative_to(TOP))]
                 for path in (TOP / "src" / module).rglob("*.cpp")}
    for path in (BUILD / "src" / module).glob(f"libmainstay_{module}*.a.p/*-unity*.cpp"):
        names = re.findall(r'#include\s*[<"]([^>"]+)', path.read_text(encoding="utf-8"))
        source_of[f"meson-generated_{path.name}"] = [f"src/{name.rpartition('/src/')[2]}" for name in names]
    return sorted((source_of.get(pathlib.Path(object_name).name.removesuffix(".o"), [object_name]), symbol)
                  for object_name, symbol in undefined(module) if symbol not in own_symbols())


def libraries(module):
    return sorted((BUILD / "src" / module).glob(f"libmainstay_{module}*.a"))


def nm(module, which):
    """(object, demangled symbol) as nm lists them."""
    done = subprocess.run(["nm", "-A", "-C", which, *libraries(module)], capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        match = re.fullmatch(r"\S+?\.a:(\S+?):[0-9a-f ]+ (\w) (.+)", line)
        if match:
            yield match[1], re.sub(r"^(non-virtual thunk to|vtable for|typeinfo for|typeinfo name for|VTT for|guard variable for) ", "", match[3]), match[2]


def undefined(module):
    return {(name, symbol) for name, symbol, _ in nm(module, "--undefined-only")}


@functools.cache
def own_symbols():
    return {symbol for module in PURE for _, symbol, _ in nm(module, "--defined-only")}


def why_not_to_be_looked_at():
    if not shutil.which("nm"):
        return "there is no nm"
    missing = [module for module in PURE if not libraries(module)]
    if missing:
        return f"{BUILD.name}/ has no library of {', '.join(missing)}"
    if "__asan_init" in {symbol for _, symbol in undefined("base")}:
        return f"{BUILD.name}/ is built with a sanitizer, which adds symbols of its own"
    # fmt::format_to() alone makes the compiler define detail::vformat_to<char>(): that is not fmt compiled in.
    if any(re.match(r"fmt::v\d+::vformat(\[abi:\w+\])?\(", symbol) for symbol in own_symbols()):
        return f"{BUILD.name}/ has fmt compiled in, with all that it wants"
    return None


def test_a_pure_module_includes_only_the_headers_of_its_list():
    complaints = []
    for module, path in sources():
        name = str(path.relative_to(TOP))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if match and not is_allowed("header", module, name, match[1]):
                complaints.append(f"{name}:{number}: {module} is pure and includes {match[1]}, which is not in pure.txt")

    assert not complaints, "\n".join(complaints)


def test_the_library_of_a_pure_module_wants_only_the_symbols_of_its_list():
    reason = why_not_to_be_looked_at()
    if reason:
        pytest.skip(reason)
    complaints = []
    for module in PURE:
        for names, symbol in wanted_symbols(module):
            if not any(is_allowed("symbol", module, name, symbol) for name in names):
                complaints.append(f"{' or '.join(names)}: {module} is pure and wants {symbol}, which is not in pure.txt")

    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize("kind,module,source,name,expected", [
    ("header", "vrrp", "src/vrrp/x.cpp", "<vector>", True),
    ("header", "vrrp", "src/vrrp/x.cpp", "<sys/socket.h>", False),
    ("header", "lvs", "src/lvs/x.cpp", "<boost/asio/io_context.hpp>", False),
    ("header", "lvs", "src/lvs/x.cpp", "<thread>", False),
    ("header", "lvs", "src/lvs/x.cpp", "<random>", False),
    ("header", "config", "src/config/x.cpp", "<fstream>", True),
    ("header", "wire", "src/wire/x.cpp", "<fstream>", False),
    ("header", "config", "src/config/load.cpp", "<unistd.h>", False),
    ("header", "config", "src/config/language/files.cpp", "<unistd.h>", True),
    ("symbol", "vrrp", "src/vrrp/x.cpp", "memcpy", True),
    ("symbol", "vrrp", "src/vrrp/x.cpp", "__memcpy_chk", True),
    ("symbol", "vrrp", "src/vrrp/x.cpp", "operator new(unsigned long)", True),
    *[("symbol", "vrrp", "src/vrrp/x.cpp", name, False)
      for name in ("time", "clock_gettime", "rand", "getenv", "socket", "read", "open64", "system", "localtime_r", "close",
                   "std::chrono::_V2::steady_clock::now()", "std::chrono::_V2::system_clock::now()",
                   "std::random_device::_M_getval()", "std::thread::_M_start_thread(std::unique_ptr<std::thread::_State>, void (*)())",
                   "std::filesystem::status(std::filesystem::path const&)", "std::cout", "mainstay::kernel::now()")],
])
def test_the_rules_of_the_list_can_fail(kind, module, source, name, expected):
    assert is_allowed(kind, module, source, name) == expected


def test_each_source_that_the_list_names_is_there():
    scopes = {scope for _, scope in allowed()}

    assert not [scope for scope in scopes if scope not in ("*", *PURE) and not (TOP / scope).is_file()]
