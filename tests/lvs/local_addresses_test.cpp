#include "lvs/local_addresses.hpp"

#include <doctest/doctest.h>

#include "builders.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

config::VirtualServer suspended(config::VirtualServer service) {
    service.more.edit().values = {{"ha_suspend", true}};
    return service;
}

}  // namespace

TEST_CASE("a service suspends its checks while its address is elsewhere, and never while nothing is known") {
    const auto web = suspended(service({}));
    LocalAddresses local;
    CHECK_FALSE(local.suspend(web));
    local.set({ip("10.0.0.2")});
    CHECK(local.suspend(web));
    CHECK_FALSE(local.suspend(service({})));
    local.set({ip("10.0.0.1"), ip("10.0.0.2")});
    CHECK_FALSE(local.suspend(web));
}

TEST_CASE("one address of a group's ranges is enough") {
    const auto group = suspended(grouped({}, {range("10.0.0.1", "10.0.0.9"), range("10.0.1.1", "10.0.1.1")}));
    LocalAddresses local;
    local.set({ip("10.0.0.10"), ip("10.0.1.0")});
    CHECK(local.suspend(group));
    local.set({ip("10.0.0.9")});
    CHECK_FALSE(local.suspend(group));
}
