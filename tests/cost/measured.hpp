// What a piece of work costs, in numbers that no machine's speed changes: calls of operator new, the bytes that they
// asked for, and system calls are the same everywhere; instructions where the compiler is the same.
//
// A program of tests/cost measures one case after the other and prints a line for each. Under callgrind with
// --toggle-collect=mainstay_measured --dump-after=mainstay_measured the n-th dump has the instructions of the n-th
// line.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace mainstay::test {

// Prints "NAME<TAB>TIMES<TAB>ALLOCATIONS<TAB>BYTES" of this work, which is so many times the same.
void measure(std::string_view name, const std::function<void()>& work, std::size_t times = 1);

}  // namespace mainstay::test
