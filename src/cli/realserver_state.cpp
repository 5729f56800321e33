#include "realserver_state.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <span>

#include "mainstay/kernel/new_file.hpp"
#include "mainstay/kernel/sysctl.hpp"
#include "realserver.hpp"

namespace mainstay::cli {
namespace {

constexpr const char* kFolder = "/run/mainstay/realserver";
constexpr const char* kFile = "state";
constexpr const char* kNewFile = "state.new";
constexpr const char* kLock = "lock";
constexpr std::string_view kHeading = "mainstay-realserver 1";
constexpr std::size_t kStateLimit = 256UL * 1024U;  // some 5,000 addresses
constexpr int kLockTries = 200, kLockPauseMs = 50;

std::string boot_id() { return kernel::read_sysctl("kernel/random/boot_id").value_or(std::string{}); }

std::string path_of(const char* name) { return std::string{kFolder} + "/" + name; }

// Opens the folder step by step, so that no link in between is followed.
Result<UniqueFd> open_folder(bool make) {
    UniqueFd at{open("/run", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!at) return fail_system("open /run", errno);
    for (const char* step : {"mainstay", "realserver"}) {
        if (make && mkdirat(at.get(), step, 0755) != 0 && errno != EEXIST) {
            return fail_system("make the folder " + std::string{kFolder}, errno);
        }
        UniqueFd next{openat(at.get(), step, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
        if (!next) return fail_system("open the folder " + std::string{kFolder}, errno);
        at = std::move(next);
    }
    return at;
}

Result<RealServerState> read_from(int folder) {
    const UniqueFd file{openat(folder, kFile, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    if (!file && errno == ENOENT) return RealServerState{};
    if (!file) return fail_system("open " + path_of(kFile), errno);
    std::string text;
    std::array<char, 4096> piece;
    for (;;) {
        const ssize_t size = ::read(file.get(), piece.data(), piece.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return fail_system("read " + path_of(kFile), errno);
        if (size == 0) break;
        text.append(piece.data(), static_cast<std::size_t>(size));
        if (text.size() > kStateLimit) return fail(Errc::Limit, path_of(kFile) + " is too long to be ours");
    }
    auto state = from_text(text, boot_id());
    if (!state) return error_of(state, path_of(kFile));
    return state;
}

}  // namespace

std::string to_text(const RealServerState& state, std::string_view boot) {
    std::string text = std::string{kHeading} + "\nboot " + std::string{boot} + "\n";
    for (const auto& [name, value] : state.saved) text += "saved " + name + " " + std::to_string(value) + "\n";
    for (const Prefix& vip : state.vips) text += "vip " + vip.to_string() + "\n";
    return text;
}

Result<RealServerState> from_text(std::string_view text, std::string_view boot) {
    RealServerState state;
    for (int number = 1; !text.empty(); ++number) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        const auto bad = [&] { return fail(Errc::Invalid, "line " + std::to_string(number) + " cannot be read"); };
        const std::size_t blank = line.find(' ');
        if (blank == std::string_view::npos) return bad();
        const std::string_view word = line.substr(0, blank), rest = line.substr(blank + 1);
        if (number == 1) {
            if (line != kHeading) return bad();
        } else if (number == 2) {
            if (word != "boot") return bad();
            if (rest != boot) return RealServerState{};
        } else if (word == "vip") {
            const auto vip = parse_virtual_address(rest);
            if (!vip) return bad();
            state.vips.insert(*vip);
        } else if (word == "saved") {
            const std::string_view name = rest.substr(0, rest.find(' '));
            const std::string_view digits = rest.substr(std::min(name.size() + 1, rest.size()));
            int value = 0;
            const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
            if (error != std::errc{} || end != digits.data() + digits.size()) return bad();
            if (std::ranges::find(kArpSettings, name, &ArpSetting::name) == kArpSettings.end()) return bad();
            state.saved.emplace(name, value);
        } else {
            return bad();
        }
    }
    return state;
}

Result<StateFile> StateFile::open_for_change() {
    auto folder = open_folder(true);
    if (!folder) return error_of(folder);
    UniqueFd lock{openat(folder->get(), kLock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!lock) return fail_system("open " + path_of(kLock), errno);
    // Units of several addresses start at the same time; each is done in milliseconds.
    for (int i = 0; flock(lock.get(), LOCK_EX | LOCK_NB) != 0; ++i) {
        if (errno != EWOULDBLOCK && errno != EINTR) return fail_system("lock " + path_of(kLock), errno);
        if (i == kLockTries) {
            return fail(Errc::Timeout, "another mainstay-realserver holds " + path_of(kLock) + " for more than 10 s");
        }
        (void)poll(nullptr, 0, kLockPauseMs);
    }
    return StateFile{std::move(*folder), std::move(lock)};
}

Result<RealServerState> StateFile::read() const { return read_from(folder_.get()); }

Result<RealServerState> StateFile::peek() {
    const auto folder = open_folder(false);
    if (!folder && folder.error().code() == Errc::NotFound) return RealServerState{};
    if (!folder) return error_of(folder);
    return read_from(folder->get());
}

Result<void> StateFile::write(const RealServerState& state) const {
    if (state == RealServerState{}) {
        if (unlinkat(folder_.get(), kFile, 0) != 0 && errno != ENOENT)
            return fail_system("remove " + path_of(kFile), errno);
        return {};
    }
    (void)unlinkat(folder_.get(), kNewFile, 0);
    const UniqueFd file{openat(folder_.get(), kNewFile, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644)};
    if (!file) return fail_system("write " + path_of(kNewFile), errno);
    const std::string text = to_text(state, boot_id());
    const auto bytes = std::as_bytes(std::span{text});
    if (auto written = kernel::write_all(file.get(), bytes, "write " + path_of(kNewFile)); !written) return written;
    if (fsync(file.get()) != 0) return fail_system("write " + path_of(kNewFile), errno);
    if (renameat(folder_.get(), kNewFile, folder_.get(), kFile) != 0)
        return fail_system("rename " + path_of(kNewFile), errno);
    (void)fsync(folder_.get());
    return {};
}

}  // namespace mainstay::cli
