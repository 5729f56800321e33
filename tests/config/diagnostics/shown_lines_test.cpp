// How a diagnostic and the line that it stands in are shown.
#include <doctest/doctest.h>

#include "../samples.hpp"

using namespace mainstay::config;
using namespace mainstay::config::testing;

using Lines = std::vector<std::string>;

TEST_CASE("a diagnostic is shown with its line and a caret") {
    const Loaded loaded = load_sample(vrrp(4, "\tvirtual_router_id 256"));

    CHECK(render(loaded.diagnostics[0], loaded, false) ==
          "ha.conf:4:20: fatal MS0201: virtual_router_id must be 1 to 255, got 256\n"
          "    4 | \tvirtual_router_id 256\n"
          "      | \t                  ^~~\n"
          "  expected: 1 to 255\n"
          "  effect: this configuration cannot run without virtual_router_id\n");
    CHECK(render_line(loaded.diagnostics[0], loaded) ==
          "ha.conf:4:20: fatal MS0201: virtual_router_id must be 1 to 255, got 256; this configuration cannot run "
          "without virtual_router_id");
}

TEST_CASE("a diagnostic of a file that is not there is shown without a place and a line") {
    Diagnostic lost;
    lost.message = "it is lost";
    lost.place.line = 1;
    Loaded loaded;
    CHECK(render(lost, loaded, false) == "error MS0000: it is lost\n");

    loaded.files.push_back({"ha.conf", "global_defs {\n"});
    lost.place.file = 1;
    CHECK(render(lost, loaded, false) == "error MS0000: it is lost\n");
}

TEST_CASE("control characters of a line are shown as question marks, its tabs stay") {
    const Loaded loaded = load_sample(vrrp(4, "\tvirtual_router_id 256 \x01\x7f"));

    REQUIRE_FALSE(loaded.diagnostics.empty());
    CHECK(render(loaded.diagnostics[0], loaded, false)
              .contains("    4 | \tvirtual_router_id 256 ?"
                        "?\n"));
}

TEST_CASE("columns count characters, not bytes") {
    const Loaded loaded = load_sample(vrrp(12, "        10.9.9.9/24 \xE4\xB8\xBB\xE4\xB8\xBB"));

    CHECK(lines_of(loaded) == Lines{"12:21 error MS0206 '\xE4\xB8\xBB\xE4\xB8\xBB' is not an option of an address"});
    CHECK(loaded.diagnostics[0].place.length == 2);
}

TEST_CASE("a password is not shown") {
    const Loaded loaded = load_sample(vrrp(9, "        auth_pass verysecret"));

    CHECK(render(loaded.diagnostics[0], loaded, false) ==
          "ha.conf:9:19: warning MS0207: auth_pass has 10 characters; VRRP carries 8\n"
          "    9 |         auth_pass **********\n"
          "      |                   ^~~~~~~~~~\n"
          "  effect: only the first 8 are used\n"
          "  fix: write the first 8 alone: it is the same password\n");
}

TEST_CASE("keys and passphrases are not shown either") {
    const Loaded hmac = load_sample(vrrp(7, "    auth_hmac {\n        key 999 opensesameopensesameopensesame12"));
    REQUIRE_FALSE(hmac.diagnostics.empty());
    for (const Diagnostic& found : hmac.diagnostics)
        CHECK(render(found, hmac, false).find("opensesame") == std::string::npos);

    const Loaded ssl = load_sample("SSL { password \"opensesame }\n" + std::string{kVrrp});
    REQUIRE_FALSE(ssl.diagnostics.empty());
    for (const Diagnostic& found : ssl.diagnostics)
        CHECK(render(found, ssl, false).find("opensesame") == std::string::npos);
}

TEST_CASE("of TOML passwords, keys and what a webhook's address and headers hold are not shown") {
    const auto shown = [](const std::string& line) {
        Diagnostic found;
        found.place.line = 1;
        Loaded loaded;
        loaded.files.push_back({"ha.toml", line + "\n"});
        const std::string text = render(found, loaded, false);
        const std::size_t begin = text.find("| ") + 2;
        return text.substr(begin, text.find('\n', begin) - begin);
    };

    CHECK(shown(R"(auth_pass = "my secret")") == R"(auth_pass = "** ******")");
    CHECK(shown(R"(auth_pass='secret' # no secret)") == R"(auth_pass='******' # no secret)");
    CHECK(shown(R"(password = "open sesame")") == R"(password = "**** ******")");
    CHECK(shown(R"(authentication = { auth_type = "PASS", auth_pass = "secret" })") ==
          R"(authentication = { auth_type = "PASS", auth_pass = "******" })");
    CHECK(shown(R"(key = ["1 secret"])") == R"(key = *"* ******"*)");
    CHECK(shown(R"(url = "https://u:token@example.com/hook")") == R"(url = "********************************")");
    CHECK(shown(R"(headers = { Authorization = "Bearer secret" })") ==
          R"(headers = * ************* * "****** ******" *)");
    CHECK(shown(R"(url { path /health })") == R"(url { path /health })");
    CHECK(shown(R"(keyfile = "/etc/key")") == R"(keyfile = "/etc/key")");
}
