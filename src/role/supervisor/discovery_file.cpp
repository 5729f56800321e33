#include "discovery_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "helper.hpp"
#include "mainstay/ipc/discovered.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/kernel/new_file.hpp"
#include "mainstay/kernel/process.hpp"
#include "own_file.hpp"

namespace mainstay::role {
namespace {

constexpr std::uint32_t kMode = 0600;

std::string discovery_path(const std::string& folder) { return folder + "/discovered"; }

Result<std::vector<std::byte>> read_servers(int file, const std::string& path) {
    const auto facts = facts_of_own_file(file, path);
    if (!facts) return error_of(facts);
    if (facts->st_size < 0 || static_cast<std::uint64_t>(facts->st_size) > ipc::kDiscoveredBytesMax)
        return fail(Errc::Limit, path + " is too large");
    std::vector<std::byte> bytes(static_cast<std::size_t>(facts->st_size));
    std::size_t at = 0;
    while (at < bytes.size()) {
        const auto got = ::read(file, bytes.data() + at, bytes.size() - at);
        if (got < 0) return fail_system("read " + path, errno);
        if (got == 0) return fail(Errc::Invalid, path + " ends early");
        at += static_cast<std::size_t>(got);
    }
    return bytes;
}

Result<void> write_in(const std::string& folder, int sealed) {
    const auto bytes = ipc::read_memfd(sealed, ipc::kDiscoveredBytesMax);
    if (!bytes) return error_of(bytes);
    if (auto made = kernel::make_directory(folder, {::geteuid(), ::getegid()}, 0755); !made) return made;
    return kernel::write_file_durably(discovery_path(folder), *bytes, kMode);
}

}  // namespace

Result<void> DiscoveryFile::load(std::string folder) {
    folder_ = std::move(folder);
    const std::string path = discovery_path(folder_);
    const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    if (!file && errno == ENOENT) return {};
    if (!file) return fail_system("open " + path, errno);
    const auto bytes = read_servers(file.get(), path);
    if (!bytes) return error_of(bytes);
    auto sealed = ipc::make_sealed_memfd("discovered", *bytes);
    if (!sealed) return error_of(sealed);
    memory_ = std::move(*sealed);
    return {};
}

void DiscoveryFile::adopt(UniqueFd sealed) {
    if (sealed && ipc::sealed_size(sealed.get(), ipc::kDiscoveredBytesMax)) memory_ = std::move(sealed);
}

Result<void> DiscoveryFile::keep(UniqueFd sealed) {
    if (const auto size = ipc::sealed_size(sealed.get(), ipc::kDiscoveredBytesMax); !size) return error_of(size);
    memory_ = std::move(sealed);
    if (is_writing())
        again_ = true;
    else
        write();
    return {};
}

void DiscoveryFile::write() {
    again_ = false;
    const int supervisor = ::getpid();
    const int pid = ::fork();
    if (pid < 0) return log_.warning("the known real servers are not saved: fork failed, errno {}", errno);
    if (pid == 0) {
        become_helper(supervisor);
        end_after([this] {
            const auto written = write_in(folder_, memory_.get());
            if (!written && !failed_) log_.warning("the known real servers are not saved: {}", written.error().text());
            return written ? 0 : 1;
        });
    }
    writer_ = pid;
}

bool DiscoveryFile::ended(const kernel::Ended& process) {
    if (writer_ == 0 || process.pid != writer_) return false;
    writer_ = 0;
    failed_ = process.signalled || process.status != 0;  // logged once, by the process that failed
    if (again_) write();
    return true;
}

}  // namespace mainstay::role
