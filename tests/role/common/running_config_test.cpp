#include "role/common/blocks.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::role;

namespace {

config::Config with_service() {
    config::Config config;
    config.virtual_servers.emplace_back().fwmark = 7;
    config.virtual_servers.back().real_servers.emplace_back();
    return config;
}

}  // namespace

TEST_CASE(
    "a process that shows the configuration keeps all but the real servers, another its global definitions alone") {
    auto config = with_service();
    config.instances.emplace_back().name = "VI_1";
    config.global.router_id = "one";
    auto shown = config;
    shown.virtual_servers[0].real_servers = {};
    CHECK(to_run(config, true).config == shown);
    const auto kept = to_run(config, false).config;
    CHECK(kept.global == config.global);
    CHECK((kept.instances.empty() && kept.virtual_servers.empty()));
}
