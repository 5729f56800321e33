#include "mainstay/kernel/link_poll.hpp"

#include <linux/ethtool.h>
#include <linux/mii.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace mainstay::kernel {
namespace {

using Method = vrrp::PolledLink::Method;

ifreq request_for(const std::string& name) {
    ifreq request{};
    std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
    return request;
}

Result<bool> ask_mii(int fd, const std::string& name) {
    ifreq request = request_for(name);
    if (::ioctl(fd, SIOCGMIIPHY, &request) != 0) return fail_system("MII of " + name, errno);
    mii_ioctl_data data{};
    std::memcpy(&data, &request.ifr_ifru, sizeof data);
    data.reg_num = MII_BMSR;
    // The link bit latches a loss of link: the second reading has the current state.
    for (int reading = 0; reading < 2; ++reading) {
        std::memcpy(&request.ifr_ifru, &data, sizeof data);
        if (::ioctl(fd, SIOCGMIIREG, &request) != 0) return fail_system("MII of " + name, errno);
        std::memcpy(&data, &request.ifr_ifru, sizeof data);
    }
    if (data.val_out == 0xffff) return fail(Errc::Unsupported, "MII of " + name + " answers nothing");
    return (data.val_out & BMSR_LSTATUS) != 0;
}

Result<bool> ask_ethtool(int fd, const std::string& name) {
    ifreq request = request_for(name);
    ethtool_value value{};
    value.cmd = ETHTOOL_GLINK;
    request.ifr_data = reinterpret_cast<char*>(&value);
    if (::ioctl(fd, SIOCETHTOOL, &request) != 0) return fail_system("ETHTOOL of " + name, errno);
    return value.data != 0;
}

Result<bool> ask_flags(int fd, const std::string& name) {
    ifreq request = request_for(name);
    if (::ioctl(fd, SIOCGIFFLAGS, &request) != 0) return fail_system("flags of " + name, errno);
    return (request.ifr_flags & IFF_RUNNING) != 0;
}

}  // namespace

const char* to_string(Method method) {
    switch (method) {
        case Method::Mii:
            return "MII";
        case Method::Ethtool:
            return "ETHTOOL";
        case Method::Ioctl:
            return "IOCTL";
        case Method::Any:
            break;
    }
    return "any";
}

Result<LinkPoller> LinkPoller::open() {
    UniqueFd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!fd) return fail_system("open a socket for polling links", errno);
    return LinkPoller{std::move(fd)};
}

Result<LinkPoller::Answer> LinkPoller::ask(const vrrp::PolledLink& link) const {
    struct Way {
        Method method;
        Result<bool> (*ask)(int, const std::string&);
    };
    constexpr std::array kWays{Way{Method::Mii, ask_mii}, Way{Method::Ethtool, ask_ethtool},
                               Way{Method::Ioctl, ask_flags}};
    Error last{Errc::Unsupported, link.name + " does not tell of its link"};
    for (const Way& way : kWays) {
        if (link.method != Method::Any && link.method != way.method) continue;
        const auto up = way.ask(fd_.get(), link.name);
        if (up) return Answer{*up, way.method};
        last = up.error();
        if (last.sys_errno() == ENODEV) return fail(Errc::NotFound, "there is no interface " + link.name, ENODEV);
    }
    if (last.code() == Errc::Permission) return std::unexpected{std::move(last)};
    return fail(Errc::Unsupported, last.text(), last.sys_errno());
}

}  // namespace mainstay::kernel
