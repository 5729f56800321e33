// A shared mapping of a descriptor, unmapped by the destructor.
#pragma once

#include <cstddef>
#include <span>

#include "mainstay/base/error.hpp"

namespace mainstay::ipc {

class Mapped {
public:
    [[nodiscard]] static Result<Mapped> map(int fd, bool writable);
    Mapped(Mapped&& other) noexcept;
    Mapped& operator=(Mapped&&) = delete;
    ~Mapped();
    [[nodiscard]] std::byte* data() const { return data_; }
    [[nodiscard]] std::size_t size() const { return size_; }

private:
    Mapped(std::byte* data, std::size_t size) : data_{data}, size_{size} {}
    std::byte* data_;
    std::size_t size_;
};

// Helpers for reading memfds.

[[nodiscard]] Result<std::size_t> size_of(int fd);
[[nodiscard]] Result<void> read_at(int fd, std::size_t at, std::span<std::byte> into);  // all of it, or an error

}  // namespace mainstay::ipc
