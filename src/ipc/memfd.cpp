#include "memfd.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "mainstay/ipc/shared.hpp"

namespace mainstay::ipc {
namespace {

constexpr int kAllSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

}  // namespace

Result<UniqueFd> make_memfd(std::string_view name, std::size_t size) {
    const std::string label = "mainstay-" + std::string{name};
    UniqueFd fd{::memfd_create(label.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    if (!fd) return fail_system("memfd_create " + label, errno);
    if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) {
        const int why = errno;
        if (why != EFBIG) return fail_system("ftruncate " + label, why);
        return fail(Errc::Limit, "the limit of the size of files is below the " + std::to_string(size) + " bytes of " +
                                     label + ": raise LimitFSIZE= in the unit, or ulimit -f");
    }
    return fd;
}

SealedMemfd::SealedMemfd(std::string_view name) : name_{name}, fd_{make_memfd(name, 0)} {}

void SealedMemfd::append(std::span<const std::byte> piece) {
    while (fd_ && !piece.empty()) {
        const auto written = ::write(fd_->get(), piece.data(), piece.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0)
            fd_ = fail_system("write to memfd " + name_, errno);
        else
            piece = piece.subspan(static_cast<std::size_t>(written));
    }
}

void SealedMemfd::overwrite(std::size_t at, std::span<const std::byte> bytes) {
    while (fd_ && !bytes.empty()) {
        const auto written = ::pwrite(fd_->get(), bytes.data(), bytes.size(), static_cast<off_t>(at));
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            fd_ = fail_system("write to memfd " + name_, errno);
            return;
        }
        at += static_cast<std::size_t>(written);
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
}

Result<UniqueFd> SealedMemfd::seal() {
    if (fd_ && ::fcntl(fd_->get(), F_ADD_SEALS, kAllSeals) != 0) return fail_system("seal memfd " + name_, errno);
    return std::move(fd_);
}

Result<UniqueFd> make_sealed_memfd(std::string_view name, std::span<const std::byte> content) {
    SealedMemfd memfd{name};
    memfd.append(content);
    return memfd.seal();
}

Result<std::size_t> size_of(int fd) {
    struct stat info{};
    if (::fstat(fd, &info) != 0) return fail_system("fstat of a memfd", errno);
    return static_cast<std::size_t>(info.st_size);
}

Result<void> read_at(int fd, std::size_t at, std::span<std::byte> into) {
    while (!into.empty()) {
        const auto got = ::pread(fd, into.data(), into.size(), static_cast<off_t>(at));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return fail_system("read of a memfd", got == 0 ? EIO : errno);
        at += static_cast<std::size_t>(got);
        into = into.subspan(static_cast<std::size_t>(got));
    }
    return {};
}

Result<std::size_t> sealed_size(int fd, std::size_t most) {
    auto size = size_of(fd);
    if (!size) return size;
    const int seals = ::fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & kAllSeals) != kAllSeals)
        return fail(Errc::Permission, "memory from another process is not sealed against changes");
    if (*size > most)
        return fail(Errc::Limit, "memory from another process has " + std::to_string(*size) + " bytes, more than " +
                                     std::to_string(most));
    return size;
}

Result<UniqueFd> make_shared_memfd(std::string_view name, std::size_t size) {
    auto fd = make_memfd(name, size);
    if (!fd) return fd;
    // A memfd is created with mode 0777, so a process with a read-only descriptor could reopen it for writing by
    // /proc/self/fd.
    if (::fchmod(fd->get(), 0600) != 0) return fail_system("fchmod of shared memory", errno);
    if (auto sealed = seal_size(fd->get()); !sealed) return error_of(sealed);
    return fd;
}

Result<void> seal_size(int fd) {
    const auto size = size_of(fd);
    if (!size) return error_of(size);
    if (*size > kSharedBytesMax) return fail(Errc::Limit, "shared memory of " + std::to_string(*size) + " bytes");
    constexpr int kSizeSeals = F_SEAL_SHRINK | F_SEAL_GROW;
    const int seals = ::fcntl(fd, F_GET_SEALS);
    if (seals >= 0 && (seals & kSizeSeals) == kSizeSeals) return {};
    if (::fcntl(fd, F_ADD_SEALS, kSizeSeals | F_SEAL_SEAL) != 0)
        return fail_system("seal the size of shared memory", errno);
    return {};
}

Result<UniqueFd> read_only(int fd) {
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    UniqueFd reader{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!reader) return fail_system("open shared memory read-only", errno);
    return reader;
}

Result<std::vector<std::byte>> read_memfd(int fd, std::size_t most) {
    const auto size = sealed_size(fd, most);
    if (!size) return error_of(size);
    std::vector<std::byte> content(*size);
    if (auto read = read_at(fd, 0, content); !read) return error_of(read);
    return content;
}

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

struct MappedRecord::Mapping {
    Mapped memory;
};

MappedRecord::MappedRecord(std::unique_ptr<Mapping> mapping) : mapping_{std::move(mapping)} {}
MappedRecord::MappedRecord(MappedRecord&&) noexcept = default;
MappedRecord& MappedRecord::operator=(MappedRecord&&) noexcept = default;
MappedRecord::~MappedRecord() = default;

Result<MappedRecord> MappedRecord::map(int fd, bool writable) {
    auto mapped = Mapped::map(fd, writable);
    if (!mapped) return error_of(mapped);
    return MappedRecord{std::make_unique<Mapping>(std::move(*mapped))};
}

std::span<std::byte> MappedRecord::bytes() const { return {mapping_->memory.data(), mapping_->memory.size()}; }

}  // namespace mainstay::ipc
