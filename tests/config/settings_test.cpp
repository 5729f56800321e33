#include "mainstay/config/settings.hpp"

#include <doctest/doctest.h>

#include "mainstay/config/toml/toml.hpp"

using namespace mainstay::config;

TEST_CASE("settings are read from their tables") {
    const auto read =
        read_settings("[lvs]\naudit_interval = 5\n[scripts]\nnotify_wait = 0\n[mail]\nkeep = 3600\n", "m.toml");

    CHECK(read.problems.empty());
    CHECK(read.settings == Settings{5, 0, 3600});
}

TEST_CASE("the API has paths, a list of addresses and a switch") {
    const auto read = read_settings(
        "[api]\nlisten = [\"127.0.0.1:9112\", \"[::1]:9112\"]\ntls_certificate = \"/c\"\ntls_key = \"/k\"\n"
        "tls_client_ca = \"/a\"\ncredentials = \"/p\"\noperate = true\n"
        "peer = \"https://lb2:9112\"\npeer_token = \"/t\"\npeer_ca = \"/b\"\n",
        "m.toml");

    CHECK(read.problems.empty());
    CHECK(read.settings.api_listen == std::vector<std::string>{"127.0.0.1:9112", "[::1]:9112"});
    CHECK(read.settings.api_tls_certificate == "/c");
    CHECK(read.settings.api_tls_key == "/k");
    CHECK(read.settings.api_tls_client_ca == "/a");
    CHECK(read.settings.api_credentials == "/p");
    CHECK(read.settings.api_operate);
    CHECK(read.settings.api_peer == "https://lb2:9112");
    CHECK(read.settings.api_peer_token == "/t");
    CHECK(read.settings.api_peer_ca == "/b");
}

TEST_CASE(
    "variables for scripts are names and patterns, and those that decide what runs are left out with the reason") {
    const auto read = read_settings(
        "[scripts]\npass_environment = [\"HCLOUD_TOKEN\", \"LD_*\", \"AWS_*\",\n \"PATH\", \"A\\u001b[2J\"]\n",
        "m.toml");

    CHECK(read.settings.scripts_pass_environment == std::vector<std::string>{"HCLOUD_TOKEN", "AWS_*"});
    CHECK(
        read.problems ==
        std::vector<std::string>{
            "m.toml:2:37: scripts.pass_environment cannot have 'LD_?': it decides what a script runs or loads: it is "
            "left out",
            "m.toml:3:2: scripts.pass_environment cannot have 'PATH': scripts get it in any case: it is left out",
            "m.toml:3:10: scripts.pass_environment cannot have 'A?[2J': it is no name of a variable, nor a pattern of "
            "one with *: it is left out"});
    CHECK(read_settings("", "m").settings.scripts_pass_environment.empty());
    CHECK(
        read_settings("[scripts]\npass_environment = \"A\"\n", "m").problems ==
        std::vector<std::string>{"m:2:20: scripts.pass_environment must be a list of at most 64 texts: it is not set"});
}

TEST_CASE("a path that is not absolute and a list of other things are not set") {
    const auto read = read_settings("[api]\nlisten = [1]\ncredentials = \"p\"\n", "m.toml");

    REQUIRE(read.problems.size() == 2);
    CHECK(read.problems[0] == "m.toml:2:10: api.listen must be a list of at most 8 texts: it is not set");
    CHECK(read.problems[1] == "m.toml:3:15: api.credentials must be an absolute path: it is not set");
    CHECK(read.settings == Settings{});
    CHECK(read_settings("[api]\nlisten = \"127.0.0.1:1\"\n", "m").problems.size() == 1);
    CHECK(
        read_settings("[api]\npeer = \"lb2:9112\"\n", "m").problems ==
        std::vector<std::string>{"m:2:8: api.peer must be a text that begins with https:// or http://: it is not set"});
}

TEST_CASE("a list of the settings has eight texts at most") {
    const auto of = [](int count) {
        std::string text = "[api]\nlisten = [";
        for (int i = 1; i <= count; ++i) text += "\"127.0.0.1:" + std::to_string(i) + "\", ";
        return read_settings(text + "]\n", "m.toml");
    };
    CHECK(of(8).problems.empty());
    CHECK(of(8).settings.api_listen.size() == 8);
    CHECK(of(9).problems.size() == 1);
    CHECK(of(9).settings.api_listen.empty());
    CHECK(of(0).problems.empty());
}

TEST_CASE("seconds of the settings may be the least and the most of their range") {
    const auto wrong = [](const std::string& text) { return read_settings(text, "m.toml").problems.size(); };
    CHECK(wrong("[lvs]\naudit_interval = 0\n[mail]\nkeep = 60\n") == 0);
    CHECK(wrong("[lvs]\naudit_interval = 86400\n[mail]\nkeep = 2592000\n") == 0);
    CHECK(wrong("[lvs]\naudit_interval = -1\n[mail]\nkeep = 59\n") == 2);
    CHECK(wrong("[mail]\nkeep = 2592001\n") == 1);
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
          "m.toml:3:2: unknown table [vrrp]: ignored; known tables: [api], [lvs], [mail], [recorder], [reload], "
          "[scripts], [[webhook]] and the blocks of mainstay.conf");
}

TEST_CASE("for a misspelt setting or table the nearest name is suggested") {
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

TEST_CASE("a TOML file has settings when one of its tables is of them") {
    CHECK(toml_has_settings("[lvs]\naudit_interval = 5\n"));
    CHECK(toml_has_settings("[global_defs]\nrouter_id = \"lb1\"\n[[webhook]]\nurl = \"http://h/\"\n"));
    CHECK_FALSE(toml_has_settings("[global_defs]\nrouter_id = \"lb1\"\n"));
    CHECK_FALSE(toml_has_settings(""));
    CHECK_FALSE(toml_has_settings("vrrp_instance VI_1 {\n"));
}
