// A host with a cable, and what VrrpDevices does there, read back by iproute2. Where the kernel has no macvlan the test
// is passed over.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "office.hpp"
#include "role/vrrp/devices.hpp"

namespace mainstay::role::test {

inline bool shows(const std::string& device, const std::string& part) {
    return ip("-d link show dev " + device + " 2>&1 | grep -qF '" + part + "'");
}
inline std::uint32_t index(const std::string& name) { return kernel::interface_index(name); }

struct VmacHost {
    Cable cable;
    kernel::Rtnetlink netlink = kernel::Rtnetlink::open().value();
    Links links;
    KeptLog log;
    VrrpDevices devices{log};
    Texts before_up;  // what vrrp.51 was when the VMACs were about to be up

    VmacHost() {
        read();
        devices.before_up([this] { before_up.emplace_back(shows("vrrp.51", ",UP") ? "up" : "down"); });
    }
    void read() { REQUIRE(links.refresh(netlink)); }
    void plan(const std::string& text) { (void)devices.plan(Office::written(text), links); }
    // Whether anything was done.
    bool keep() {
        bool any = false;
        for (int round = 0; round < VrrpDevices::kRounds && devices.keep(links, netlink); ++round) read(), any = true;
        return any;
    }
    void use(const std::string& text) {
        plan(text);
        keep();
        devices.drop_unwanted(links, netlink);
        read();
    }
    std::size_t logged(std::string_view part) const { return log.count(part); }
};

template <class Body>
void with_macvlan(const Body& body) {
    mainstay::test::in_own_network([&] {
        VmacHost host;
        if (!ip("link add link eth0 name probe type macvlan")) {
            MESSAGE("passed over: this kernel has no macvlan");
            return;
        }
        REQUIRE(ip("link del probe"));
        host.read();
        body(host);
    });
}

}  // namespace mainstay::role::test
