// What mainstayctl mail queue shows.
#include "cli/ctl_mail.hpp"

#include <doctest/doctest.h>

using mainstay::cli::mail_queue_text;
using nlohmann::json;

TEST_CASE("an empty queue is one line") {
    CHECK(mail_queue_text({{"enabled", true}}) == "0 mails wait, 0 have failed\n");
    CHECK(mail_queue_text({{"enabled", false}, {"problem", "read-only"}}) ==
          "mail spool: read-only\nmails are not sent: relay or recipients are not configured\n"
          "0 mails wait, 0 have failed\n");
}

TEST_CASE("each mail is shown with its age, tries, next try, recipients and last answer") {
    const json waiting{
        {"id", "vrrp.1"},       {"state", "waiting"}, {"subject", "[R] S"},    {"queued_unix_us", 1'000'000},
        {"to", {"a@x", "b@x"}}, {"tries", 2},         {"answer", "451 later"}, {"next_try_s", 40}};
    const json failed{{"id", "vrrp.0"}, {"state", "failed"},  {"subject", "[R] T"},   {"queued_unix_us", 0},
                      {"to", {"b@x"}},  {"answer", "550 no"}, {"next_try_s", nullptr}};
    CHECK(mail_queue_text(
              {{"enabled", true}, {"now_unix_us", 301'000'000}, {"waiting", {waiting}}, {"failed", {failed}}}) ==
          "1 mail waits, 1 has failed\n"
          "vrrp.1  5 min old  2 tries  next try in 40 s\n"
          "    [R] S\n"
          "    to a@x, b@x\n"
          "    last answer: 451 later\n"
          "vrrp.0  failed\n"
          "    [R] T\n"
          "    to b@x\n"
          "    last answer: 550 no\n");
}

TEST_CASE("a mail says what it waits for") {
    const auto shown = [](const char* state, const json& next) {
        const json mail{{"id", "m"}, {"state", state}, {"tries", 1}, {"next_try_s", next}};
        const auto text = mail_queue_text({{"enabled", true}, {"waiting", {mail}}});
        return text.substr(text.find("\nm  ") + 4);
    };
    CHECK(shown("waiting", 0) == "1 try  next try now\n");
    CHECK(shown("waiting", nullptr) == "1 try  waits: mail is not configured\n");
    CHECK(shown("sending", 0) == "1 try  is being sent now\n");
    CHECK(shown("collecting", 50) == "1 try  collects alerts for a digest for 50 s\n");
    CHECK(shown("failed", nullptr) == "1 try  failed\n");
}

TEST_CASE("an answer of another version is shown as far as it is known") {
    CHECK(mail_queue_text({{"enabled", true}, {"waiting", {json::object()}}, {"failed", 7}}) ==
          "1 mail waits, 0 have failed\n  waits: mail is not configured\n");
}

TEST_CASE("webhooks are shown with their numbers, then the events that wait") {
    using mainstay::cli::webhook_queue_text;
    CHECK(webhook_queue_text({{"enabled", false}}) == "no webhook is configured\n");
    const json receiver{{"name", "ops"}, {"queued", 3},  {"sent", 7},
                        {"failed", 1},   {"dropped", 0}, {"problem", "HTTP status 503"}};
    const json waiting{{"id", "ops/vrrp.1.2"}, {"state", "waiting"}, {"queued_unix_us", 1'000'000},
                       {"tries", 2},           {"next_try_s", 9},    {"object", "instance VI_1 "}};
    const json stuck{{"id", "ops/vrrp.2.3"}, {"state", "waiting"}, {"queued_unix_us", 0}, {"next_try_s", nullptr}};
    CHECK(webhook_queue_text({{"enabled", true},
                              {"problem", "read-only"},
                              {"now_unix_us", 301'000'000},
                              {"receivers", {receiver}},
                              {"waiting", {waiting, stuck}}}) ==
          "webhook spool: read-only\n"
          "ops: 3 queued, 7 sent, 1 failed, 0 dropped\n"
          "    last error: HTTP status 503\n"
          "ops/vrrp.1.2  5 min old  2 tries  next try in 9 s\n"
          "    about instance VI_1 \n"
          "ops/vrrp.2.3  waits: nothing is sent to this webhook\n"
          "... and 1 more\n");
}
