// [[webhook]] of mainstay.toml, and the files of headers.
#include "../../needs.hpp"
#include "role/reader/host_plan.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>

#include "../role_process.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

namespace {

using Strings = std::vector<std::string>;

struct WebhookBench {
    // The first webhook of the settings, as it is posted to.
    ipc::Webhook read() {
        problems.clear();
        const auto all = webhook_settings(settings, problems);
        REQUIRE(all.webhooks.size() == settings.webhooks.size());
        return all.webhooks.at(0);
    }
    std::string secret(const std::string& text, mode_t mode = 0600) {
        const std::string path = folder / "headers";
        std::ofstream{path, std::ios::trunc} << text;
        REQUIRE(::chmod(path.c_str(), mode) == 0);
        return path;
    }
    // With headers and this URL: what there is to complain of.
    std::string problem_at(const std::string& url) {
        settings.webhooks[0].url = url;
        return read().problem;
    }

    Folder folder;
    config::Settings settings{.webhooks = {{.name = "pager", .url = "https://pager.example/hook"}}};
    Strings problems;
};

}  // namespace

// Each of them runs the whole process, which takes its account and its limits.
TEST_SUITE_BEGIN("reader process" * mainstay::test::kNeedsRoot);

TEST_CASE("a webhook has the name, the address, the authorities and the patience of its table") {
    WebhookBench bench;
    auto& webhook = bench.settings.webhooks[0];
    webhook.tls_ca = "/etc/ca.pem";
    webhook.keep_s = 60;
    CHECK(bench.read() == ipc::Webhook{.name = "pager",
                                       .url = "https://pager.example/hook",
                                       .ca_file = "/etc/ca.pem",
                                       .cloud_events = false,
                                       .kinds = 0,
                                       .keep_seconds = 60,
                                       .headers = {},
                                       .problem = {}});
    CHECK(bench.problems.empty());
    webhook.body = "cloudevents";
    CHECK(bench.read().cloud_events);
    webhook.body = "alertmanager";
    CHECK_FALSE(bench.read().cloud_events);
}

TEST_CASE("each kind of event has its bit, and without any it is all kinds") {
    WebhookBench bench;
    const auto kinds = [&](const Strings& events) {
        bench.settings.webhooks[0].events = events;
        return static_cast<int>(bench.read().kinds);
    };
    CHECK(kinds({"instance"}) == 2);
    CHECK(kinds({"group"}) == 4);
    CHECK(kinds({"server"}) == 8);
    CHECK(kinds({"service"}) == 16);
    CHECK(kinds({"service", "instance"}) == 18);
    CHECK(kinds({}) == 0);
}

TEST_CASE("headers are read from their file, which is nobody else's") {
    WebhookBench bench;
    auto& webhook = bench.settings.webhooks[0];
    webhook.headers = bench.secret("Authorization: Bearer x\nX-Team: ops\n");
    CHECK(bench.read().headers == Strings{"Authorization: Bearer x", "X-Team: ops"});
    CHECK(bench.problems.empty());

    webhook.headers = bench.secret("Authorization: Bearer x\n", 0644);
    CHECK(bench.read().problem ==
          webhook.headers + " may be read by others than its owner: chmod 600 " + webhook.headers);
    CHECK(bench.read().headers.empty());
    CHECK(bench.problems ==
          Strings{"[[webhook]] pager: " + webhook.headers + " may be read by others than its owner: chmod 600 " +
                  webhook.headers + "; its events are queued until this is repaired and read by a reload"});

    webhook.headers = bench.secret("no header at all\n");
    CHECK(bench.read().problem.starts_with(webhook.headers + ": "));
    CHECK(bench.read().headers.empty());

    webhook.headers = bench.folder / "absent";
    CHECK(bench.read().problem == webhook.headers + ": No such file or directory");
}

TEST_CASE("headers are sent over TLS, or to this host itself") {
    WebhookBench bench;
    bench.settings.webhooks[0].headers = bench.secret("Authorization: Bearer x\n");
    for (const char* url : {"https://pager.example/hook", "http://localhost/hook", "http://127.0.0.1:9093/hook",
                            "http://127.9.9.9/hook", "http://[::1]:9093/hook"})
        CHECK_MESSAGE(bench.problem_at(url) == "", url);
    for (const char* url : {"http://pager.example/hook", "http://127.0.0.1.example/hook", "http://10.0.0.1/hook",
                            "http://[::2]/hook", "http://localhost.example/hook"})
        CHECK_MESSAGE(bench.problem_at(url) == "headers are not sent without TLS: write https:// in the url", url);
    bench.settings.webhooks[0].headers.clear();
    CHECK(bench.problem_at("http://pager.example/hook") == "");
}

TEST_CASE("a webhook with a problem takes nothing from the next one") {
    WebhookBench bench;
    bench.settings.webhooks[0].headers = bench.folder / "absent";
    bench.settings.webhooks.push_back({.name = "chat", .url = "https://chat.example/"});
    Strings problems;
    const auto all = webhook_settings(bench.settings, problems);
    REQUIRE(all.webhooks.size() == 2);
    CHECK(all.webhooks[1].name == "chat");
    CHECK(all.webhooks[1].problem.empty());
    CHECK(problems.size() == 1);
}

TEST_SUITE_END();
