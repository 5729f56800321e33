// The paths that a role may open when it has started, as docs/security.md lists them.
#include "role/common/reach.hpp"

#include <doctest/doctest.h>
#include <sys/utsname.h>

#include <set>
#include <string>

using namespace mainstay;
using namespace mainstay::role;
using Access = kernel::PathRule::Access;

namespace {

using Rules = std::set<std::string>;

Rules paths(const kernel::Reach& reach) {
    Rules texts;
    for (const auto& rule : reach.paths)
        texts.insert((rule.access == Access::Read ? "r " : rule.access == Access::Write ? "w " : "m ") + rule.path);
    CHECK(texts.size() == reach.paths.size());
    return texts;
}

const Rules kLeast{"r /etc/localtime", "r /usr/share/zoneinfo", "w /dev/null", "r /dev/urandom"};

Rules least_and(Rules more) {
    more.insert(kLeast.begin(), kLeast.end());
    return more;
}

ipc::RoleStartup started() {
    ipc::RoleStartup startup;
    startup.control_socket = "/run/mainstay/blue/control.sock";
    startup.spool_directory = "/var/spool/mainstay";
    return startup;
}

}  // namespace

TEST_CASE("vrrp and bfd open no file but names and the settings of interfaces, and no TCP connection") {
    CHECK(paths(reach_of(Kind::Vrrp, started())) == least_and({"w /proc/sys/net", "r /etc", "r /usr"}));
    CHECK_FALSE(reach_of(Kind::Vrrp, started()).tcp);
    CHECK(paths(reach_of(Kind::Bfd, started())) == kLeast);
    CHECK_FALSE(reach_of(Kind::Bfd, started()).tcp);
}

TEST_CASE("the health checks have the system's files, the kernel's configuration and TCP") {
    utsname kernel{};
    REQUIRE(::uname(&kernel) == 0);
    CHECK(paths(reach_of(Kind::Lvs, started())) ==
          least_and({"w /proc/sys/net", "r /etc", "r /usr", "r /lib", "r /lib64", "r /sys/devices/system/cpu",
                     std::string{"r /boot/config-"} + kernel.release}));
    CHECK(reach_of(Kind::Lvs, started()).tcp);
}

TEST_CASE("the observer may change the folders that hold its socket's folder and its spool, which may be made anew") {
    CHECK(paths(reach_of(Kind::Observer, started())) ==
          least_and({"m /run/mainstay", "m /var/spool", "r /run", "r /var/lib/sss", "r /proc/self", "r /etc", "r /usr",
                     "r /lib", "r /lib64", "r /sys/devices/system/cpu"}));
    CHECK(reach_of(Kind::Observer, started()).tcp);
    auto top = started(), here = started();
    top.control_socket = "/run/control.sock";
    here.spool_directory = "spool";
    CHECK(paths(reach_of(Kind::Observer, top)).contains("m /"));
    CHECK(paths(reach_of(Kind::Observer, here)).contains("m /"));
}

TEST_CASE("what reads files from anywhere may open all, and only what talks to name services and masters has TCP") {
    CHECK(paths(reach_of(Kind::Snmp, started())) == Rules{"r /"});
    CHECK(reach_of(Kind::Snmp, started()).tcp);
    CHECK(paths(watcher_reach()) == Rules{"r /"});
    CHECK_FALSE(watcher_reach().tcp);
    CHECK(paths(reader_reach()) == Rules{"r /"});
    CHECK(reader_reach().tcp);
}
