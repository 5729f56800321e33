#include "mapping.hpp"

#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "mainstay/ipc/shared.hpp"

namespace mainstay::ipc {

Result<Mapped> Mapped::map(int fd, bool writable) {
    struct stat info{};
    if (::fstat(fd, &info) != 0) return fail_system("fstat of shared memory", errno);
    // If the writer could shrink the memory, a reader would get SIGBUS.
    if (auto sealed = seal_size(fd); !sealed) return error_of(sealed);
    const auto size = static_cast<std::size_t>(info.st_size);
    void* data = ::mmap(nullptr, size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED) return fail_system("mmap of shared memory", errno);  // NOLINT
    return Mapped{static_cast<std::byte*>(data), size};
}

Mapped::Mapped(Mapped&& other) noexcept
    : data_{std::exchange(other.data_, nullptr)}, size_{std::exchange(other.size_, 0)} {}

Mapped::~Mapped() {
    if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace mainstay::ipc
