#include "announcements.hpp"

#include <fmt/format.h>

#include <utility>

namespace mainstay::cli {
namespace {

std::string prefix_of(const IpAddress& address) {
    constexpr std::uint8_t kBits4 = 32, kBits6 = 128;
    return Prefix{address, address.is_v4() ? kBits4 : kBits6}.to_string();
}

std::string announce(AnnouncementForm form, const IpAddress& address, bool drains) {
    if (form == AnnouncementForm::Lines)
        return fmt::format("announce {}{}\n", prefix_of(address), drains ? " drain" : "");
    return fmt::format("announce route {} next-hop self med {}\n", prefix_of(address),
                       drains ? "1000 community [65535:0]" : "0");
}

std::string withdraw(AnnouncementForm form, const IpAddress& address) {
    if (form == AnnouncementForm::Lines) return fmt::format("withdraw {}\n", prefix_of(address));
    return fmt::format("withdraw route {} next-hop self\n", prefix_of(address));
}

}  // namespace

std::string AnnouncementFeed::update(const std::vector<Announcement>& now) {
    std::map<IpAddress, bool> wanted;
    for (const auto& one : now)
        if (const auto [at, fresh] = wanted.emplace(one.address, one.drains); !fresh) at->second &= one.drains;
    std::string lines;
    for (const auto& [address, drains] : announced_)
        if (!wanted.contains(address)) lines += withdraw(form_, address);
    for (const auto& [address, drains] : wanted) {
        const auto before = announced_.find(address);
        if (before == announced_.end() || before->second != drains) lines += announce(form_, address, drains);
    }
    announced_ = std::move(wanted);
    return lines;
}

std::string AnnouncementFeed::heartbeat() const { return form_ == AnnouncementForm::Lines ? "alive\n" : ""; }

}  // namespace mainstay::cli
