#include "mainstay/config/webhook.hpp"

#include <doctest/doctest.h>

#include "mainstay/config/settings.hpp"
#include "mainstay/config/toml/toml.hpp"

using namespace mainstay::config;

TEST_CASE("webhooks are tables of a list") {
    const auto read = read_settings(
        "[[webhook]]\nurl = \"https://hooks.example.net/x\"\n[lvs]\naudit_interval = 5\n"
        "[[webhook]]\nurl = \"http://[::1]:9095/\"\nname = \"on-call\"\nbody = \"cloudevents\"\n"
        "events = [\"group\", \"service\"]\ntls_ca = \"/ca\"\nheaders = \"/h\"\nkeep = 60\n",
        "m.toml");

    CHECK(read.problems.empty());
    REQUIRE(read.settings.webhooks.size() == 2);
    CHECK(read.settings.webhooks[0] == Webhook{.name = "hooks.example.net", .url = "https://hooks.example.net/x"});
    CHECK(read.settings.webhooks[1] == Webhook{.name = "on-call",
                                               .url = "http://[::1]:9095/",
                                               .body = "cloudevents",
                                               .tls_ca = "/ca",
                                               .headers = "/h",
                                               .events = {"group", "service"},
                                               .keep_s = 60});
    CHECK(read.settings.lvs_audit_interval_s == 5);
}

TEST_CASE("what is wrong with a webhook is said with its place, and what is used instead") {
    const auto read = read_settings(
        "[[webhook]]\nurl = \"https://h/\"\nbody = \"slack\"\nevents = [\"instances\"]\ntls_ca = \"ca\"\nkeep = 59\n"
        "name = \"a b\"\nheader = \"/h\"\n",
        "m.toml");

    CHECK(read.problems ==
          std::vector<std::string>{
              "m.toml:3:8: webhook.body must be \"alertmanager\" or \"cloudevents\": default used: alertmanager",
              "m.toml:4:10: webhook.events must be a list of \"instance\", \"group\", \"server\", \"service\": default "
              "used: all",
              "m.toml:5:10: webhook.tls_ca must be an absolute path: default used: none",
              "m.toml:6:8: webhook.keep must be a whole number of seconds (60 to 2592000): default used: 259200",
              "m.toml:7:8: webhook.name must be a word of letters, digits, - and .: default used: the URL's host",
              "m.toml:8:1: unknown setting header in [[webhook]]: ignored; known settings: url, name, body, events, "
              "tls_ca, headers, keep; did you mean headers?"});
    CHECK(read.settings.webhooks == std::vector{Webhook{.name = "h", .url = "https://h/"}});
}

TEST_CASE("a webhook without a usable URL, or of another's name, is left out") {
    const auto problems = [](const std::string& text) { return read_settings(text, "m").problems; };

    CHECK(
        problems("[[webhook]]\nname = \"x\"\n") ==
        std::vector<std::string>{"m:1:1: a [[webhook]] has no url: it is left out; write url = \"https://HOST/PATH\""});
    CHECK(problems("[[webhook]]\nurl = \"ftp://h/secret\"\n") ==
          std::vector<std::string>{
              "m:2:7: webhook.url: the URL must begin with https:// or http://: this webhook is left out"});
    CHECK(problems("[[webhook]]\nurl = \"https://h/1\"\n[[webhook]]\nurl = \"https://h/2\"\n") ==
          std::vector<std::string>{"m:3:1: there is another [[webhook]] of the name h: this one is left out; give it a "
                                   "name of its own"});
    CHECK(problems("[webhook]\nurl = \"https://h/\"\n") ==
          std::vector<std::string>{"m:1:2: webhook is a list of tables: ignored; write [[webhook]]"});
    std::string many;
    for (int i = 0; i < 9; ++i) many += "[[webhook]]\nurl = \"https://h" + std::to_string(i) + "/\"\n";
    const auto read = read_settings(many, "m");
    CHECK(read.settings.webhooks.size() == kWebhooksMax);
    CHECK(read.problems == std::vector<std::string>{"m:17:1: there are more than 8 webhooks: this one is left out"});
}

TEST_CASE("a URL has a host, perhaps a port, and no user name") {
    CHECK(webhook_url("https://h.example:8443/a?b=c").value() == WebhookUrl{true, "h.example", "h.example:8443"});
    CHECK(webhook_url("http://[2001:db8::1]/").value() == WebhookUrl{false, "2001:db8::1", "[2001:db8::1]"});
    CHECK(webhook_url("https://h").value().host == "h");
    const auto wrong = [](const std::string& url) { return webhook_url(url).error().text(); };
    CHECK(wrong("h/x") == "the URL must begin with https:// or http://");
    CHECK(wrong("https:///x") == "the URL names no host");
    CHECK(wrong("https://h:0/") == "the URL's port must be a number from 1 to 65535");
    CHECK(wrong("https://h:65536/") == "the URL's port must be a number from 1 to 65535");
    CHECK(wrong("https://[::1/") == "the URL has no ] after its address");
    CHECK(wrong("https://u:p@h/") == "the URL has a user name: put an Authorization line into the file of headers");
    CHECK(wrong("https://h/a b") == "the URL has a blank or a character that must be written as % and two digits");
    CHECK(wrong("https://h/" + std::string(1'991, 'x')) == "the URL is longer than 2000 characters");
    CHECK(webhook_url("https://h/" + std::string(1'990, 'x')).has_value());
}

TEST_CASE("headers are lines of a name and a value, and a bad one is named by its number only") {
    CHECK(webhook_headers("# token\nAuthorization: Bearer s3cret\r\n\nX-Team: a b").value() ==
          std::vector<std::string>{"Authorization: Bearer s3cret", "X-Team: a b"});
    CHECK(webhook_headers("").value().empty());
    for (const char* const bad : {"s3cret", ": s3cret", "A B: s3cret", "A:", "A: \t", "A: b\x01"}) {
        CAPTURE(bad);
        CHECK(webhook_headers(std::string{"X: y\n"} + bad).error().text() == "line 2 is no header: write Name: value");
    }
    std::string many;
    for (int i = 0; i < 17; ++i) many += "A: b\n";
    CHECK(webhook_headers(many).error().text() == "line 17: there are more than 16 headers");
    CHECK(webhook_headers("A: " + std::string(4'096, 'x')).error().text() == "it is longer than 4096 bytes");
}

TEST_CASE("webhooks are settings of the daemon, not of the director") {
    CHECK(is_settings_table("webhook"));
    CHECK_FALSE(is_settings_table("webhooks"));
}
