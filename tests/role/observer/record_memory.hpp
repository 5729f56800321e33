// The memory of a flight recorder, as the supervisor gives it to the observer.
#pragma once

#include <doctest/doctest.h>

#include <cstring>

#include "mainstay/ipc/shared.hpp"
#include "mainstay/record/format.hpp"

namespace mainstay::role::test {

// A recorder's memory with one segment in it.
inline UniqueFd memory_of(record::Machine machine, std::uint64_t number) {
    auto made = ipc::make_shared_memfd("test", record::kMemoryLeast);
    REQUIRE(made.has_value());
    const auto mapped = ipc::MappedRecord::map(made->get(), true);
    REQUIRE(mapped.has_value());
    record::MemoryHeader header{
        .magic = record::kMagic, .format = record::kFormat, .machine = machine, .version = {'1'}};
    const record::SegmentHeader segment{.number = number, .used = 10};
    std::memcpy(mapped->bytes().data(), &header, sizeof header);
    std::memcpy(mapped->bytes().data() + sizeof header, &segment, sizeof segment);
    return std::move(*made);
}

}  // namespace mainstay::role::test
