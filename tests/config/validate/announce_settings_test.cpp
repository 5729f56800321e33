#include "mainstay/config/validate/resolved.hpp"

#include <doctest/doctest.h>

#include "../samples.hpp"

using namespace mainstay;
using namespace mainstay::config;
using namespace mainstay::config::testing;

namespace {

Config service_with(const std::string& lines, const char* service = "10.9.9.9 80") {
    return load_sample("virtual_server " + std::string{service} + " {\nlb_algo rr\nlb_kind DR\nprotocol TCP\n" + lines +
                       "\nreal_server 10.1.1.1 80 {\n}\n}\n")
        .config;
}

}  // namespace

TEST_CASE("an empty announce block has the defaults of the schema") {
    const auto config = service_with("announce {\n}");
    CHECK(announces(config));
    const auto settings = announce_settings(config.virtual_servers.at(0));
    REQUIRE(settings);
    CHECK(*settings == AnnounceSettings{.any_service = false,
                                        .interface = "ms-vip",
                                        .drain_interface = "ms-drain",
                                        .lifetime = Seconds{5},
                                        .hold = false,
                                        .drain_time = Seconds{60}});
}

TEST_CASE("each setting of an announce block is taken") {
    const auto config = service_with(
        "announce {\nservices any\ninterface vips\ndrain_interface last\nlifetime 30\non_loss hold\ndrain_time 0\n}");
    CHECK(announce_settings(config.virtual_servers.at(0)) == AnnounceSettings{.any_service = true,
                                                                              .interface = "vips",
                                                                              .drain_interface = "last",
                                                                              .lifetime = Seconds{30},
                                                                              .hold = true,
                                                                              .drain_time = Seconds{0}});
}

TEST_CASE("without the block, and for a firewall mark, nothing is announced") {
    CHECK_FALSE(announces(service_with("")));
    CHECK_FALSE(announces(service_with("announce {\n}", "fwmark 5")));
}
