// What operators see of the mails, and what retry and drop do.
#include <doctest/doctest.h>

#include "mailer_fixture.hpp"

namespace mainstay::alert {
namespace {

using State = QueuedMail::State;

Selection only(const std::string& id) { return {.ids = {id}, .all = false, .by = "uid 0, pid 7"}; }
const Selection kAll{.ids = {}, .all = true, .by = "uid 0, pid 7"};
// The ids of the fixture's events.
std::string id_of(std::uint64_t number) {
    return "vrrp." + std::to_string(number) + "." + std::to_string(kWall0 + static_cast<std::int64_t>(number));
}
Delivery unreachable() { return {.reached = false, .accepted = {}, .never = {}, .text = "connection refused"}; }
Delivery deferred() { return {.reached = true, .accepted = {}, .never = {}, .text = "451 later"}; }
Delivery refused_for(const std::vector<std::string>& who) {
    return {.reached = true, .accepted = {}, .never = who, .text = "550 no such user"};
}

}  // namespace

TEST_CASE("the queue shows a mail's tries, its last answer and when the next try is due") {
    Fixture f;
    f.take({Fixture::event(1)}, t0);
    auto shown = f.mailer->queue(t0);
    REQUIRE(shown.size() == 1);
    CHECK(shown[0].id == id_of(1));
    CHECK(shown[0].subject == "[R] VRRP Instance VI_1 - Entering MASTER state");
    CHECK(shown[0].alerts == 1);
    CHECK(shown[0].to == std::vector<std::string>{"a@example.org", "b@example.org"});
    CHECK(shown[0].queued.unix_us == kWall0);
    CHECK(shown[0].tries == 0);
    CHECK(shown[0].next_try == Seconds{0});

    f.pump(t0);
    CHECK(f.mailer->queue(t0)[0].state == State::Sending);
    f.transport.answer(deferred());
    f.pump(t0);
    shown = f.mailer->queue(t0 + 1500ms);
    CHECK(shown[0].state == State::Waiting);
    CHECK(shown[0].tries == 1);
    CHECK(shown[0].answer == "451 later");
    CHECK(shown[0].next_try == Seconds{4});
}

TEST_CASE("while no relay can be reached the next try of each mail is that of the relay") {
    Fixture f;
    f.take(Fixture::events(1, 2), t0);
    f.pump(t0);
    f.transport.answer(unreachable());
    f.pump(t0);
    for (const auto& mail : f.mailer->queue(t0)) CHECK(mail.next_try == Seconds{5});
    f.configure("");
    for (const auto& mail : f.mailer->queue(t0)) CHECK_FALSE(mail.next_try.has_value());
}

TEST_CASE("mails that are collected for a digest say so") {
    Fixture f;
    f.take(Fixture::events(1, 22), t0);
    const auto shown = f.mailer->queue(t0 + 10s);
    REQUIRE(shown.size() == 21);
    const auto held = std::ranges::find(shown, State::Collecting, &QueuedMail::state);
    REQUIRE(held != shown.end());
    CHECK(held->alerts == 2);
    CHECK(held->next_try == Seconds{50});
}

TEST_CASE("a retry tries a deferred mail at once, and a relay that could not be reached") {
    Fixture f;
    f.take({Fixture::event(1)}, t0);
    f.pump(t0);
    f.transport.answer(deferred());
    f.pump(t0);
    f.pump(t0 + 1s);
    CHECK(f.transport.sent.size() == 1);

    const auto lines = f.mailer->retry(only(id_of(1)), Fixture::wall(t0 + 1s));
    REQUIRE(lines.has_value());
    CHECK(*lines == std::vector<std::string>{id_of(1) + ": is tried now: \"[R] VRRP Instance VI_1 - Entering MASTER "
                                                        "state\" to a@example.org, b@example.org"});
    f.pump(t0 + 1s);
    CHECK(f.transport.sent.size() == 2);
    CHECK(f.mailer->retry(only(id_of(1)), Fixture::wall(t0 + 1s)).value()[0].find("already") != std::string::npos);
    f.transport.answer(unreachable());
    f.pump(t0 + 1s);
    REQUIRE(f.mailer->retry(kAll, Fixture::wall(t0 + 2s)).has_value());
    f.pump(t0 + 2s);
    CHECK(f.transport.sent.size() == 3);
}

TEST_CASE("a mail that was collected for a digest is sent alone when it is retried") {
    Fixture f;
    f.take(Fixture::events(1, 21), t0);
    f.deliver_all(t0);
    CHECK(f.transport.sent.size() == 20);
    REQUIRE(f.mailer->retry(only(id_of(21)), Fixture::wall(t0)).has_value());
    f.deliver_all(t0);
    CHECK(f.transport.sent.size() == 21);
    CHECK(f.transport.sent.back().id == id_of(21));
}

TEST_CASE("a failed mail shows why, and a retry sends it to those who refused it, as a new one") {
    Fixture f;
    f.take({Fixture::event(1)}, t0);
    f.pump(t0);
    f.transport.answer({.reached = true, .accepted = {"a@example.org"}, .never = {"b@example.org"}, .text = "550 no"});
    f.pump(t0);
    auto shown = f.mailer->queue(t0);
    REQUIRE(shown.size() == 1);
    CHECK(shown[0].state == State::Failed);
    CHECK(shown[0].subject == "[R] VRRP Instance VI_1 - Entering MASTER state");
    CHECK(shown[0].to == std::vector<std::string>{"b@example.org"});
    CHECK(shown[0].answer == "550 no");
    CHECK_FALSE(shown[0].next_try.has_value());

    const Instant later = t0 + kKeepFor + 1h;  // older than mails are kept
    REQUIRE(f.mailer->retry(kAll, Fixture::wall(later)).has_value());
    shown = f.mailer->queue(later);
    REQUIRE(shown.size() == 1);
    CHECK(shown[0].state == State::Waiting);
    f.deliver_all(later);
    CHECK(f.transport.sent.back().to == std::vector<config::MailAddress>{{.address = "b@example.org"}});
    CHECK(f.transport.sent.back().items.size() == 1);
    CHECK(f.mailer->queue(later).empty());
}

TEST_CASE("a mail that waits for some and has failed for others is retried for all of them") {
    Fixture f;
    f.take({Fixture::event(1)}, t0);
    f.pump(t0);
    f.transport.answer(refused_for({"b@example.org"}));
    f.pump(t0);
    CHECK(f.mailer->queue(t0).size() == 2);
    CHECK(f.mailer->retry(only(id_of(1)), Fixture::wall(t0)).value().size() == 2);
    const auto shown = f.mailer->queue(t0);
    REQUIRE(shown.size() == 1);
    CHECK(shown[0].to == std::vector<std::string>{"a@example.org", "b@example.org"});
}

TEST_CASE("a drop removes mails that wait or have failed, and says what they were") {
    Fixture f;
    f.take(Fixture::events(1, 2), t0);
    f.pump(t0);
    f.transport.answer(refused_for({"a@example.org", "b@example.org"}));
    f.pump(t0);  // the second one is on its way
    f.transport.answer(deferred());
    f.pump(t0);
    CHECK(f.mailer->drop(only(id_of(2))).value() ==
          std::vector<std::string>{id_of(2) + ": dropped: \"[R] VRRP Instance VI_2 - Entering MASTER state\" to "
                                              "a@example.org, b@example.org"});
    CHECK(f.mailer->queue(t0).size() == 1);
    CHECK(f.mailer->drop(kAll).value().size() == 1);
    CHECK(f.mailer->queue(t0).empty());
    CHECK(f.mailer->drop(kAll).value().empty());
    f.restart();
    CHECK(f.mailer->queue(t0).empty());
    CHECK(std::ranges::count_if(f.log.lines, [](const std::string& line) {
              return line.find("mail drop by uid 0, pid 7: vrrp.") != std::string::npos;
          }) == 2);
}

TEST_CASE("after a drop of everything the next mail is tried at once, since nothing shows a problem any more") {
    Fixture f;
    f.take({Fixture::event(1)}, t0);
    f.pump(t0);
    f.transport.answer({.reached = false, .text = "timed out"});
    f.pump(t0);
    CHECK(f.mailer->last_problem() == "timed out");
    CHECK(f.mailer->drop(kAll).value().size() == 1);
    CHECK(f.mailer->last_problem().empty());
    f.take({Fixture::event(2)}, t0 + 1s);
    f.deliver_all(t0 + 1s);
    CHECK(f.mailer->counters().sent == 1);
}

TEST_CASE("a mail that is being delivered is not dropped") {
    Fixture f;
    f.take({Fixture::event(1)}, t0);
    f.pump(t0);
    CHECK(f.mailer->drop(kAll).value()[0].find("is being delivered now") != std::string::npos);
    CHECK(f.mailer->queue(t0).size() == 1);
}

TEST_CASE("with one unknown id nothing is changed") {
    Fixture f;
    f.take({Fixture::event(1)}, t0);
    const auto dropped = f.mailer->drop({.ids = {id_of(1), "../../etc/passwd"}, .all = false, .by = {}});
    REQUIRE_FALSE(dropped.has_value());
    CHECK(dropped.error().text() == "no mail that waits or has failed has the id ../../etc/passwd");
    CHECK(f.mailer->queue(t0).size() == 1);
    CHECK_FALSE(f.mailer->retry({}, Fixture::wall(t0)).has_value());
}

TEST_CASE("nothing is retried while mail is not configured") {
    Fixture f;
    f.take({Fixture::event(1)}, t0);
    f.configure("");
    CHECK_FALSE(f.mailer->retry(kAll, Fixture::wall(t0)).has_value());
    CHECK(f.mailer->drop(kAll).value().size() == 1);
}

TEST_CASE("a file in failed/ that is no mail is shown with the reason, is not retried, and can be dropped") {
    Fixture f;
    f.folder.write("spool/failed/x.mail", "{");
    f.folder.write("spool/failed/readme", "no mail");
    const auto shown = f.mailer->queue(t0);
    REQUIRE(shown.size() == 1);
    CHECK(shown[0].id == "x");
    CHECK(shown[0].answer == "not JSON");
    CHECK(f.mailer->retry(kAll, Fixture::wall(t0)).value()[0] == "x: cannot be tried again: x: not JSON");
    CHECK(f.mailer->drop(only("x")).value()[0] == "x: dropped: unreadable (not JSON)");
    CHECK(f.mailer->queue(t0).empty());
}

TEST_CASE("of many large failed mails not all are read") {
    Fixture f;
    const std::string large(kFailedBytesReadMax - 10, 'x');
    f.folder.write("spool/failed/a.mail", large);
    f.folder.write("spool/failed/b.mail", large);
    const auto shown = f.mailer->queue(t0);
    REQUIRE(shown.size() == 2);
    CHECK(std::ranges::count_if(shown, [](const QueuedMail& mail) {
              return mail.answer.find("is too large") != std::string::npos;
          }) == 1);
}

TEST_CASE("a relay that took a test mail is tried at once, and is no problem where nothing waits") {
    Fixture f;
    f.take({Fixture::event(1)}, t0);
    f.pump(t0);
    f.transport.answer(unreachable());
    f.pump(t0);
    f.mailer->relay_accepted();
    CHECK(f.mailer->last_problem() == "connection refused");  // until the mail has arrived
    f.pump(t0);
    REQUIRE(f.mailer->sending());
    f.transport.answer(refused_for({"a@example.org", "b@example.org"}));
    f.pump(t0);
    CHECK(f.mailer->last_problem() == "550 no such user");
    f.mailer->relay_accepted();
    CHECK(f.mailer->last_problem().empty());
}

TEST_CASE("a test mail goes to the configured recipients or to those that are named") {
    Fixture f;
    const auto usual = f.mailer->test_mail({}, {kWall0});
    REQUIRE(usual.has_value());
    CHECK(usual->relays.size() == 1);
    CHECK(usual->mail.to ==
          std::vector<config::MailAddress>{{.address = "a@example.org"}, {.address = "b@example.org"}});
    CHECK(usual->message.find("Subject: [R] Test mail of vm\r\n") != std::string::npos);
    CHECK(f.mailer->test_mail({"c@example.org"}, {kWall0})->mail.to ==
          std::vector<config::MailAddress>{{.address = "c@example.org"}});
    CHECK(f.mailer->test_mail({"Duty", "Admin", "<d@example.org>"}, {kWall0})->mail.to ==
          std::vector<config::MailAddress>{{.address = "d@example.org", .name = "Duty Admin"}});
    for (const char* wrong : {"", "a@", "x>\r\nRCPT TO:<y"}) CHECK_FALSE(f.mailer->test_mail({wrong}, {kWall0}));
    f.configure("");
    CHECK_FALSE(f.mailer->test_mail({}, {kWall0}).has_value());
}

}  // namespace mainstay::alert
