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
    next.api.listen = {"127.0.0.1:9112", "[::1]:9112"};
    next.api.operate = true;
    next.api.credentials.clear();
    next.mail.relays = {{"mx1", 25, 0}, {"mx2", 587, 1}};
    next.mail.password = "other";
    next.webhooks.webhooks = {{.name = "ops", .url = "https://a/hook?key=new", .keep_seconds = 60, .headers = {"A: b"}},
                              {.name = "new", .url = "https://new/"}};
    CHECK(changed_settings(running(), next) ==
          Strings{"[scripts] notify_wait 10 -> 20, immediately",
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

TEST_CASE("a password that was modified is no change of another setting") {
    auto next = same_as(running());
    next.mail.user = "v";
    CHECK(changed_settings(running(), next) ==
          Strings{"[mail] credentials modified, at the next start of its process"});
}
