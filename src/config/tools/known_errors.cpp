#include "mainstay/config/tools/known_errors.hpp"

#include <set>
#include <span>

#include "mainstay/base/hash.hpp"

namespace mainstay::config {
namespace {

std::uint64_t mark_of(const Diagnostic& error) {
    return fnv1a(std::as_bytes(std::span{error.message}), fnv1a(std::as_bytes(std::span{&error.code, 1})));
}

}  // namespace

ErrorMarks error_marks(const Loaded& loaded) {
    ErrorMarks marks;
    for (const Diagnostic& one : loaded.diagnostics)
        if (one.severity == Severity::Error && marks.size() < kErrorMarksMax) marks.push_back(mark_of(one));
    return marks;
}

SortedErrors sort_errors(const Loaded& loaded, const ErrorMarks& of_earlier) {
    std::multiset<std::uint64_t> left{of_earlier.begin(), of_earlier.end()};
    SortedErrors sorted;
    for (const Diagnostic& one : loaded.diagnostics) {
        if (one.severity != Severity::Error) continue;
        const auto same = left.find(mark_of(one));
        if (same == left.end()) {
            sorted.fresh.push_back(&one);
        } else {
            left.erase(same);
            ++sorted.known;
        }
    }
    return sorted;
}

}  // namespace mainstay::config
