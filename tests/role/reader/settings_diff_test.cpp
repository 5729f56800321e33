#include "role/reader/settings_diff.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::role;
using Strings = std::vector<std::string>;

namespace {

ipc::RoleStartup running() {
    ipc::RoleStartup startup;
    startup.api = {.listen = {"127.0.0.1:9112"}, .credentials = "/etc/mainstay/credentials"};
    startup.mail = {.relays = {{"mx1", 25, 0}}, .ca_file = {}, .user = "u", .password = "secret"};
    startup.webhooks.webhooks = {{.name = "ops", .url = "https://a/hook?key=secret", .headers = {"A: secret"}},
                                 {.name = "old", .url = "https://old/"}};
    return startup;
}

ipc::ReadingDone same_as(const ipc::RoleStartup& startup) {
    ipc::ReadingDone done;
    done.api = startup.api;
    done.mail = startup.mail;
    done.webhooks = startup.webhooks;
    return done;
}

}  // namespace

TEST_CASE("the same settings are no change") { CHECK(changed_settings(running(), same_as(running())).empty()); }

TEST_CASE("changes of the API, of relays and of webhooks are named, without secrets") {
    auto next = same_as(running());
    next.notify_wait_seconds = 20;
    next.pass_environment = {"HCLOUD_TOKEN", "AWS_*"};
    next.api.listen = {"127.0.0.1:9112", "[::1]:9112"};
    next.api.operate = true;
    next.api.credentials.clear();
    next.mail.relays = {{"mx1", 25, 0}, {"mx2", 587, 1}};
    next.mail.password = "other";
    next.webhooks.webhooks = {{.name = "ops", .url = "https://a/hook?key=new", .keep_seconds = 60, .headers = {"A: b"}},
                              {.name = "new", .url = "https://new/"}};
    CHECK(changed_settings(running(), next) ==
          Strings{"[scripts] notify_wait 10 -> 20, immediately",
                  "[scripts] pass_environment none -> HCLOUD_TOKEN AWS_*, immediately",
                  "[mail] relays mx1 port 25 (not encrypted) -> mx1 port 25 (not encrypted) mx2 port 587 (STARTTLS), "
                  "at the next start of its process",
                  "[mail] credentials modified, at the next start of its process",
                  "[api] listen 127.0.0.1:9112 -> 127.0.0.1:9112 [::1]:9112, immediately",
                  "[api] credentials /etc/mainstay/credentials -> none, immediately",
                  "[api] operate false -> true, immediately", "[[webhook]] ops url modified, immediately",
                  "[[webhook]] ops keep 259200 -> 60, immediately", "[[webhook]] ops headers modified, immediately",
                  "[[webhook]] new added, immediately",
                  "[[webhook]] old removed, immediately; what it has not delivered expires"});
}

TEST_CASE("a webhook that cannot be used any more, or again, is a change") {
    auto startup = running();
    auto next = same_as(startup);
    next.webhooks.webhooks[0].problem = "/h may be read by others";
    CHECK(changed_settings(startup, next) ==
          Strings{"[[webhook]] ops problem none -> /h may be read by others, immediately"});
    startup.webhooks = next.webhooks;
    next.webhooks.webhooks[0].problem.clear();
    CHECK(changed_settings(startup, next) ==
          Strings{"[[webhook]] ops problem /h may be read by others -> none, immediately"});
}

TEST_CASE("a password that was modified is no change of another setting") {
    auto next = same_as(running());
    next.mail.user = "v";
    CHECK(changed_settings(running(), next) ==
          Strings{"[mail] credentials modified, at the next start of its process"});
}

TEST_CASE("each setting of the API that changes is named with both values, and acts immediately") {
    auto startup = running();
    startup.api = {.listen = {},
                   .tls_certificate = "/a.pem",
                   .tls_key = "/a.key",
                   .tls_client_ca = "/a.ca",
                   .credentials = {},
                   .operate = true,
                   .peer = "https://a:9112",
                   .peer_token = "/a.token",
                   .peer_ca = "/a.peer"};
    auto next = same_as(startup);
    CHECK(changed_settings(startup, next).empty());
    next.api = {.listen = {"[::1]:9112"},
                .tls_certificate = "/b.pem",
                .tls_key = "/b.key",
                .tls_client_ca = "/b.ca",
                .credentials = "/b",
                .operate = false,
                .peer = "https://b:9112",
                .peer_token = "/b.token",
                .peer_ca = "/b.peer"};
    CHECK(changed_settings(startup, next) ==
          Strings{"[api] listen none -> [::1]:9112, immediately", "[api] tls_certificate /a.pem -> /b.pem, immediately",
                  "[api] tls_key /a.key -> /b.key, immediately", "[api] tls_client_ca /a.ca -> /b.ca, immediately",
                  "[api] credentials none -> /b, immediately", "[api] operate true -> false, immediately",
                  "[api] peer https://a:9112 -> https://b:9112, immediately",
                  "[api] peer_token /a.token -> /b.token, immediately",
                  "[api] peer_ca /a.peer -> /b.peer, immediately"});
}

TEST_CASE("settings of mail, scripts and audits are named with when they act") {
    auto startup = running();
    startup.audit_seconds = 10, startup.mail_keep_seconds = 60, startup.notify_wait_seconds = 7;
    auto next = same_as(startup);
    next.audit_seconds = 20, next.mail_keep_seconds = 61, next.notify_wait_seconds = 7;
    next.mail.relays = {{"mx1", 465, 2}, {"mx2", 25, 3}};  // 3 is of a later version
    next.mail.ca_file = "/ca";
    CHECK(changed_settings(startup, next) ==
          Strings{"[lvs] audit_interval 10 -> 20, at the next start of its process",
                  "[mail] keep 60 -> 61, at the next start of its process",
                  "[mail] relays mx1 port 25 (not encrypted) -> mx1 port 465 (TLS) mx2 port 25 (TLS), at the next "
                  "start of its process",
                  "[mail] tls_ca none -> /ca, at the next start of its process"});
}

TEST_CASE("each setting of a webhook that changes is named with the webhook, and acts immediately") {
    auto startup = running();
    auto next = same_as(startup);
    auto& old = next.webhooks.webhooks[1];
    old.cloud_events = true;
    old.ca_file = "/ca";
    old.kinds = 3;
    CHECK(changed_settings(startup, next) == Strings{"[[webhook]] old body alertmanager -> cloudevents, immediately",
                                                     "[[webhook]] old tls_ca none -> /ca, immediately",
                                                     "[[webhook]] old events modified, immediately"});
    std::swap(next.webhooks.webhooks[0], next.webhooks.webhooks[1]);
    next.webhooks.webhooks[0] = startup.webhooks.webhooks[1];
    CHECK(changed_settings(startup, next).empty());  // another order is no change
}
