#include "measured.hpp"

#include <fmt/core.h>

#include <cstdlib>
#include <new>

namespace {

std::size_t allocations = 0, bytes = 0;

void* counted(std::size_t size) {
    ++allocations;
    bytes += size;
    if (void* const memory = std::malloc(size)) return memory;  // NOLINT(cppcoreguidelines-no-malloc)
    throw std::bad_alloc{};
}

void freed(void* memory) { std::free(memory); }  // NOLINT(cppcoreguidelines-no-malloc)

}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* memory) noexcept { freed(memory); }
void operator delete[](void* memory) noexcept { freed(memory); }
void operator delete(void* memory, std::size_t) noexcept { freed(memory); }
void operator delete[](void* memory, std::size_t) noexcept { freed(memory); }

extern "C" __attribute__((noinline)) void mainstay_measured(const std::function<void()>& work);
extern "C" void mainstay_measured(const std::function<void()>& work) {
    work();
    __asm__ volatile("");  // not a tail call: the end of this function is the end of the work
}

namespace mainstay::test {

void measure(std::string_view name, const std::function<void()>& work, std::size_t times) {
    const auto allocations_before = allocations, bytes_before = bytes;
    mainstay_measured(work);
    const auto allocated = allocations - allocations_before, asked_for = bytes - bytes_before;
    fmt::print("{}\t{}\t{}\t{}\n", name, times, allocated, asked_for);
}

}  // namespace mainstay::test
