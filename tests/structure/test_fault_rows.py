"""docs/faults.md: each row names a test that exists, and each test that measures a fault has a row; those that show
what is known to be wrong (xfail) need none."""

import re

from support.fault_rows import TABLE, TOP, Seen, document, measuring_tests, rounded, rows_of
from support.fault_rows_elsewhere import ROWS, SECTIONS


def functions(path, which=""):
    return re.findall(rf"{which}^def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE)


def exists(test):
    path, _, name = test.partition("::")
    return (TOP / path).is_file() and name in functions(TOP / path)


def rows():
    return rows_of(TABLE.read_text(encoding="utf-8"))


def test_every_row_names_a_test_that_exists():
    assert [row for row in rows() if not exists(row["test"])] == []
    assert [row for row in ROWS if not exists(row[5])] == []


def test_every_test_that_measures_a_fault_has_a_row():
    named = {row["test"] for row in rows()}
    tests = [*measuring_tests("host"), *measuring_tests("lab")]
    files = {test.partition("::")[0] for test in tests}
    assert len(files) > 6 and len(tests) > 30
    known = [f"{path}::{name}" for path in files for name in functions(TOP / path, r"^@pytest.mark.xfail.*\n")]
    assert [test for test in tests if test not in named and test not in known] == []


def test_every_test_that_measures_is_known_as_one():
    """What opens site.fault() gets its site from shared_site(), so that tools/faults runs it."""
    tests, measuring = set(measuring_tests("host") + measuring_tests("lab")), 0
    for path in sorted((TOP / "tests").glob("*/test_*.py")):
        for function in re.split(r"^(?=def )", path.read_text(encoding="utf-8"), flags=re.MULTILINE):
            name = re.match(r"def (test_\w+)\(", function)
            if name and re.search(r"with \w*site\.fault\(|\bdrill\(", function):
                assert f"{path.relative_to(TOP)}::{name[1]}" in tests
                measuring += 1
    assert measuring > 30


def test_each_row_stands_once_in_a_known_section_and_says_something():
    found = [row["what"] for row in rows()]
    assert sorted(found) == sorted(set(found))
    assert {row["section"] for row in rows()} == set(SECTIONS)
    assert [row for row in rows() if "" in row.values()] == []


def test_rows_of_other_tests_are_in_the_table():
    written = {(row["section"], row["what"], row["peer"], row["clients"], row["lost"], row["test"]) for row in rows()}
    assert [row for row in ROWS if row not in written] == []


def test_the_document_is_read_as_it_was_written():
    text = TABLE.read_text(encoding="utf-8")
    assert document(text.partition("\n## ")[0], rows()) == text


class Heard:
    """A witness that has printed this."""

    def __init__(self, adverts=(), sent=(), answers=()):
        self.adverts, self.sent, self.answers = list(adverts), dict(sent), dict(answers)

    def read(self):
        return self


def adverts(source, first, count, priority=100):
    return [(first + 0.2 * number, source, priority) for number in range(count)]


def test_one_master_all_along_is_measured_as_such():
    seen = Seen(Heard(adverts("a", 10, 20)), Heard(), 10, 14)
    assert (seen.takeovers, seen.both, round(seen.gap, 3)) == (0, 0, 0.2)
    assert seen.peer_words() == "one master all along, no gap over 2 intervals"


def test_a_takeover_and_the_way_back_are_measured():
    heard = Heard(adverts("a", 10, 5) + adverts("b", 11.6, 9) + adverts("a", 13.25, 5))
    seen = Seen(heard, Heard(), 10, 15)
    assert (seen.takeovers, seen.both, seen.back, round(seen.gap, 2)) == (1, 0, True, 0.8)
    assert seen.peer_words() == "one takeover, after at most 4 intervals; back within 5 s"


def test_a_takeover_after_a_resignation_says_so():
    seen = Seen(Heard([*adverts("a", 10, 5), (11, "a", 0), *adverts("b", 11.1, 10)]), Heard(), 10, 14)
    assert seen.peer_words() == "one takeover, after a resignation"


def test_two_masters_at_once_are_measured():
    heard = Heard(sorted(adverts("a", 10, 20) + adverts("b", 11.1, 6)))
    seen = Seen(heard, Heard(), 10, 15)
    assert (seen.takeovers, round(seen.both, 2)) == (1, 1.0)
    assert seen.peer_words().endswith("two masters for at most 1 s")


def test_requests_without_an_answer_are_counted_and_the_last_ones_are_not():
    sent = {number: 10 + 0.1 * number for number in range(20)}
    heard = Heard(adverts("a", 10, 10))
    answers = {number: (0, "a") for number in range(20) if not 5 <= number < 8 and number < 18}
    seen = Seen(heard, Heard(sent=sent, answers=answers), 10, 12)
    assert (len(seen.failed), round(seen.unanswered, 2)) == (3, 0.3)
    assert seen.client_words() == "no answer for at most 0.5 s"
    all_answered = Seen(heard, Heard(sent=sent, answers={n: (0, "a") for n in range(15)}), 10, 12)
    assert all_answered.client_words() == "no request failed"


def test_times_are_rounded_up():
    assert [rounded(one) for one in (0.05, 0.2, 0.21, 4, 61)] == ["0.2 s", "0.2 s", "0.5 s", "5 s", "61 s"]
