// fmt's own functions, once for each program: libfmt.so would bring libstdc++.so along, and linking the two costs a
// process more time at its start than most of them then work (docs/decisions/0012-what-a-process-links.md).
//
// This file alone is built with FMT_HEADER_ONLY, which makes fmt's functions common code; what the formatting below
// needs comes out of it, and all other files are linked with that. It is built twice: what the optimised object has
// inlined, and so does not hold, the other one does. Where a later fmt lets the linker miss a function, add a
// formatting that uses it.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cstdio>
#include <ctime>
#include <string>
#include <string_view>

namespace {

[[gnu::used]] std::string format_of_each_kind(double real, float small, int whole, std::string_view text, std::tm day) {
    fmt::print("{}", text);
    fmt::print(stderr, "{}", text);
    return fmt::format("{0} {0:.3f} {0:L} {1} {2} {2:x} {2:L} {3:?} {4:%F}", real, small, whole, text, day);
}

}  // namespace
