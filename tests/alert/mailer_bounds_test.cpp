// The mailer at its bounds: how many, how long, how often, and what it counts and says.
#include "mailer_fixture.hpp"

namespace mainstay::alert {
namespace {

using Lines = std::vector<std::string>;

Lines logged(const Fixture& f, const std::string& words) {
    Lines found;
    for (const auto& line : f.log.lines)
        if (line.find(words) != std::string::npos) found.push_back(line);
    return found;
}
Delivery away() { return {.reached = false, .text = "timed out"}; }
Delivery put_off() { return {.reached = true, .text = "451 later"}; }

}  // namespace

TEST_CASE("mail is on with a server and recipients, and with both only") {
    Fixture f;
    CHECK(f.mailer->enabled());
    config::Global global;
    global.smtp_server = "192.0.2.1";
    f.mailer->configure(global, {});
    CHECK_FALSE(f.mailer->enabled());
    global.smtp_server.clear();
    global.notification_email = {{.address = "a@x"}};
    f.mailer->configure(global, {});
    CHECK_FALSE(f.mailer->enabled());
    CHECK(f.mailer->notice("id", "text", "body", t0, Fixture::wall(t0)).has_value());
    CHECK(f.folder.files("spool").empty());
}

TEST_CASE("what waits while mail is off goes out when it is on again") {
    Fixture f;
    f.take({Fixture::event(1)}, t0);
    f.mailer->configure({}, {});
    f.pump(t0 + 1s);
    CHECK(f.transport.sent.empty());
    f.configure("192.0.2.1");
    f.pump(t0 + 2s);
    CHECK(f.transport.sent.size() == 1);
}

TEST_CASE("another port is another server and is tried at once") {
    Fixture f;
    f.take({Fixture::event(1)}, t0);
    f.pump(t0);
    f.transport.answer(away());
    f.pump(t0);
    config::Global global;
    global.notification_email = {{.address = "a@example.org"}};
    global.smtp_server = "192.0.2.1";
    global.smtp_port = 26;
    global.smtp_helo_name = "me.example.org";
    global.smtp_connect_timeout = Seconds{0};
    f.mailer->configure(global, {.host_name = "vm"});
    f.pump(t0 + 1s);
    REQUIRE(f.transport.sent.size() == 2);
    CHECK(f.transport.server.port == 26);
    CHECK(f.transport.server.helo_name == "me.example.org");
    CHECK(f.transport.server.timeout == Seconds{1});
    global.smtp_connect_timeout = Seconds{7};
    f.transport.accept();
    f.mailer->configure(global, {.host_name = "vm"});
    f.take({Fixture::event(2)}, t0 + 2s);
    f.pump(t0 + 2s);
    CHECK(f.transport.server.timeout == Seconds{7});
}

TEST_CASE("twenty mails leave in a minute, the next one waits; a minute later there is room for one") {
    Fixture f;
    f.take({Fixture::event(1)}, t0);
    f.take(Fixture::events(2, 19), t0 + 1s);
    f.deliver_all(t0 + 2s);
    CHECK(f.transport.sent.size() == 20);
    CHECK(f.log.lines.size() == 20);
    f.take({Fixture::event(21)}, t0 + 60s);
    f.deliver_all(t0 + 60s);
    CHECK(f.transport.sent.size() == 21);

    f.take({Fixture::event(22)}, t0 + 60s);
    f.deliver_all(t0 + 60s);
    CHECK(f.transport.sent.size() == 21);
    CHECK(logged(f, "More than") ==
          Lines{"notice More than 20 mails in a minute: the next ones are collected for 60 s and sent as one digest"});
    f.take({Fixture::event(23)}, t0 + 62s);
    f.deliver_all(t0 + 119'999ms);
    CHECK(f.transport.sent.size() == 21);
    f.deliver_all(t0 + 120s);
    REQUIRE(f.transport.sent.size() == 22);
    CHECK(f.transport.sent[21].items.size() == 2);
    CHECK(f.mailer->counters().digests == 1);
    CHECK(f.mailer->counters().sent == 22);
    CHECK(logged(f, "More than").size() == 1);
}

TEST_CASE("a single mail that was held leaves as it is") {
    Fixture f;
    f.take(Fixture::events(1, 21), t0);
    f.deliver_all(t0 + 1s);
    f.deliver_all(t0 + 60s);
    REQUIRE(f.transport.sent.size() == 21);
    CHECK(f.transport.sent[20].items.size() == 1);
    CHECK(f.transport.sent[20].merged.empty());
    CHECK(f.mailer->counters().digests == 0);
}

TEST_CASE("a notice in a storm is held with the rest") {
    Fixture f;
    f.take(Fixture::events(1, 20), t0);
    REQUIRE(f.mailer->notice("n", "text", "body", t0, Fixture::wall(t0)).has_value());
    f.deliver_all(t0 + 1s);
    CHECK(f.transport.sent.size() == 20);
    f.deliver_all(t0 + 60s);
    REQUIRE(f.transport.sent.size() == 21);
    CHECK(f.transport.sent[20].items[0].subject == "[R] text");
    CHECK(f.transport.sent[20].items[0].body == "=> body <=");
    CHECK(f.transport.sent[20].queued == Fixture::wall(t0));
}

TEST_CASE("twenty mails that wait for a server stay apart, one more makes a digest of them") {
    for (const std::uint64_t further : {0U, 1U}) {
        CAPTURE(further);
        Fixture f;
        f.take({Fixture::event(1)}, t0);
        f.pump(t0);
        f.transport.answer(away());
        f.take(Fixture::events(2, 18), t0 + 1s);
        f.take(Fixture::events(100, 1 + further), t0 + 61s);
        f.deliver_all(t0 + 62s);
        f.deliver_all(t0 + 70s);
        CHECK(f.transport.sent.size() == (further == 0 ? 21 : 2));
        CHECK(f.mailer->counters().digests == further);
    }
}

TEST_CASE("the oldest mail goes first, and mails of another sender make a digest of their own") {
    Fixture f;
    f.take({Fixture::event(9)}, t0);
    f.take({Fixture::event(3)}, t0 + 1s);
    f.deliver_all(t0 + 2s);
    REQUIRE(f.transport.sent.size() == 2);
    CHECK(f.transport.sent[0].items[0].subject.find("VI_9 ") != std::string::npos);

    f.take({Fixture::event(20)}, t0 + 100s);
    f.pump(t0 + 100s);
    f.transport.answer(away());
    f.take(Fixture::events(30, 18), t0 + 101s);
    config::Global other;
    other.notification_email = {{.address = "c@example.org"}};
    other.smtp_server = "192.0.2.1";
    other.smtp_port = 2525;
    f.mailer->configure(other, {.host_name = "vm"});
    f.take(Fixture::events(60, 3), t0 + 170s);
    f.deliver_all(t0 + 171s);
    f.deliver_all(t0 + 180s);
    REQUIRE(f.transport.sent.size() == 5);
    CHECK(f.transport.sent[3].items.size() == 19);
    CHECK(f.transport.sent[3].to.size() == 2);
    CHECK(f.transport.sent[4].items.size() == 3);
    CHECK(envelope_of(f.transport.sent[4].to) == Lines{"c@example.org"});
    CHECK(f.mailer->counters().digests == 2);
}

TEST_CASE("what the mailer says of a delivery, and what it counts") {
    Fixture f;
    f.take({Fixture::event(1)}, t0);
    CHECK(f.mailer->counters().queued == 1);
    CHECK_FALSE(f.mailer->sending());
    f.pump(t0);
    CHECK(f.mailer->sending());
    f.pump(t0);
    CHECK(f.transport.sent.size() == 1);
    f.transport.answer(put_off());
    f.pump(t0);
    CHECK_FALSE(f.mailer->sending());
    CHECK(f.mailer->last_problem() == "451 later");
    f.pump(t0 + 5s);
    f.transport.answer(put_off());
    f.pump(t0 + 5s);
    f.pump(t0 + 14'999ms);
    CHECK(f.transport.sent.size() == 2);
    f.pump(t0 + 15s);
    CHECK(f.transport.sent.size() == 3);
    f.transport.answer(away());
    f.pump(t0 + 15s);
    f.deliver_all(t0 + 20s);
    CHECK(f.mailer->last_problem().empty());
    const std::string server = "warning SMTP server 192.0.2.1 port 2525: mail delivery failed (";
    CHECK(f.log.lines == Lines{server + "451 later); queued, next attempt in 5 s",
                               server + "451 later); queued, next attempt in 10 s",
                               server + "timed out); queued, next attempt in 5 s",
                               "info SMTP alert successfully sent: [R] VRRP Instance VI_1 - Entering MASTER state"});
    const report::MailCounters counters = f.mailer->counters();
    CHECK(counters.retries == 3);
    CHECK(counters.sent == 1);
    CHECK(counters.failed == 0);
    CHECK(counters.queued == 0);
    CHECK(counters.unsaved == 0);
}

TEST_CASE("a server that is away waits longer each time, and from the beginning after it was there") {
    Fixture f;
    f.take({Fixture::event(1)}, t0);
    f.pump(t0);
    f.transport.answer(away());
    f.pump(t0);
    f.pump(t0 + 5s);
    f.transport.answer(away());
    f.pump(t0 + 5s);
    f.pump(t0 + 15s);
    f.transport.answer(put_off());
    f.pump(t0 + 15s);
    f.take({Fixture::event(2)}, t0 + 16s);
    f.pump(t0 + 16s);
    REQUIRE(f.transport.sent.size() == 4);
    f.transport.answer(away());
    f.pump(t0 + 16s);
    f.pump(t0 + 20'999ms);
    CHECK(f.transport.sent.size() == 4);
    f.pump(t0 + 21s);
    CHECK(f.transport.sent.size() == 5);
}

TEST_CASE("permanently refused recipients are set aside, the others get the mail later") {
    Fixture f;
    f.take({Fixture::event(1)}, t0);
    f.pump(t0);
    f.transport.answer({.reached = true, .never = {"a@example.org"}, .text = "550 no"});
    f.pump(t0);
    CHECK(f.mailer->counters().failed == 1);
    CHECK(f.mailer->counters().retries == 1);
    CHECK(logged(f, "mail rejected") == Lines{"error SMTP server 192.0.2.1: mail rejected (550 no); moved to the "
                                              "spool's failed folder: [R] VRRP Instance VI_1 - Entering MASTER state"});
    const auto failed = decode_mail(f.folder.read("spool/failed/" + f.folder.files("spool/failed").at(0)));
    REQUIRE(failed.has_value());
    CHECK(envelope_of(failed->to) == Lines{"a@example.org"});
    CHECK(failed->items.back().body == "550 no");
    f.deliver_all(t0 + 5s);
    CHECK(envelope_of(f.transport.sent.back().to) == Lines{"b@example.org"});
    CHECK(f.mailer->counters().queued == 0);
}

TEST_CASE("a mail of exactly three days is sent, an older one is given up, and the minute's share is free again") {
    Fixture f;
    f.take(Fixture::events(1, 20), t0);
    f.take({Fixture::event(21)}, t0 + 30s);  // held until t0 + 90 s
    const WallTime days{Fixture::wall(t0 + 30s).unix_us + std::chrono::microseconds{kKeepFor}.count()};
    f.mailer->pump(t0 + 31s, days);
    CHECK(f.mailer->counters().failed == 20);
    CHECK(f.mailer->counters().queued == 1);
    f.mailer->pump(t0 + 32s, {days.unix_us + 1});
    CHECK(f.mailer->counters().failed == 21);
    CHECK(logged(f, "Mail delivery failed for 72 h; moved to the spool's failed folder").size() == 21);
    CHECK(f.transport.sent.empty());
    f.take({Fixture::event(22)}, t0 + 60s);
    f.pump(t0 + 60s);
    CHECK(f.transport.sent.size() == 1);
}

TEST_CASE("old mails that the failed folder does not take are tried further, which is said once") {
    Fixture f;
    f.take(Fixture::events(1, 2), t0);
    std::filesystem::remove_all(f.folder.path("spool/failed"));
    f.folder.write("spool/failed", "no folder");
    f.pump(t0 + kKeepFor + 1s);
    f.pump(t0 + kKeepFor + 2s);
    CHECK(f.mailer->counters().failed == 0);
    CHECK(f.mailer->counters().queued == 2);
    CHECK(logged(f, "cannot be moved to the spool's failed folder: it is tried further").size() == 1);
    CHECK(logged(f, "; moved to").empty());
    std::filesystem::remove(f.folder.path("spool/failed"));
    std::filesystem::create_directory(f.folder.path("spool/failed"));
    f.deliver_all(t0 + kKeepFor + 3s);
    CHECK(f.mailer->counters().queued == 0);
}

TEST_CASE("a clock that is set forward makes no waiting mail old") {
    Fixture f;
    constexpr std::int64_t kYears = 200'000'000'000'000;
    const auto pump_later = [&](Instant now) { f.mailer->pump(now, {Fixture::wall(now).unix_us + kYears}); };
    f.take({Fixture::event(1)}, t0);
    f.pump(t0);
    f.transport.answer(away());
    f.pump(t0);
    pump_later(t0 + 2s);
    pump_later(t0 + kKeepFor);
    f.transport.answer(away());
    CHECK(f.mailer->counters().failed == 0);
    CHECK(f.mailer->counters().queued == 1);
    pump_later(t0 + kKeepFor + 2s);
    CHECK(f.mailer->counters().failed == 1);

    const Instant later = t0 + kKeepFor + 10s;  // what comes after the step has its own age
    REQUIRE(f.mailer->take({Fixture::event(2)}, later, {Fixture::wall(later).unix_us + kYears}).has_value());
    pump_later(later + kKeepFor);
    f.transport.answer(away());
    CHECK(f.mailer->counters().failed == 1);
    pump_later(later + kKeepFor + 2s);
    CHECK(f.mailer->counters().failed == 2);
}

TEST_CASE("a refused mail that the failed folder does not take is said to be lost") {
    Fixture f;
    f.take({Fixture::event(1)}, t0);
    f.pump(t0);
    std::filesystem::remove_all(f.folder.path("spool/failed"));
    f.folder.write("spool/failed", "no folder");
    f.transport.answer({.reached = true, .never = {"a@example.org", "b@example.org"}, .text = "550 no"});
    f.pump(t0);
    CHECK(logged(f, "mail rejected (550 no); lost, because the failed folder does not take it (").size() == 1);
    CHECK(logged(f, "moved to").empty());
}

TEST_CASE("a mail that is on its way is not given up before it has come back") {
    Fixture f;
    f.take({Fixture::event(1)}, t0);
    f.pump(t0);
    f.pump(t0 + kKeepFor + 1s);
    CHECK(f.mailer->counters().failed == 0);
    f.transport.accept();
    f.pump(t0 + kKeepFor + 2s);
    CHECK(f.mailer->counters().sent == 1);
    CHECK(f.mailer->counters().failed == 0);
    CHECK(f.mailer->counters().queued == 0);
}

TEST_CASE("the end of a delivery wakes the mailer's owner, unless the mailer is destroyed") {
    Fixture f;
    int woken = 0;
    auto spool = Spool::open(f.folder.path("spool"), {});
    REQUIRE(spool.has_value());
    f.mailer = std::make_unique<Mailer>(std::move(*spool), f.transport, f.log, [&woken] { ++woken; });
    f.configure("192.0.2.1");
    f.take(Fixture::events(1, 2), t0);
    f.pump(t0);
    CHECK(woken == 0);
    f.transport.accept();
    CHECK(woken == 1);
    CHECK(f.mailer->sending());
    f.pump(t0);
    f.mailer.reset();
    f.transport.accept();
    CHECK(woken == 1);
}

TEST_CASE("a spool that is full and refuses keeps what is on the disk and drops the rest") {
    Fixture f{{.mails_max = 3}};
    f.take(Fixture::events(1, 3), t0);
    const auto before = f.folder.files("spool");
    for (std::uint64_t number = 1; number <= 3; ++number)  // the place where a digest would be written first
        std::filesystem::create_directory(f.folder.path("spool/.writing.digest.3." + before.at(number - 1)));
    f.take({Fixture::event(4)}, t0 + 1s);
    CHECK(f.folder.files("spool") == before);
    CHECK(f.mailer->counters().digests == 0);
    CHECK(f.mailer->counters().refused_by_spool == 1);
    CHECK(logged(f, "cannot write a digest: ").size() == 1);
}

}  // namespace mainstay::alert
