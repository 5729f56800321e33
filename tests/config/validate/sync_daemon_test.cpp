// The sync daemon that the lvs role gets, which has no instances to look at.
#include <doctest/doctest.h>

#include "../samples.hpp"
#include "mainstay/config/validate/resolved.hpp"

using namespace mainstay;
using namespace mainstay::config;
using namespace mainstay::config::testing;

namespace {

Config lvs_part(const std::string& text) { return slice(load_sample(text).config, Audience::Lvs); }
std::string sync_daemon_on(const std::string& words) { return "global_defs {\nlvs_sync_daemon " + words + "\n}\n"; }

}  // namespace

TEST_CASE("the lvs role gets the sync daemon with the VRID of its instance, and all that is written") {
    const auto daemon = sync_daemon(lvs_part(sync_daemon_on("eth0 VI_1") + std::string{kVrrp}));
    REQUIRE(daemon);
    CHECK(*daemon == SyncDaemon{.interface = "eth0", .instance = "VI_1", .id = 51});
    const auto whole = sync_daemon(lvs_part(
        sync_daemon_on("eth1 inst VI_1 id 7 maxlen 1400 port 8849 ttl 3 group 224.0.0.82") + std::string{kVrrp}));
    REQUIRE(whole);
    CHECK(*whole == SyncDaemon{.interface = "eth1",
                               .instance = "VI_1",
                               .id = 7,
                               .maxlen = 1400,
                               .port = 8849,
                               .ttl = 3,
                               .group = IpAddress::parse("224.0.0.82")});
}

TEST_CASE("a daemon that an instance names is the same, and one of an unknown instance is none") {
    const auto of_instance =
        sync_daemon(lvs_part(with_line(kVrrp, 3, "    interface eth0\n    lvs_sync_daemon_interface eth1")));
    REQUIRE(of_instance);
    CHECK(*of_instance == SyncDaemon{.interface = "eth1", .instance = "VI_1", .id = 51});
    const auto none = lvs_part(sync_daemon_on("eth0 VI_2") + std::string{kVrrp});
    CHECK_FALSE(sync_daemon(none));
    CHECK(find_section(none.global.more->sections, KeywordName{"lvs_sync_daemon"}) == nullptr);
    CHECK_FALSE(sync_daemon(lvs_part(std::string{kVrrp})));
}
