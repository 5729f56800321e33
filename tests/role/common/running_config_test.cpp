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

TEST_CASE("a process that does not show the configuration keeps its global definitions alone") {
    auto config = with_service();
    config.instances.emplace_back().name = "VI_1";
    config.global.router_id = "one";
    CHECK(to_run(config, true).config == config);
    const auto kept = to_run(config, false).config;
    CHECK(kept.global == config.global);
    CHECK((kept.instances.empty() && kept.virtual_servers.empty()));
}
