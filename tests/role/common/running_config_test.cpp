#include "role/common/blocks.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::role;

namespace {

config::Config with_service() {
    config::Config config;
    config.virtual_servers.emplace_back().fwmark = 7;
    return config;
}

}  // namespace

TEST_CASE("of many servers there is no second copy, and no other process goes without its services") {
    auto of_lvs = with_service(), of_others = with_service();
    CHECK(to_run(of_lvs, true).config.virtual_servers.empty());
    CHECK(of_lvs.virtual_servers.size() == 1);
    CHECK(to_run(of_others, false).config.virtual_servers.size() == 1);
    CHECK(of_others.virtual_servers.size() == 1);
}
