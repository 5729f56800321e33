"""Paths that the documents name exist: whoever follows a walk through the files arrives."""

import pathlib
import re

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/oracle.md", "docs/what-works.md"]
MODULES = "base|wire|netlink|config|vrrp|bfd|lvs|kernel|ipc|probe|alert|role|cli"


def named_paths(text):
    """`vrrp/router.cpp` and `src/config/load.cpp`, not `src/config/schema/*.cpp`."""
    return re.findall(rf"`((?:src/|include/mainstay/)?(?:{MODULES})/[\w/]+\.(?:cpp|hpp))`", text)


def exists(path):
    name = re.sub("^(src/|include/mainstay/)", "", path)
    return any((TOP / folder / name).is_file() for folder in ("src", "include/mainstay"))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_source_that_a_document_names_exists(document):
    gone = [path for path in named_paths((TOP / document).read_text(encoding="utf-8")) if not exists(path)]

    assert not gone, f"{document} names {', '.join(gone)}"


def test_the_rule_itself_can_fail():
    assert named_paths("see `vrrp/router.cpp` and `src/role/gone.cpp`") == ["vrrp/router.cpp", "src/role/gone.cpp"]
    assert exists("vrrp/router.cpp") and not exists("src/role/gone.cpp")
