"""What the documents name exists: paths, tests, pages and their headings. Whoever follows a walk through them arrives."""

import pathlib
import re

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(str(path.relative_to(TOP)) for folder in (".", "docs", "docs/guide", "docs/decisions", "packaging/ansible", "packaging/container")
                   for path in (TOP / folder).glob("*.md"))
MODULES = "base|wire|netlink|config|vrrp|bfd|lvs|record|report|kernel|ipc|probe|alert|role|cli"
HISTORY = ("CHANGELOG.md", "docs/decisions/")  # they name what was there


def named_paths(text):
    """`vrrp/router.cpp` and `src/config/load.cpp`, not `src/config/schema/*.cpp`."""
    return re.findall(rf"`((?:src/|include/mainstay/)?(?:{MODULES})/[\w/]+\.(?:cpp|hpp))`", text)


def exists(path):
    name = re.sub("^(src/|include/mainstay/)", "", path)
    return any((TOP / folder / name).is_file() for folder in ("src", "include/mainstay"))


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if not name.startswith(HISTORY)])
def test_each_source_that_a_document_names_exists(document):
    gone = [path for path in named_paths((TOP / document).read_text(encoding="utf-8")) if not exists(path)]

    assert not gone, f"{document} names {', '.join(gone)}"


def anchors(page):
    """Of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def broken_links(document, text):
    broken = []
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)", text):
        page = (document.parent / target) if target else document
        if target.startswith(("http:", "https:")):
            continue
        if not page.exists() or (anchor and anchor not in anchors(page.read_text(encoding="utf-8"))):
            broken.append(f"{target}#{anchor}" if anchor else target)
    return broken


@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_link_of_a_document_leads_somewhere(document):
    assert broken_links(TOP / document, (TOP / document).read_text(encoding="utf-8")) == []


def test_a_link_to_nowhere_is_found():
    text = "[a](docs/gone.md) [b](README.md#gone) [c](README.md#two-commands) [d](https://example.org/x) [e](docs)"
    assert broken_links(TOP / "README.md", text) == ["docs/gone.md", "README.md#gone"]


def test_the_list_of_documents_has_each_of_them():
    listed = re.findall(r"\]\(([^)]+)\)", (TOP / "docs" / "README.md").read_text(encoding="utf-8"))
    pages = {name.removeprefix("docs/") for name in DOCUMENTS if re.fullmatch(r"docs/[^/]+\.md", name)}

    assert pages - set(listed) - {"README.md"} == {"compatibility.head.md", "metrics.head.md"}  # made into pages that are listed


def missing_tests(text):
    """Of the tests that a text names: files, functions of Python, and cases as `tests/x_test.cpp` ("case")."""
    files = [path for path in (TOP / "tests").rglob("*") if path.suffix in (".py", ".cpp")]
    functions = set(re.findall(r"^def (test_\w+)", "".join(f.read_text(encoding="utf-8") for f in files if f.suffix == ".py"), re.MULTILINE))
    named = set(re.findall(r"`((?:tests/)?[\w/]+_(?:test|fuzz)\.cpp|tests/[\w/]+\.py)`", text))
    missing = {name for name in named if not any(f"/{path.relative_to(TOP)}".endswith(f"/{name}") for path in files)}
    missing |= set(re.findall(r"`(test_\w+)`", text)) - functions
    for name, case in re.findall(r"`(tests/[\w/]+_test\.cpp)` \(\"([^\"]+)\"\)", text):
        if f'TEST_CASE("{case}"' not in (TOP / name).read_text(encoding="utf-8"):
            missing.add(case)
    return missing


def test_each_test_that_the_document_of_security_names_exists():
    assert missing_tests((TOP / "docs" / "security.md").read_text(encoding="utf-8")) == set()


def test_a_test_that_does_not_exist_is_found():
    text = '`tests/gone_test.cpp` `tests/host/test_gone.py` `test_that_is_gone` `tests/kernel/log_stream_test.cpp` ("a case that is gone")'
    assert missing_tests(text) == {"tests/gone_test.cpp", "tests/host/test_gone.py", "test_that_is_gone", "a case that is gone"}


def test_the_rule_itself_can_fail():
    assert named_paths("see `vrrp/router.cpp` and `src/role/gone.cpp`") == ["vrrp/router.cpp", "src/role/gone.cpp"]
    assert exists("vrrp/router.cpp") and not exists("src/role/gone.cpp")
