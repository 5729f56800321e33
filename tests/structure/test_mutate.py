"""tools/mutate: which faults it finds in a text, and that its list of faults that change nothing is about this code."""

import pathlib
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tools" / "mutate.d"))

import equivalents  # noqa: E402
from faults import faults_of  # noqa: E402
from plant import Copy  # noqa: E402

SAMPLE = """namespace x {
constexpr int kMost = 7;
const char* kNames[] = {"a < b", "c"};
template <class T>
bool fits(const std::vector<int>& all, int size) {
    if (size < kMost && !all.empty()) return false;  // size == 3
    count_ = 0;
    all.reserve(12);
    static_assert(sizeof(int) == 4);
    put(size, 5);
    return true;
}
}  // namespace x
"""


@pytest.mark.parametrize("kind, line", [
    ("boundary", "if (size <= kMost && !all.empty()) return false; // size == 3"),
    ("comparison", "if (size >= kMost && !all.empty()) return false; // size == 3"),
    ("negation", "if (size < kMost && !!all.empty()) return false; // size == 3"),
    ("negation", "if (!(size < kMost && !all.empty())) return false; // size == 3"),
    ("negation", "if (size < kMost) return false; // size == 3"),
    ("constant", "if (size < kMost && !all.empty()) return true; // size == 3"),
    ("constant", "put(size, 6);"),
    ("swapped", "put(5, size);"),
    ("reset", ";"),
    ("dropped", ";"),
    ("early", "return {};"),
])
def test_each_kind_of_fault_is_found_in_code_that_runs(kind, line):
    assert (kind, line) in {(fault.kind, fault.now) for fault in faults_of("x.cpp", SAMPLE)}


def test_no_fault_is_found_in_constants_comments_texts_and_what_is_compiled_away():
    lines = {fault.line for fault in faults_of("x.cpp", SAMPLE)}
    assert lines == {6, 7, 10, 11}  # line 8, room made in advance, changes nothing


def test_no_fault_is_found_in_an_array_that_is_made_at_compile_time_but_in_its_functions():
    rows = """namespace x {
constexpr Row kRows[]{
    {.name = "a", .most = 5, .set = [](int v) { take(v, 7); }},
};
auto twice = [] { return 2 * one(); };
}  // namespace x
"""
    found = {fault.now for fault in faults_of("x.cpp", rows)}
    assert any("take(v, 8)" in now for now in found)
    assert any("3 * one()" in now for now in found)
    assert not any(".most = 6" in now for now in found)


def test_the_planted_text_keeps_the_lines_of_the_original():
    faults = faults_of("x.cpp", SAMPLE)
    written = Copy("x.cpp", SAMPLE, faults, {fault: at for at, fault in enumerate(faults, 1)}).written()
    assert '#line 10 "x.cpp"' in written
    assert "::mutate::planted(1)" in written


def test_what_is_tested_for_true_is_a_bool_beside_its_fault():
    """`awake ? (x) : (!x)` would make an std::expected out of the bool."""
    text = "int f(const X& x) {\n    if (!x) return 1;\n    return 0;\n}\n"
    faults = [fault for fault in faults_of("x.cpp", text) if fault.becomes == "!!x"]
    written = Copy("x.cpp", text, faults, {faults[0]: 1}).written()
    assert "static_cast<bool>(!!x) :" in written
    assert "static_cast<bool>(!x)" in written


def test_a_row_names_its_fault_by_function_and_kind_whatever_the_line_says():
    text = "namespace x {\nint Judge::Impl::start(int a, int b) {\n    if (a < b) return 1;\n    return a < 3 ? 2 : 0;\n}\n}\n"
    names = {fault.key()[1] for fault in faults_of("x.cpp", text)}
    assert {"Judge::Impl::start: boundary 1 of 2", "Judge::Impl::start: boundary 2 of 2", "Judge::Impl::start: negation"} <= names
    assert names == {fault.key()[1] for fault in faults_of("x.cpp", text.replace("a < b", "b < least(a)"))}


@pytest.mark.parametrize("head", ["Judge::Judge(int a) : a_{a}, b_(a + 1) {", "auto Judge::Judge(int a) -> std::vector<int> {",
                                  "[[nodiscard]] Result<void> Judge::Judge(const F& f) const noexcept {"])
def test_a_function_s_name_stands_before_its_parameters(head):
    assert {fault.function for fault in faults_of("x.cpp", f"namespace x {{\n{head}\n    a_.clear();\n}}\n}}\n")} == {"Judge::Judge"}


def test_every_fault_that_is_said_to_change_nothing_is_one_of_this_code():
    found = {}
    for file, name in equivalents.rows():
        path = TOP / file
        assert path.is_file(), f"tests/mutate/equivalent.txt: there is no {file}"
        if file not in found:
            found[file] = {fault.key() for fault in faults_of(file, path.read_text(encoding="utf-8"))}
        assert (file, name) in found[file], f"tests/mutate/equivalent.txt: {file} has no such fault:\n+ {name}"
