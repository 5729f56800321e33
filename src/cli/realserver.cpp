#include "realserver.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <ranges>
#include <set>
#include <span>
#include <system_error>

#include "mainstay/kernel/new_file.hpp"
#include "mainstay/kernel/rtnetlink.hpp"
#include "mainstay/kernel/sysctl.hpp"

namespace mainstay::cli {
namespace {

// "net/ipv4/conf/all/arp_ignore" as sysctl(8) writes it.
std::string dotted(std::string_view name) {
    std::string text{name};
    std::ranges::replace(text, '/', '.');
    return text;
}

Result<void> require_root() {
    if (geteuid() == 0) return {};
    return fail(Errc::Permission, "changing addresses and ARP settings requires root");
}

bool any_v4(const auto& vips) {
    return std::ranges::any_of(vips, [](const Prefix& vip) { return vip.address.is_v4(); });
}

struct Loopback {
    kernel::Rtnetlink route;
    std::uint32_t index = 0;
    bool up = false;

    static Result<Loopback> open() {
        auto route = kernel::Rtnetlink::open();
        if (!route) return error_of(route);
        const auto links = route->links();
        if (!links) return error_of(links);
        const auto lo = std::ranges::find_if(*links, &kernel::Link::loopback);
        if (lo == links->end()) return fail(Errc::NotFound, "this host has no loopback interface");
        return Loopback{std::move(*route), lo->index, lo->up};
    }

    [[nodiscard]] std::vector<kernel::Address> to_addresses(const std::vector<Prefix>& vips) const {
        std::vector<kernel::Address> addresses;
        for (const Prefix& vip : vips) {
            // Deprecated: an IPv6 VIP must not become the source of the server's own connections. For IPv4 the
            // addresses of the outgoing interface always come first.
            addresses.push_back({.interface_index = index, .prefix = vip, .deprecated = vip.address.is_v6()});
        }
        return addresses;
    }

