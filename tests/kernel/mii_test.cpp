// The link bit of a network device with an MII transceiver, which a driver of the test's own pretends to have.
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <linux/mii.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <cstdarg>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "mainstay/kernel/link_poll.hpp"

using namespace mainstay;
using namespace mainstay::kernel;
using Method = vrrp::PolledLink::Method;

namespace {

constexpr std::uint16_t kTransceiver = 7;
constexpr std::uint16_t kNothing = 0xffff;  // what a bus without a transceiver reads

thread_local const char* device = "";                  // the network device with the transceiver
thread_local std::vector<std::uint16_t> status_reads;  // what its status register reads, time after time

void answer(unsigned long request, ifreq& asked) {
    mii_ioctl_data data{};
    std::memcpy(&data, &asked.ifr_ifru, sizeof data);
    if (request == SIOCGMIIPHY) {
        data.phy_id = kTransceiver;
    } else if (data.phy_id != kTransceiver || data.reg_num != 1 || status_reads.empty()) {
        data.val_out = kNothing;
    } else {
        data.val_out = status_reads.front();
        status_reads.erase(status_reads.begin());
    }
    std::memcpy(&asked.ifr_ifru, &data, sizeof data);
}

}  // namespace

// In place of the C library's, for all that is linked into the test program.
extern "C" int ioctl(int fd, unsigned long request, ...) noexcept {
    static auto* const real = reinterpret_cast<int (*)(int, unsigned long, void*)>(::dlsym(RTLD_NEXT, "ioctl"));
    va_list rest;
    va_start(rest, request);
    void* const argument = va_arg(rest, void*);
    va_end(rest);
    if ((request == SIOCGMIIPHY || request == SIOCGMIIREG) &&
        std::string{device} == static_cast<ifreq*>(argument)->ifr_name) {
        answer(request, *static_cast<ifreq*>(argument));
        return 0;
    }
    return real(fd, request, argument);
}

TEST_CASE("the link bit of MII latches a loss: the second reading counts, and no answer is none") {
    const auto poller = LinkPoller::open().value();
    device = "lo";
    const auto ask = [&](Method method, std::vector<std::uint16_t> readings) {
        status_reads = std::move(readings);
        return poller.ask({method, "lo"});
    };
    CHECK(ask(Method::Mii, {0x7809, 0x782d})->up);
    CHECK_FALSE(ask(Method::Mii, {0x782d, 0x7829})->up);
    CHECK(ask(Method::Any, {0x782d, 0x782d})->method == Method::Mii);
    CHECK(ask(Method::Mii, {}).error().text().starts_with("MII of lo answers nothing"));
    CHECK(ask(Method::Mii, {}).error().code() == Errc::Unsupported);
    CHECK(ask(Method::Any, {})->method == Method::Ethtool);
    device = "";
    CHECK(poller.ask({Method::Any, "lo"})->method == Method::Ethtool);
}
