#include "cli/ctl_announced.hpp"

#include <doctest/doctest.h>

namespace mainstay::cli {
namespace {

const auto kFirst = *IpAddress::parse("10.50.0.1");
const auto kSecond = *IpAddress::parse("fd00:50::1");

TEST_CASE("a line for each address that comes, drains, and goes, and none for what stays") {
    AnnouncementFeed feed{AnnouncementForm::Lines};
    CHECK(feed.update({}).empty());
    CHECK(feed.update({{kFirst}, {kSecond}}) == "announce 10.50.0.1/32\nannounce fd00:50::1/128\n");
    CHECK(feed.update({{kSecond}, {kFirst}}).empty());
    CHECK(feed.update({{kFirst, true}, {kSecond}}) == "announce 10.50.0.1/32 drain\n");
    CHECK(feed.update({{kFirst, true}, {kFirst}, {kSecond}}) == "announce 10.50.0.1/32\n");
    CHECK(feed.update({{kSecond}}) == "withdraw 10.50.0.1/32\n");
    CHECK(feed.heartbeat() == "alive\n");
    CHECK(feed.withdraw_all() == "withdraw fd00:50::1/128\n");
    CHECK(feed.withdraw_all().empty());
}

TEST_CASE("the same as commands of ExaBGP") {
    AnnouncementFeed feed{AnnouncementForm::Exabgp};
    CHECK(feed.update({{kFirst}}) == "announce route 10.50.0.1/32 next-hop self med 0\n");
    CHECK(feed.update({{kFirst, true}}) == "announce route 10.50.0.1/32 next-hop self med 1000 community [65535:0]\n");
    CHECK(feed.heartbeat().empty());
    CHECK(feed.withdraw_all() == "withdraw route 10.50.0.1/32 next-hop self\n");
}

}  // namespace
}  // namespace mainstay::cli