    Result<std::set<Prefix>> held() {
        const auto addresses = route.addresses();
        if (!addresses) return error_of(addresses);
        std::set<Prefix> found;
        for (const auto& address : *addresses) {
            if (address.interface_index == index) found.insert(address.prefix);
        }
        return found;
    }
};

Result<void> report_failures(const Result<std::vector<kernel::Rtnetlink::Failure>>& failures,
                             const std::vector<Prefix>& vips, std::string_view attempt) {
    if (!failures) return error_of(failures);
    if (failures->empty()) return {};
    std::string text;
    for (const auto& failure : *failures) {
        text += fmt::format("{}{} {}: {}", text.empty() ? "" : "; ", attempt, vips[failure.index].address.to_string(),
                            std::generic_category().message(failure.sys_errno));
    }
    return fail(Errc::Io, text, failures->front().sys_errno);
}

// Reads what is there into `state`, for those settings that are not saved yet.
Result<void> save_settings(RealServerState& state) {
    for (const ArpSetting& setting : kArpSettings) {
        if (state.saved.contains(std::string{setting.name})) continue;
        const auto value = kernel::read_sysctl_number(setting.name);
        if (!value) return error_of(value);
        state.saved.emplace(setting.name, *value);
    }
    return {};
}

Result<void> quiet_arp() {
    for (const ArpSetting& setting : kArpSettings) {
        const auto value = kernel::read_sysctl_number(setting.name);
        if (!value) return error_of(value);
        if (setting.is_right(*value)) continue;  // a stricter value of the operator's stays
        if (auto done = kernel::write_sysctl(setting.name, std::to_string(setting.wanted)); !done) return done;
    }
    return {};
}

// Restores the saved settings, except those that another program has changed since.
Result<void> restore_settings(RealServerState& state, Report& report) {
    for (const ArpSetting& setting : kArpSettings) {
        const auto saved = state.saved.find(std::string{setting.name});
        if (saved == state.saved.end()) continue;
        const auto value = kernel::read_sysctl_number(setting.name);
        if (!value) return error_of(value);
        if (*value != setting.wanted && *value != saved->second) {
            report.lines.push_back(
                fmt::format("{} is {}, not the value that was set: left unchanged", dotted(setting.name), *value));
        } else if (*value != saved->second) {
            auto done = kernel::write_sysctl(setting.name, std::to_string(saved->second));
            if (!done) return done;
        }
        state.saved.erase(saved);
    }
    return {};
}

// The settings that do not suppress ARP; empty if all do.
Result<std::vector<std::string>> arp_faults() {
    std::vector<std::string> faults;
    for (const ArpSetting& setting : kArpSettings) {
        const auto value = kernel::read_sysctl_number(setting.name);
        if (!value) return error_of(value);
        if (setting.is_right(*value)) continue;
        faults.push_back(fmt::format("{} is {}, must be {}", dotted(setting.name), *value, setting.wanted));
    }
    return faults;
}

}  // namespace

bool ArpSetting::is_right(int value) const {
    // 2 and 8 answer even less than 1; 3 and above would answer for an address on lo.
    if (name.ends_with("arp_ignore")) return value == 1 || value == 2 || value == 8;
    return value == wanted;
}

Result<Prefix> parse_virtual_address(std::string_view text) {
    const auto refuse = [&](std::string_view why) { return fail(Errc::Invalid, fmt::format("'{}' {}", text, why)); };
    const auto vip = Prefix::parse(text);
    if (!vip) return refuse("is not an IPv4 or IPv6 address");
    if (vip->length != (vip->address.is_v4() ? 32 : 128)) {
        return refuse("has a prefix length: omit it, a virtual address is always set as /32 or /128");
    }
    const IpAddress& address = vip->address;
    if (address.is_multicast()) return refuse("is a multicast address");
    if (address.is_link_local_v6()) return refuse("is a link-local address: no director can send to it");
    const std::uint32_t v4 = address.v4_host_order();
    if ((address.is_v4() && v4 >> 24U == 127) || address == *IpAddress::parse("::1"))
        return refuse("is a loopback address");
    if ((address.is_v4() && v4 >> 24U == 0) || address == *IpAddress::parse("::"))
        return refuse("is not a host address");
    if (address.is_v4() && v4 >> 28U == 15) return refuse("is a reserved or broadcast address");
    return *vip;
}

Result<Report> real_server_up(const std::vector<Prefix>& vips) {
    if (auto root = require_root(); !root) return error_of(root);
    auto file = StateFile::open_for_change();
    if (!file) return error_of(file);
    auto state = file->read();
    if (!state) return error_of(state);
    auto lo = Loopback::open();
    if (!lo) return error_of(lo);
    if (!lo->up) return fail(Errc::State, "the interface lo is down: `ip link set lo up` first");

    // The state is saved before anything is changed, and ARP is suppressed before the address is set.
    state->vips.insert(vips.begin(), vips.end());
    const bool v4 = any_v4(vips);
    if (v4) {
        if (auto saved = save_settings(*state); !saved) return error_of(saved);
    }
    if (auto written = file->write(*state); !written) return error_of(written);
    if (v4) {
        if (auto done = quiet_arp(); !done) return error_of(done);
    }
    auto added = report_failures(lo->route.add(lo->to_addresses(vips)), vips, "set");
    if (!added) return error_of(added);

    Report report;
    for (const Prefix& vip : vips) report.lines.push_back(vip.address.to_string() + " is set on lo");
    return report;
}

Result<Report> real_server_down(const std::vector<Prefix>& vips) {
    if (auto root = require_root(); !root) return error_of(root);
    auto file = StateFile::open_for_change();
    if (!file) return error_of(file);
    auto state = file->read();
    if (!state) return error_of(state);
    auto lo = Loopback::open();
    if (!lo) return error_of(lo);

    auto removed = report_failures(lo->route.remove(lo->to_addresses(vips)), vips, "remove");
    if (!removed) return error_of(removed);
    Report report;
    for (const Prefix& vip : vips) {
        state->vips.erase(vip);
        report.lines.push_back(vip.address.to_string() + " is not on lo");
    }
    if (!any_v4(state->vips)) {  // the last of them
        if (auto done = restore_settings(*state, report); !done) return error_of(done);
    }
    if (auto written = file->write(*state); !written) return error_of(written);
    return report;
}

Result<Report> real_server_status(std::vector<Prefix> vips) {
    if (vips.empty()) {
        const auto state = StateFile::peek();
        if (!state) return error_of(state);
        vips.assign(state->vips.begin(), state->vips.end());
        if (vips.empty()) return Report{.right = false, .lines = {"no virtual address is set up on this host"}};
    }
    auto lo = Loopback::open();
    if (!lo) return error_of(lo);
    const auto held = lo->held();
    if (!held) return error_of(held);
    const auto faults = any_v4(vips) ? arp_faults() : Result<std::vector<std::string>>{};
    if (!faults) return error_of(faults);

    Report report{.right = lo->up, .lines = {}};
    if (!lo->up) report.lines.push_back("the interface lo is down");
    for (const Prefix& vip : vips) {
        const bool set = held->contains(vip);
        const bool quiet = vip.address.is_v6() || faults->empty();
        report.right = report.right && set && quiet;
        report.lines.push_back(fmt::format("{}: {}{}", vip.address.to_string(), set ? "set on lo" : "not set on lo",
                                           vip.address.is_v6() ? ""
                                           : quiet             ? ", ARP is suppressed"
                                                               : ", ARP is not suppressed"));
    }
    if (!faults->empty()) report.lines.insert(report.lines.end(), faults->begin(), faults->end());
    return report;
}

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

namespace {

std::string rule(std::string_view family, const std::set<std::string>& vips, std::uint16_t mss) {
    if (vips.empty()) return {};
    return fmt::format("        {} saddr {{ {} }} tcp flags & (syn | rst) == syn tcp option maxseg size set {}\n",
                       family, fmt::join(vips, ", "), mss);
}

}  // namespace

Result<std::uint16_t> parse_mss(std::string_view text) {
    std::uint16_t mss = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mss);
    if (error == std::errc{} && end == text.data() + text.size() && mss >= kLeastMss && mss <= kMostMss) return mss;
    return fail(Errc::Invalid, fmt::format("'{}' is not an MSS: it is a number from {} to {}; on a director, "
                                           "`mainstayctl ipvs --mtu` shows which",
                                           text, kLeastMss, kMostMss));
}

std::string mss_rules(std::uint16_t mss, const std::vector<Prefix>& vips) {
    std::set<std::string> v4, v6;
    for (const auto& vip : vips) (vip.address.is_v6() ? v6 : v4).insert(vip.address.to_string());
    // The first line makes sure that there is something to delete. Postrouting also sees what a container answers.
    return fmt::format(
        "table inet mainstay_realserver\n"
        "delete table inet mainstay_realserver\n"
        "table inet mainstay_realserver {{\n"
        "    chain lower_mss {{\n"
        "        type filter hook postrouting priority mangle; policy accept;\n"
        "{}{}"
        "    }}\n"
        "}}\n",
        rule("ip", v4, mss), rule("ip6", v6, mss));
}

}  // namespace mainstay::cli
