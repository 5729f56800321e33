#include "mailer_fixture.hpp"

namespace mainstay::alert {

TEST_CASE("a server is tried again after 5 s, doubling up to 5 min") {
    std::vector<std::int64_t> delays;
    for (std::uint32_t failures = 1; failures <= 9; ++failures) delays.push_back(retry_delay(failures).count());

    CHECK(delays == std::vector<std::int64_t>{5, 10, 20, 40, 80, 160, 300, 300, 300});
    CHECK(retry_delay(4'000'000'000U) == 300s);
}

TEST_CASE("an event is on disk when it is taken, and gone when it is delivered") {
    Fixture f;
    f.take({Fixture::event(1)}, t0);
    CHECK(f.folder.files("spool").size() == 1);

    f.deliver_all(t0);

    REQUIRE(f.transport.sent.size() == 1);
    CHECK(f.transport.server.name == "192.0.2.1");
    CHECK(f.transport.server.port == 2525);
    CHECK(f.transport.server.helo_name == "vm");
    CHECK(f.transport.messages[0].find("Subject: [R] VRRP Instance VI_1 - Entering MASTER state\r\n") !=
          std::string::npos);
    CHECK(f.folder.files("spool").empty());
    CHECK(f.mailer->counters().sent == 1);
}

TEST_CASE("events that are not to be mailed, or without a mail server, leave no mail") {
    Fixture f;
    Event quiet = Fixture::event(1);
    quiet.mail = false;
    f.take({quiet}, t0);
    f.mailer->configure({}, {.host_name = "vm"});
    f.take({Fixture::event(2)}, t0);

    CHECK(f.folder.files("spool").empty());
}

TEST_CASE("events that come again after a crash are not mailed twice") {
    Fixture f;
    f.take(Fixture::events(1, 30), t0);
    const auto before = f.folder.files("spool");

    f.restart();
    f.take(Fixture::events(1, 30), t0 + 1s);

    CHECK(f.folder.files("spool") == before);
}

TEST_CASE("a mail survives a server that refuses, and arrives once when it takes mail again") {
    Fixture f;
    f.take({Fixture::event(1)}, t0);
    f.pump(t0);
    f.transport.answer({.reached = false, .text = "Connection refused"});
    f.pump(t0 + 1s);
    CHECK(f.transport.sent.size() == 1);
    CHECK(f.mailer->last_problem() == "Connection refused");

    f.pump(t0 + 5999ms);  // failed at t0 + 1 s, as far as the mailer knows
    CHECK(f.transport.sent.size() == 1);
    f.pump(t0 + 6s);
    CHECK(f.transport.sent.size() == 2);
    f.transport.answer({.reached = false, .text = "timed out"});
    f.pump(t0 + 10s);
    f.pump(t0 + 19999ms);
    CHECK(f.transport.sent.size() == 2);
    f.deliver_all(t0 + 20s);

    CHECK(f.transport.sent.size() == 3);
    CHECK(f.folder.files("spool").empty());
    f.deliver_all(t0 + 600s);
    CHECK(f.transport.sent.size() == 3);
    CHECK(f.mailer->last_problem().empty());
}

TEST_CASE("configuring the same server again does not shorten the wait, another server is tried at once") {
    Fixture f;
    f.take({Fixture::event(1)}, t0);
    f.pump(t0);
    f.transport.answer({.reached = false, .text = "Connection refused"});
    f.pump(t0);

    f.configure("192.0.2.1");
    f.pump(t0 + 1s);
    CHECK(f.transport.sent.size() == 1);
    f.configure("192.0.2.2");
    f.pump(t0 + 2s);

    CHECK(f.transport.sent.size() == 2);
    CHECK(f.transport.server.name == "192.0.2.2");
}

TEST_CASE("a mail that the server puts off does not hold up the others") {
    Fixture f;
    f.take(Fixture::events(1, 2), t0);
    f.pump(t0);
    f.transport.answer({.reached = true, .text = "451 try later"});
    f.pump(t0);

    REQUIRE(f.transport.sent.size() == 2);
    CHECK(f.transport.sent[1].id != f.transport.sent[0].id);
    f.transport.accept();
    f.pump(t0 + 4s);
    CHECK(f.transport.sent.size() == 2);
    f.deliver_all(t0 + 5s);
    CHECK(f.transport.sent.size() == 3);
    CHECK(f.folder.files("spool").empty());
}

TEST_CASE("a mail that is refused for good is set aside, counted and logged") {
    Fixture f;
    f.take({Fixture::event(1)}, t0);
    f.pump(t0);
    f.transport.answer({.reached = true, .never = {"a@example.org", "b@example.org"}, .text = "550 no such user"});
    f.pump(t0);

    CHECK(f.folder.files("spool").empty());
    CHECK(f.folder.files("spool/failed").size() == 1);
    CHECK(f.mailer->counters().failed == 1);
    REQUIRE_FALSE(f.log.lines.empty());
    CHECK(f.log.lines.back().find("550 no such user") != std::string::npos);
}

TEST_CASE("a recipient that was put off gets the mail later, the others do not get it again") {
    Fixture f;
    f.take({Fixture::event(1)}, t0);
    f.pump(t0);
    f.transport.answer({.reached = true, .accepted = {"a@example.org"}, .text = "450 mailbox busy"});
    f.pump(t0);

    f.restart();
    f.deliver_all(t0 + 10s);

    REQUIRE(f.transport.sent.size() == 2);
    CHECK(f.transport.sent[1].to == std::vector<config::MailAddress>{{.address = "b@example.org"}});
    CHECK(f.folder.files("spool").empty());
}

TEST_CASE("a storm sends twenty mails and one digest of the rest") {
    Fixture f;
    f.take(Fixture::events(1, 100), t0);
    f.take(Fixture::events(101, 100), t0 + 2s);
    CHECK(f.folder.files("spool").size() == 22);  // one file per batch of held ones
    f.deliver_all(t0 + 3s);
    CHECK(f.transport.sent.size() == 20);

    f.take({Fixture::event(201)}, t0 + 59s);
    f.deliver_all(t0 + 59999ms);
    CHECK(f.transport.sent.size() == 20);
    f.deliver_all(t0 + 60s);

    REQUIRE(f.transport.sent.size() == 21);
    CHECK(f.transport.sent[20].items.size() == 181);
    CHECK(f.transport.messages[20].find("Subject: [R] 181 alerts in one digest\r\n") != std::string::npos);
    CHECK(f.folder.files("spool").empty());
    CHECK(f.mailer->counters().digests == 1);
    f.take({Fixture::event(202)}, t0 + 61s);
    f.deliver_all(t0 + 61s);
    CHECK(f.transport.sent.size() == 22);
}

TEST_CASE("what has piled up before a server that was away leaves as one digest") {
    Fixture f;
    f.take(Fixture::events(1, 20), t0);
    f.pump(t0);
    f.transport.answer({.reached = false, .text = "timed out"});
    f.pump(t0);
    f.take(Fixture::events(21, 5), t0 + 120s);

    f.deliver_all(t0 + 121s);

    REQUIRE(f.transport.sent.size() == 2);
    CHECK(f.transport.sent[1].items.size() == 25);
    CHECK(f.folder.files("spool").empty());
}

TEST_CASE("a restart in a storm loses nothing") {
    Fixture f;
    f.take(Fixture::events(1, 100), t0);
    f.restart();
    f.deliver_all(t0 + 1s);

    std::size_t told = 0;
    for (const auto& mail : f.transport.sent) told += mail.items.size();
    CHECK(told == 100);
    CHECK(f.folder.files("spool").empty());
}

TEST_CASE("a mail that cannot be delivered for three days is given up") {
    Fixture f;
    f.take({Fixture::event(1)}, t0);
    f.pump(t0 + kKeepFor);
    CHECK(f.folder.files("spool/failed").empty());
    f.transport.answer({.reached = false, .text = "refused"});

    f.pump(t0 + kKeepFor + 1s);

    CHECK(f.folder.files("spool").empty());
    CHECK(f.folder.files("spool/failed").size() == 1);
    CHECK(f.mailer->counters().failed == 1);
}

TEST_CASE("a mail is given up after the time that is configured") {
    Fixture f;
    f.configure("192.0.2.1", 90s);
    f.take({Fixture::event(1)}, t0);
    f.pump(t0 + 90s);
    CHECK(f.folder.files("spool/failed").empty());
    f.transport.answer({.reached = false, .text = "refused"});

    f.pump(t0 + 91s);

    CHECK(f.folder.files("spool/failed").size() == 1);
    CHECK(f.log.lines.back().find("Mail delivery failed for 90 s; moved to the spool's failed folder") !=
          std::string::npos);
}

TEST_CASE("relays are tried in their order, and one that cannot be reached is left out for a while") {
    Fixture f;
    f.relays = {{.name = "mx1", .port = 587}, {.name = "mx2", .port = 465}};
    f.configure("192.0.2.1");
    f.take({Fixture::event(1)}, t0);
    f.pump(t0);
    CHECK(f.transport.server.name == "mx1");
    CHECK(f.transport.server.port == 587);
    CHECK(f.transport.server.helo_name == "vm");
    f.transport.answer({.reached = false, .text = "refused"});
    f.pump(t0);
    CHECK(f.log.lines.back().find(
              "SMTP server mx1 port 587: mail delivery failed (refused); queued, next attempt in 0 s") !=
          std::string::npos);
    CHECK(f.transport.server.name == "mx2");
    f.transport.accept();
    f.pump(t0);
    CHECK(f.mailer->counters().sent == 1);

    f.take({Fixture::event(2)}, t0 + 4s);
    f.pump(t0 + 4s);
    CHECK(f.transport.server.name == "mx2");  // mx1 was tried 4 s ago
    f.transport.accept();
    f.pump(t0 + 4s);
    f.take({Fixture::event(3)}, t0 + 5s);
    f.pump(t0 + 5s);
    CHECK(f.transport.server.name == "mx1");
    f.transport.accept();
    f.pump(t0 + 5s);
    CHECK(f.mailer->counters().sent == 3);
}

TEST_CASE("while no relay can be reached, mails wait for the first that is due again") {
    Fixture f;
    f.relays = {{.name = "mx1"}, {.name = "mx2"}};
    f.configure("192.0.2.1");
    f.take({Fixture::event(1)}, t0);
    f.pump(t0);
    f.transport.answer({.reached = false, .text = "refused"});
    f.pump(t0);
    f.transport.answer({.reached = false, .text = "refused"});
    f.pump(t0 + 1s);
    CHECK(f.log.lines.back().find(
              "SMTP server mx2 port 25: mail delivery failed (refused); queued, next attempt in 4 s") !=
          std::string::npos);
    CHECK(f.transport.sent.size() == 2);
    f.pump(t0 + 4s);
    CHECK(f.transport.sent.size() == 2);
    f.pump(t0 + 5s);
    CHECK(f.transport.sent.size() == 3);
    CHECK(f.transport.server.name == "mx1");
}

TEST_CASE("a full spool is made smaller by a digest instead of refusing") {
    Fixture f{{.mails_max = 3}};
    f.take(Fixture::events(1, 4), t0);

    CHECK(f.folder.files("spool").size() == 2);
    f.deliver_all(t0);

    REQUIRE(f.transport.sent.size() == 2);
    CHECK(f.transport.sent[0].items.size() + f.transport.sent[1].items.size() == 4);
    CHECK(f.mailer->counters().refused_by_spool == 0);
}

TEST_CASE("the mail that is on its way is never merged away") {
    Fixture f;
    f.take({Fixture::event(1)}, t0);
    f.pump(t0);
    f.take(Fixture::events(2, 40), t0 + 1s);
    f.pump(t0 + 100s);
    CHECK(f.transport.sent.size() == 1);

    f.transport.accept();
    f.deliver_all(t0 + 100s);

    std::size_t told = 0;
    for (const auto& mail : f.transport.sent) told += mail.items.size();
    CHECK(told == 41);
}

TEST_CASE("while the spool cannot be written mails are sent from memory, and its begin and end are logged once") {
    Fixture f;
    f.mailer = std::make_unique<Mailer>(
        Spool::in_memory(f.folder.path("later/spool"), Error{Errc::Io, "read-only"}, {.memory_mails_max = 3}),
        f.transport, f.log, nullptr);
    f.configure("192.0.2.1");
    f.mailer->settle_spool();
    f.mailer->settle_spool();
    f.take(Fixture::events(1, 3), t0);
    f.pump(t0);
    REQUIRE(f.transport.sent.size() == 1);
    f.transport.accept();
    f.pump(t0);
    CHECK(f.mailer->counters().sent == 1);
    CHECK(f.mailer->counters().unsaved == 2);

    std::filesystem::create_directory(f.folder.path("later"));
    f.mailer->settle_spool();
    f.mailer->settle_spool();

    CHECK(f.mailer->counters().unsaved == 0);
    CHECK(f.folder.files("later/spool").size() == 2);
    CHECK(std::ranges::count_if(f.log.lines, [](const std::string& line) {
              return line.find("The mail spool cannot be written (") != std::string::npos;
          }) == 1);
    CHECK(f.log.lines.back() == "notice The mail spool can be written again: 2 mails were moved from memory to it");
}

TEST_CASE("mails beyond what memory holds become a digest; what even that does not help is dropped and counted") {
    Fixture f;
    f.mailer = std::make_unique<Mailer>(
        Spool::in_memory("/nonexistent/spool", Error{Errc::Io, "read-only"}, {.memory_mails_max = 3}), f.transport,
        f.log, nullptr);
    f.configure("192.0.2.1");
    f.take(Fixture::events(1, 10), t0);
    CHECK(f.mailer->spool().mails().size() <= 3);
    CHECK(f.mailer->counters().refused_by_spool == 0);

    f.mailer = std::make_unique<Mailer>(
        Spool::in_memory("/nonexistent/spool", Error{Errc::Io, "read-only"}, {.memory_bytes_max = 10}), f.transport,
        f.log, nullptr);
    f.configure("192.0.2.1");
    f.take(Fixture::events(1, 2), t0);
    CHECK(f.mailer->counters().refused_by_spool == 2);
}

TEST_CASE("a notice about ourselves is mailed once for each id") {
    Fixture f;
    REQUIRE(f.mailer->notice("lost.vrrp.7", "3 events were lost", "see the log", t0, Fixture::wall(t0)).has_value());
    REQUIRE(f.mailer->notice("lost.vrrp.7", "3 events were lost", "see the log", t0, Fixture::wall(t0)).has_value());
    f.deliver_all(t0);

    REQUIRE(f.transport.sent.size() == 1);
    CHECK(f.transport.sent[0].items[0].subject == "[R] 3 events were lost");
}

}  // namespace mainstay::alert
