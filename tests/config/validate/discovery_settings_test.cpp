// The settings of sources of real servers: their defaults, and what several services make of one source.
#include "mainstay/config/validate/resolved.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::config;

namespace {

RealServer from_file(KeywordValues values, std::uint16_t port = 0) {
    RealServer server;
    server.endpoint.port = port;
    values.push_back({"real_server_file", WordList{"/etc/web.json"}});
    server.more.edit().values = std::move(values);
    return server;
}

}  // namespace

TEST_CASE("without a keyword half may go, an answer that removes more counts after 600 s, and an empty one never") {
    CHECK(discovery_rules(RealServer{}) == DiscoveryRules{.max_removal = 50,
                                                          .min_servers = 0,
                                                          .hold_time = Seconds{600},
                                                          .hold_empty = Seconds{0},
                                                          .debounce = Seconds{2}});
    CHECK(DiscoveryRules{} == discovery_rules(RealServer{}));
    CHECK(discovery_rules(from_file({{"debounce", Micros{1}},
                                     {"hold_empty", Micros{2}},
                                     {"hold_time", Micros{3}},
                                     {"max_removal", std::int64_t{4}},
                                     {"min_servers", std::int64_t{5}}})) == DiscoveryRules{.max_removal = 4,
                                                                                           .min_servers = 5,
                                                                                           .hold_time = Micros{3},
                                                                                           .hold_empty = Micros{2},
                                                                                           .debounce = Micros{1}});
}

TEST_CASE("of the rules of several services each is as strict as the strictest, and 0 seconds are for ever") {
    const DiscoveryRules a{
        .max_removal = 10, .min_servers = 1, .hold_time = Micros{0}, .hold_empty = Micros{7}, .debounce = Micros{3}};
    const DiscoveryRules b{
        .max_removal = 90, .min_servers = 2, .hold_time = Micros{9}, .hold_empty = Micros{8}, .debounce = Micros{2}};
    const DiscoveryRules both{
        .max_removal = 10, .min_servers = 2, .hold_time = Micros{0}, .hold_empty = Micros{8}, .debounce = Micros{2}};
    CHECK(strictest(a, b) == both);
    CHECK(strictest(b, a) == both);
}

TEST_CASE("a file's source has its labels and port, and the family of the service unless a tunnel carries either") {
    VirtualServer service;
    service.family = Family::V6;
    auto server = from_file({{"labels_drop", WordList{"stage", "test"}},
                             {"labels_keep", WordList{"zone", "a", "b"}},
                             {"labels_keep", WordList{"rack", "7"}},
                             {"labels_keep", WordList{"alone"}}},
                            8080);
    CHECK(server_file_source(service, server) == ServerFileSource{.path = "/etc/web.json",
                                                                  .port = 8080,
                                                                  .family = Family::V6,
                                                                  .keep = {{"zone", {"a", "b"}}, {"rack", {"7"}}},
                                                                  .drop = {{"stage", {"test"}}}});
    server.forwarding = Forwarding::Tunnel;
    CHECK(server_file_source(service, server)->family == std::nullopt);
    CHECK(server_file_source(service, RealServer{}) == std::nullopt);
}

TEST_CASE("a file that several services have is one source") {
    Config config;
    config.virtual_servers.resize(2);
    config.virtual_servers[0].real_servers = {from_file({}), RealServer{}, from_file({}, 80)};
    config.virtual_servers[1].real_servers = {from_file({})};
    const auto sources = server_file_sources(config);
    REQUIRE(sources.size() == 2);
    CHECK(sources[0].port == 0);
    CHECK(sources[1].port == 80);
}
