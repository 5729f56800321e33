// The memory of a flight recorder: the supervisor creates it, the role writes to it, and mainstayctl reads it. What is
// in it is the module record's.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "mainstay/base/error.hpp"

namespace mainstay::ipc {

class MappedRecord {
public:
    // Seals the size. Does not take the descriptor. Read-only memory must not be written to.
    [[nodiscard]] static Result<MappedRecord> map(int fd, bool writable);
    MappedRecord(MappedRecord&&) noexcept;
    MappedRecord& operator=(MappedRecord&&) noexcept;
    ~MappedRecord();
    [[nodiscard]] std::span<std::byte> bytes() const;

private:
    struct Mapping;
    explicit MappedRecord(std::unique_ptr<Mapping> mapping);
    std::unique_ptr<Mapping> mapping_;
};

}  // namespace mainstay::ipc
