#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "mainstay/ipc/shared.hpp"

namespace mainstay::ipc {

Result<UniqueFd> make_memfd(std::string_view name, std::size_t size) {
    const std::string label = "mainstay-" + std::string{name};
    UniqueFd fd{::memfd_create(label.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    if (!fd) return fail_system("memfd_create " + label, errno);
    if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return fail_system("ftruncate " + label, errno);
    return fd;
}

Result<UniqueFd> make_sealed_memfd(std::string_view name, std::span<const std::byte> content) {
    auto fd = make_memfd(name, 0);
    if (!fd) return fd;
    std::size_t done = 0;
    while (done < content.size()) {
        const auto written = ::write(fd->get(), content.data() + done, content.size() - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return fail_system("write to memfd " + std::string{name}, errno);
        done += static_cast<std::size_t>(written);
    }
    constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
    if (::fcntl(fd->get(), F_ADD_SEALS, kSeals) != 0) return fail_system("seal memfd " + std::string{name}, errno);
    return fd;
}

Result<std::vector<std::byte>> read_memfd(int fd) {
    struct stat info {};
    if (::fstat(fd, &info) != 0) return fail_system("fstat of a memfd", errno);
    std::vector<std::byte> content(static_cast<std::size_t>(info.st_size));
    std::size_t done = 0;
    while (done < content.size()) {
        const auto got = ::pread(fd, content.data() + done, content.size() - done, static_cast<off_t>(done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return fail_system("read of a memfd", got == 0 ? EIO : errno);
        done += static_cast<std::size_t>(got);
    }
    return content;
}

}  // namespace mainstay::ipc
