#include "kept_files.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>
#include <vector>

#include "helper.hpp"
#include "mainstay/base/text.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/discovered.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/kernel/new_file.hpp"
#include "mainstay/kernel/process.hpp"

namespace mainstay::role {
namespace {

constexpr std::size_t kFileBytesMax = 4096;

// An error: it is not what root alone could have written. `path` is for its text.
Result<struct stat> facts_of_own_file(int file, const std::string& path) {
    constexpr mode_t kWritableByOthers = 022;
    struct stat status{};
    if (::fstat(file, &status) != 0) return fail_system("fstat " + path, errno);
    if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & kWritableByOthers) != 0)
        return fail(Errc::Permission, path + " is not a file that only root may write to");
    return status;
}

std::string maintenance_path(const std::string& folder) { return folder + "/maintenance"; }

Result<ipc::MaintenanceOrder> read_order(int file, const std::string& path) {
    const auto facts = facts_of_own_file(file, path);
    if (!facts) return error_of(facts);
    std::array<std::byte, kFileBytesMax> bytes{};
    const auto got = ::read(file, bytes.data(), bytes.size());
    if (got < 0) return fail_system("read " + path, errno);
    auto order = decode<ipc::MaintenanceOrder>(std::span{bytes}.first(static_cast<std::size_t>(got)));
    if (!order) return error_of(order, path);
    return order;
}

}  // namespace

std::string one_line(std::string_view text, std::size_t bytes_max) {
    std::string line;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        line += byte < 0x20 || byte == 0x7f ? ' ' : c;
    }
    if (line.size() <= bytes_max) return line;
    std::size_t end = bytes_max;  // not within a character of UTF-8
    while (end > 0 && continues_utf8(line[end])) --end;
    return line.substr(0, end);
}

std::string utc_text(WallTime at) {
    return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(static_cast<std::time_t>(at.unix_us / 1'000'000)));
}

Result<void> MaintenanceFile::load(std::string folder, WallTime now) {
    folder_ = std::move(folder);
    order_ = {};
    const std::string path = maintenance_path(folder_);
    const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    if (!file && errno == ENOENT) return {};
    if (!file) return fail_system("open " + path, errno);
    auto order = read_order(file.get(), path);
    if (!order) return error_of(order);
    order_ = std::move(*order);
    order_.reason = one_line(order_.reason);
    order_.request = 0;
    order_.note.clear();
    if (is_over(now)) return set({});
    return {};
}

bool MaintenanceFile::follow_clock(Instant now, WallTime wall) {
    static constexpr std::int64_t kSet_us = 2'000'000;  // less is a clock that is slewed, or a process that had to wait
    const auto before = std::exchange(looked_, std::pair{now, wall});
    if (!before || !ordered_now_ || !order_.on || !order_.until) return false;
    const auto passed = std::chrono::duration_cast<Micros>(now - before->first).count();
    const std::int64_t set = wall.unix_us - before->second.unix_us - passed;
    if (std::abs(set) < kSet_us) return false;
    order_.until->unix_us += set;
    return true;
}

Result<void> MaintenanceFile::set(ipc::MaintenanceOrder order) {
    ordered_now_ = true;
    order_ = std::move(order);
    order_.request = 0;
    order_.note.clear();
    return disk_.run(maintenance_path(folder_), [this] { return write(); });
}

// Runs in a child process, because the disk may hang.
Result<void> MaintenanceFile::write() const {
    const std::string path = maintenance_path(folder_);
    if (!order_.on) {
        if (::unlink(path.c_str()) == 0) return kernel::sync_folder_of(path);
        if (errno != ENOENT) return fail_system("remove " + path, errno);
        return {};
    }
    if (auto made = kernel::make_directory(folder_, {::geteuid(), ::getegid()}, 0755); !made) return made;
    // A director that comes back from a power cut must not take its work over again.
    return kernel::write_file_durably(path, encode(order_), 0644);
}

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
        close_all_but(memory_.get());
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
