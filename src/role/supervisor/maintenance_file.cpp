#include "maintenance_file.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "mainstay/base/text.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/kernel/new_file.hpp"
#include "mainstay/kernel/process.hpp"
#include "own_file.hpp"

namespace mainstay::role {
namespace {

constexpr std::size_t kFileBytesMax = 4096;

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

Result<void> MaintenanceFile::set(ipc::MaintenanceOrder order) {
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

}  // namespace mainstay::role
