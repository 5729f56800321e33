// mainstayctl announced: reads the announced addresses from the kernel, which removes those that mainstay no longer
// renews. So the lines are right even if no process of mainstay runs any more.
#include "ctl_announced.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers,hicpp-deprecated-headers): sigset_t
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "ctl.hpp"
#include "ctl_client.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/kernel/rtnetlink.hpp"
#include "output.hpp"

namespace mainstay::cli {
namespace {

constexpr int kEveryMs = 1000;  // a heartbeat, and a look in case a notification was lost
constexpr int kFailed = 1;

Result<std::vector<Announcement>> announcements(kernel::Rtnetlink& netlink, const AnnouncedOptions& options) {
    const auto links = netlink.links();
    if (!links) return error_of(links);
    const auto addresses = netlink.addresses();
    if (!addresses) return error_of(addresses);
    const auto index_of = [&](const std::string& name) {
        const auto at = std::ranges::find(*links, name, &kernel::Link::name);
        return at == links->end() ? 0U : at->index;
    };
    const auto announced = index_of(options.interface), draining = index_of(options.drain_interface);
    std::vector<Announcement> found;
    for (const auto& one : *addresses) {
        const bool drains = draining != 0 && one.interface_index == draining;
        const bool here = drains || (announced != 0 && one.interface_index == announced);
        if (here && !one.prefix.address.is_link_local_v6()) found.push_back({one.prefix.address, drains});
    }
    return found;
}

// Lines must be out at once, and a reader that has gone is the end.
bool put(std::string_view lines) {
    while (!lines.empty()) {
        const ssize_t size = ::write(STDOUT_FILENO, lines.data(), lines.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return false;
        lines.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
}

// The end of the program is read as a descriptor, so that it can withdraw first.
Result<UniqueFd> end_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set, number);
    if (const int problem = ::pthread_sigmask(SIG_BLOCK, &set, nullptr); problem != 0)
        return fail_system("block signals", problem);
    UniqueFd fd{::signalfd(-1, &set, SFD_CLOEXEC)};
    if (!fd) return fail_system("read signals", errno);
    return fd;
}

Result<void> follow(kernel::Rtnetlink& netlink, AnnouncementFeed& feed, const AnnouncedOptions& options) {
    const auto signals = end_signals();
    if (!signals) return error_of(signals);
    ::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c,bugprone-unused-return-value): it cannot fail
    for (;;) {
        const auto now = announcements(netlink, options);
        if (!now) return error_of(now);
        if (!put(feed.update(*now)) || !put(feed.heartbeat())) return {};
        std::array<pollfd, 2> ready{{{.fd = signals->get(), .events = POLLIN, .revents = 0},
                                     {.fd = netlink.notification_fd(), .events = POLLIN, .revents = 0}}};
        if (::poll(ready.data(), ready.size(), kEveryMs) < 0 && errno != EINTR) return fail_system("wait", errno);
        if (ready[0].revents != 0) return {};
        if (ready[1].revents != 0) (void)netlink.read_notifications();  // that there are some is all that counts
    }
}

}  // namespace

int ctl_announced(const AnnouncedOptions& options) {
    AnnouncementFeed feed{options.exabgp ? AnnouncementForm::Exabgp : AnnouncementForm::Lines};
    auto netlink = kernel::Rtnetlink::open();
    if (!netlink) return complain(netlink.error());
    if (!options.follow) {
        const auto now = announcements(*netlink, options);
        if (!now) return complain(now.error());
        print(feed.update(*now));
        return 0;
    }
    const auto done = follow(*netlink, feed, options);
    (void)put(feed.withdraw_all());
    if (done) return 0;
    print_error("mainstayctl: " + done.error().text() + "\n");
    return kFailed;
}

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
