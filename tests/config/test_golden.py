"""The diagnostics of real files, as they were reviewed: codes and places (golden.py writes them anew).

The collection lies beside some checkouts (../shared/corpus); where it is not there, the test says so and passes over.
"""

import importlib.util
import pathlib

import pytest

from support.needs import needs_root

SPEC = importlib.util.spec_from_file_location("golden", pathlib.Path(__file__).with_name("golden.py"))
golden = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(golden)


def test_each_golden_file_has_codes_and_places_only():
    """Also without the collection: nothing of the files themselves may be in them."""
    for path in golden.GOLDEN.glob("*.txt"):
        wrong = [line for line in path.read_text(encoding="utf-8").splitlines() if not golden.LINE.fullmatch(line)]
        assert wrong == [], path.name


def test_each_collected_file_gives_the_diagnostics_that_were_reviewed():
    paths = golden.files()
    if not paths:
        pytest.skip(f"there is no {golden.CORPUS}")
    different = []
    for path in paths:
        wanted = golden.golden_of(path)
        lines = wanted.read_text(encoding="utf-8").splitlines() if wanted.is_file() else []
        needs_root()
        if (said := golden.said_of(path)) != lines:
            gone = [f"  - {line}" for line in lines if line not in said]
            new = [f"  + {line}" for line in said if line not in lines]
            different.append("\n".join([path.name, *gone, *new]))
    assert not different, "\n".join(different) + "\nafter a review: python3 tests/config/golden.py"


def test_every_golden_file_is_that_of_a_collected_file():
    paths = golden.files()
    if not paths:
        pytest.skip(f"there is no {golden.CORPUS}")
    assert {path.stem for path in golden.GOLDEN.glob("*.txt")} <= {path.stem for path in paths}
