// A shared mapping of a descriptor, unmapped by the destructor.
#pragma once

#include <cstddef>

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

}  // namespace mainstay::ipc
