// What operators are told of the mails, and what their commands do, over a mailer with a spool in a folder.
#include "role/observer/delivery_commands.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "../../alert/mailer_fixture.hpp"
#include "observer_bench.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using alert::Fixture;
using nlohmann::json;
using Verb = http::QueueCommands::Verb;

namespace {

constexpr const char* kNotOpen = "the mail spool is not open yet; see the log";

struct Desk {
    ObserverRuntime runtime;
    Fixture world;  // of which the transport and the folder are used
    std::optional<alert::Mailer> mailer;
    int woken = 0;
    MailCommands desk{runtime, mailer, [this] { ++woken; }};

    void open(const std::string& server) {
        mailer.emplace(alert::Spool::open(world.folder.path("desk")).value(), world.transport, world.log, nullptr);
        config::Global global;
        global.router_id = "R";
        global.notification_email = {{.address = "a@example.org"}, {.address = "b@example.org"}};
        global.smtp_server = server;
        mailer->configure(global, {.host_name = "vm"});
    }
    void take(std::uint64_t number) {
        REQUIRE(mailer->take({Fixture::event(number)}, runtime.now(), runtime.wall()).has_value());
    }
    json queue() { return json::parse(desk.queue_json()); }
};

}  // namespace

TEST_CASE(
    "the relays of mainstay.toml are tried with its account and authorities, a kind of TLS that is unknown as "
    "STARTTLS") {
    using Tls = alert::Transport::Server::Tls;
    ipc::RoleStartup startup;
    startup.mail_keep_seconds = 60;
    startup.mail.ca_file = "/ca.pem";
    startup.mail.user = "u";
    startup.mail.password = "p";
    for (const auto tls : std::array<std::uint8_t, 5>{0, 1, 2, 3, 255})
        startup.mail.relays.push_back({"mail.example", 587, tls});
    const auto settings = mail_settings(startup);
    CHECK(settings.keep == Seconds{60});
    REQUIRE(settings.relays.size() == 5);
    CHECK(settings.relays[0].tls == Tls::Off);
    CHECK(settings.relays[1].tls == Tls::StartTls);
    CHECK(settings.relays[2].tls == Tls::Implicit);
    CHECK(settings.relays[3].tls == Tls::StartTls);
    CHECK(settings.relays[4].tls == Tls::StartTls);
    CHECK(settings.relays[1] == alert::Transport::Server{.name = "mail.example",
                                                         .port = 587,
                                                         .helo_name = {},
                                                         .tls = Tls::StartTls,
                                                         .ca_file = "/ca.pem",
                                                         .user = "u",
                                                         .password = "p"});
}

TEST_CASE("before the spool is open the queue is empty, with the reason, and commands are refused") {
    Desk d;
    CHECK(d.queue() == json{{"enabled", false},
                            {"problem", kNotOpen},
                            {"now_unix_us", 1'795'163'866'000'000},
                            {"waiting", json::array()},
                            {"failed", json::array()}});
    CHECK(d.desk.change({.verb = Verb::Drop, .ids = {}, .all = true, .by = "ana"}).error().text() == kNotOpen);
    CHECK(d.desk.start_test({}, "ana").error().text() == kNotOpen);
    CHECK(d.woken == 0);
    CHECK(json::parse(d.desk.test_json(0)) == json{{"number", 0},
                                                   {"running", false},
                                                   {"delivered", false},
                                                   {"outcome", ""},
                                                   {"next", 0},
                                                   {"lines", json::array()}});
}

TEST_CASE("the queue has what waits and what is being sent, and apart from these what has failed") {
    Desk d;
    d.open("192.0.2.1");
    d.take(1);
    auto queue = d.queue();
    CHECK(queue["enabled"] == true);
    CHECK(queue["problem"] == "");
    CHECK(queue["failed"].empty());
    REQUIRE(queue["waiting"].size() == 1);
    auto mail = queue["waiting"][0];
    const std::string id = mail["id"];
    CHECK(mail["state"] == "waiting");
    CHECK(mail["subject"] == "[R] VRRP Instance VI_1 - Entering MASTER state");
    CHECK(mail["alerts"] == 1);
    CHECK(mail["to"] == json{"a@example.org", "b@example.org"});
    CHECK(mail["tries"] == 0);
    CHECK(mail["answer"] == "");
    CHECK(mail["next_try_s"] == 0);
    d.mailer->pump(d.runtime.now(), d.runtime.wall());
    CHECK(d.queue()["waiting"][0]["state"] == "sending");
    d.world.transport.answer(
        {.reached = true, .accepted = {}, .never = {"a@example.org", "b@example.org"}, .text = "550 no"});
    d.mailer->pump(d.runtime.now(), d.runtime.wall());
    queue = d.queue();
    CHECK(queue["waiting"].empty());
    REQUIRE(queue["failed"].size() == 1);
    CHECK(queue["failed"][0]["id"] == id);
    CHECK(queue["failed"][0]["state"] == "failed");
    CHECK(queue["failed"][0]["next_try_s"].is_null());
}

TEST_CASE("mails that are collected for a digest say so, and without a relay no mail is sent") {
    Desk d;
    d.open("");
    CHECK(d.queue()["enabled"] == false);
    d.open("192.0.2.1");
    REQUIRE(d.mailer->take(Fixture::events(1, 22), d.runtime.now(), d.runtime.wall()).has_value());
    const auto queue = d.queue();
    std::size_t collected = 0;
    for (const auto& mail : queue["waiting"])
        if (mail["state"] == "collecting") collected += mail["alerts"].get<std::size_t>();
    CHECK(collected == 2);
}

TEST_CASE("retry and drop answer with a line for each mail, or that there is none, and wake the mailer") {
    Desk d;
    d.open("192.0.2.1");
    const auto all = [&d](Verb verb) {
        return d.desk.change({.verb = verb, .ids = {}, .all = true, .by = "ana"}).value();
    };
    CHECK(all(Verb::Retry) == "no mail waits or has failed\n");
    CHECK(d.woken == 1);
    d.take(1);
    const std::string id = d.queue()["waiting"][0]["id"];
    CHECK(all(Verb::Retry).starts_with(id + ": "));
    CHECK(d.queue()["waiting"].size() == 1);
    CHECK(all(Verb::Drop).starts_with(id + ": "));
    CHECK(d.woken == 3);
    CHECK(d.queue()["waiting"].empty());
    CHECK_FALSE(d.desk.change({.verb = Verb::Drop, .ids = {"x"}, .all = false, .by = "ana"}).has_value());
    CHECK(d.woken == 3);
}

TEST_CASE("one test mail is sent at a time, and is logged with who asked for it and to whom it goes") {
    Desk d;
    d.open("127.0.0.1");
    REQUIRE(d.desk.start_test({}, "ana").has_value());
    CHECK(d.runtime.log_.texts == std::vector<std::string>{"mail test by ana: to a@example.org, b@example.org"});
    CHECK(json::parse(d.desk.test_json(0))["number"] == 1);
    CHECK(json::parse(d.desk.test_json(0))["running"] == true);
    CHECK_FALSE(d.desk.start_test({"c@example.org"}, "bob").has_value());
    CHECK(d.runtime.log_.texts.size() == 1);
    d.open("");
    CHECK_FALSE(d.desk.start_test({}, "ana").has_value());  // there is no relay
}
