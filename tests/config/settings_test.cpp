#include "mainstay/config/settings.hpp"

#include <doctest/doctest.h>

using namespace mainstay::config;

TEST_CASE("settings are read from their tables") {
    const auto read =
        read_settings("[lvs]\naudit_interval = 5\n[scripts]\nnotify_wait = 0\n[mail]\nkeep = 3600\n", "m.toml");

    CHECK(read.problems.empty());
    CHECK(read.settings == Settings{5, 0, 3600});
}

TEST_CASE("an empty file means the defaults") {
    CHECK(read_settings("", "m.toml").settings == Settings{10, 10, 259'200});
}

TEST_CASE("a value outside its range is named with place, range and what is used instead") {
    const auto read = read_settings("[lvs]\naudit_interval = 86401\n[mail]\nkeep = \"long\"\n", "m.toml");

    REQUIRE(read.problems.size() == 2);
    CHECK(read.problems[0] ==
          "m.toml:2:18: lvs.audit_interval must be a whole number of seconds from 0 to 86400: 10 is used");
    CHECK(read.problems[1] ==
          "m.toml:4:8: mail.keep must be a whole number of seconds from 60 to 2592000: 259200 is used");
    CHECK(read.settings == Settings{});
}

TEST_CASE("unknown settings and tables are named with what there is") {
    const auto read = read_settings("[lvs]\naudit = 5\n[vrrp]\nx = 1\n", "m.toml");

    REQUIRE(read.problems.size() == 2);
    CHECK(read.problems[0] == "m.toml:2:1: unknown setting audit in [lvs]: ignored; known settings: audit_interval");
    CHECK(read.problems[1] ==
          "m.toml:3:2: unknown table [vrrp]: ignored; known tables: [lvs], [mail], [reload], [scripts] and the blocks "
          "of mainstay.conf");
}

TEST_CASE("a misspelt setting or table is told the nearest name") {
    const auto read = read_settings("[scripts]\nnotify_wiat = 5\n[mial]\nkeep = 60\n", "m.toml");

    REQUIRE(read.problems.size() == 2);
    CHECK(read.problems[0].ends_with("; did you mean notify_wait?"));
    CHECK(read.problems[1].ends_with("; did you mean mail?"));
}

TEST_CASE("what the file says about the director is not the settings' business") {
    const auto read = read_settings("[global_defs]\nrouter_id = \"lb1\"\n[[virtual_server]]\non = \"x\"\n", "m.toml");

    CHECK(read.problems.empty());
}

TEST_CASE("text that is not TOML gives one problem and the defaults") {
    const auto read = read_settings("vrrp_instance VI_1 {\n", "m.toml");

    REQUIRE(read.problems.size() == 1);
    CHECK(read.problems[0].starts_with("m.toml:1:"));
    CHECK(read.problems[0].ends_with("the defaults are used"));
    CHECK(read.settings == Settings{});
}

TEST_CASE("a setting that is a switch takes true and false only") {
    CHECK(read_settings("[reload]\naccept_losses = true\n", "m.toml").settings.reload_accept_losses);

    const auto read = read_settings("[reload]\naccept_losses = 1\n", "m.toml");
    REQUIRE(read.problems.size() == 1);
    CHECK(read.problems[0] == "m.toml:2:17: reload.accept_losses must be true or false: false is used");
    CHECK_FALSE(read.settings.reload_accept_losses);
}
