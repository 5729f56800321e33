#include "alert/smtp_session.hpp"

#include <doctest/doctest.h>

namespace mainstay::alert {
namespace {

using Names = std::vector<std::string>;

const Names kTwo{"a@x", "b@x"};

// "C: " lines are ours, "S: " lines the server's; C: . is the message.
Delivery after(std::initializer_list<std::string_view> lines, const std::string& failure = {}) {
    SmtpDialogue dialogue;
    for (const auto line : lines) {
        const std::string text{line.substr(3)};
        if (line.starts_with("S: "))
            dialogue.received(text + "\r\n");
        else if (text != ".")
            dialogue.sent(text + "\r\n");
    }
    return dialogue.outcome(kTwo, failure);
}

}  // namespace

TEST_CASE("a mail that the server takes is accepted for all its recipients") {
    const auto delivery = after({"S: 220 hi", "C: EHLO vm", "S: 250-mx", "S: 250 SIZE 1000", "C: MAIL FROM:<r@vm>",
                                 "S: 250 ok", "C: RCPT TO:<a@x>", "S: 250 ok", "C: RCPT TO:<b@x>", "S: 251 moved",
                                 "C: DATA", "S: 354 go", "C: .", "S: 250 queued as 7", "C: QUIT"});

    CHECK(delivery.reached);
    CHECK(delivery.accepted == kTwo);
    CHECK(delivery.never.empty());
}

TEST_CASE("recipients are judged one by one") {
    const auto delivery = after({"S: 220 hi", "C: EHLO vm", "S: 250 mx", "C: MAIL FROM:<r@vm>", "S: 250 ok",
                                 "C: RCPT TO:<a@x>", "S: 550 no such user", "C: RCPT TO:<b@x>", "S: 250 ok", "C: DATA",
                                 "S: 354 go", "C: .", "S: 250 ok", "C: QUIT"});

    CHECK(delivery.accepted == Names{"b@x"});
    CHECK(delivery.never == Names{"a@x"});
    CHECK(delivery.text == "550 no such user");
}

TEST_CASE("a 4xx puts a mail off, a 5xx refuses it") {
    struct Row {
        const char* mail;
        const char* rcpt;
        const char* data;
        const char* end;
        std::size_t never;
    };
    for (const Row row :
         {Row{"S: 451 later", "", "", "", 0}, Row{"S: 553 bad sender", "", "", "", 2},
          Row{"S: 250 ok", "S: 450 busy", "", "", 0}, Row{"S: 250 ok", "S: 554 no", "", "", 2},
          Row{"S: 250 ok", "S: 250 ok", "S: 451 no", "", 0}, Row{"S: 250 ok", "S: 250 ok", "S: 554 no", "", 2},
          Row{"S: 250 ok", "S: 250 ok", "S: 354 go", "S: 452 disk full", 0},
          Row{"S: 250 ok", "S: 250 ok", "S: 354 go", "S: 554 spam", 2}}) {
        CAPTURE(row.mail);
        CAPTURE(row.rcpt);
        CAPTURE(row.data);
        CAPTURE(row.end);
        SmtpDialogue dialogue;
        const auto reply = [&](const char* line) { dialogue.received(std::string{line}.substr(3) + "\r\n"); };
        dialogue.received("220 hi\r\n");
        dialogue.sent("EHLO vm\r\n");
        dialogue.received("250 mx\r\n");
        dialogue.sent("MAIL FROM:<r@vm>\r\n");
        reply(row.mail);
        for (int i = 0; i < 2 && *row.rcpt != '\0'; ++i) {
            dialogue.sent("RCPT TO:<a@x>\r\n");
            reply(row.rcpt);
        }
        if (*row.data != '\0') {
            dialogue.sent("DATA\r\n");
            reply(row.data);
        }
        if (*row.end != '\0') reply(row.end);

        const auto delivery = dialogue.outcome(kTwo, "curl says no");

        CHECK(delivery.reached);
        CHECK(delivery.accepted.empty());
        CHECK(delivery.never.size() == row.never);
    }
}

TEST_CASE("a server that does not get as far as mail is not reached, whatever it says") {
    CHECK_FALSE(after({}, "Connection refused").reached);
    CHECK(after({}, "Connection refused").text == "Connection refused");
    CHECK_FALSE(after({"S: 554 no service"}, "weird").reached);
    CHECK(after({"S: 554 no service"}, "weird").never.empty());
    CHECK_FALSE(after({"S: 220 hi", "C: EHLO vm"}, "timed out").reached);
    CHECK_FALSE(after({"S: 220 hi", "C: EHLO vm", "S: 502 what", "C: HELO vm", "S: 550 go away"}, "x").reached);
}

TEST_CASE("a dialogue that breaks off leaves the mail waiting for the server") {
    const auto hung = after({"S: 220 hi", "C: EHLO vm", "S: 250 mx", "C: MAIL FROM:<r@vm>"}, "timed out");
    CHECK_FALSE(hung.reached);
    const auto no_end =
        after({"S: 220 hi", "C: HELO vm", "S: 250 mx", "C: MAIL FROM:<r@vm>", "S: 250 ok", "C: RCPT TO:<a@x>",
               "S: 250 ok", "C: RCPT TO:<b@x>", "S: 250 ok", "C: DATA", "S: 354 go", "C: ."},
              "timed out");
    CHECK_FALSE(no_end.reached);
    CHECK(no_end.accepted.empty());
    CHECK(no_end.never.empty());
}

TEST_CASE("a server that closes down with 421 is asked again later") {
    const auto delivery = after({"S: 220 hi", "C: EHLO vm", "S: 250 mx", "C: MAIL FROM:<r@vm>", "S: 250 ok",
                                 "C: RCPT TO:<a@x>", "S: 421 shutting down"},
                                "closed");

    CHECK_FALSE(delivery.reached);
    CHECK(delivery.never.empty());
    CHECK(delivery.text == "421 shutting down");
}

TEST_CASE("an old server that knows only HELO is no failure") {
    const auto delivery =
        after({"S: 220 hi", "C: EHLO vm", "S: 502 what", "C: HELO vm", "S: 250 mx", "C: MAIL FROM:<r@vm>", "S: 250 ok",
               "C: RCPT TO:<a@x>", "S: 250 ok", "C: RCPT TO:<b@x>", "S: 250 ok", "C: DATA", "S: 354 go", "C: .",
               "S: 250 ok", "C: QUIT"});

    CHECK(delivery.accepted == kTwo);
    CHECK(delivery.text.empty() == false);
}

TEST_CASE("replies may arrive in any pieces and of any length") {
    SmtpDialogue dialogue;
    for (const char c : std::string{"220-hel"} + std::string(100'000, 'x') + "\r\n220 hi\r\nnonsense\r\n12\r\n") {
        dialogue.received(std::string_view{&c, 1});
    }
    dialogue.sent("mail FROM:<r@vm>\r\n");
    dialogue.received("4");
    dialogue.received("51 later\r");
    dialogue.received("\n");

    const auto delivery = dialogue.outcome(kTwo, "x");

    CHECK(delivery.reached);
    CHECK(delivery.text == "451 later");
}

TEST_CASE("only the last line of a reply of many is the reply") {
    const auto cut = after({"S: 220 hi", "C: EHLO vm", "S: 250-mx", "S: 250-SIZE 1000"}, "timed out");
    CHECK_FALSE(cut.reached);
    CHECK(cut.text == "timed out");
    const auto refused =
        after({"S: 220 hi", "C: EHLO vm", "S: 250 mx", "C: MAIL FROM:<r@vm>", "S: 550-go", "S: 450 away"}, "x");
    CHECK(refused.reached);
    CHECK(refused.never.empty());
    CHECK(refused.text == "450 away");
    CHECK(after({"S: 220 hi", "C: EHLO vm", "S: 250"}, "").text == "250");
    CHECK(after({"S: 220 hi", "C: EHLO vm", "S: 25"}, "").text.empty());
    CHECK(after({"S: 220 hi", "C: EHLO vm", "S: 2x0 a"}, "").text.empty());
    CHECK(after({"S: 220 hi", "C: EHLO vm", "S: /50 a"}, "").text.empty());
    CHECK(after({"S: 220 hi", "C: EHLO vm", "S: 25: a"}, "").text.empty());
    CHECK(after({"S: 220 hi", "C: EHLO vm", "S: 909 a"}, "").text == "909 a");
}

TEST_CASE("codes are good from 200 to 399 and refuse for good from 500 to 599") {
    const auto mail = [](const char* reply) {
        return after({"S: 220 hi", "C: EHLO vm", "S: 250 mx", "C: MAIL FROM:<r@vm>", reply}, "x");
    };
    for (const char* never : {"S: 500 x", "S: 599 x"}) CHECK(mail(never).never == kTwo);
    for (const char* later : {"S: 499 x", "S: 600 x", "S: 199 x", "S: 400 x"}) {
        CAPTURE(later);
        CHECK(mail(later).never.empty());
        CHECK(mail(later).reached);
        CHECK(mail(later).text == std::string{later}.substr(3));
    }
    for (const char* good : {"S: 200 x", "S: 399 x"}) CHECK(mail(good).text == "x");
    const auto end = [](const char* reply) {
        return after({"S: 220 hi", "C: EHLO vm", "S: 250 mx", "C: MAIL FROM:<r@vm>", "S: 250 ok", "C: RCPT TO:<a@x>",
                      reply, "C: RCPT TO:<b@x>", "S: 450 later", "C: DATA", "S: 354 go", "C: .", "S: 250 ok"})
            .accepted;
    };
    CHECK(end("S: 200 x") == Names{"a@x"});
    CHECK(end("S: 399 x") == Names{"a@x"});
    CHECK(end("S: 199 x").empty());
    CHECK(end("S: 400 x").empty());
}

TEST_CASE("surplus recipients, and replies after QUIT, change nothing") {
    const auto delivery = after({"S: 220 hi", "C: EHLO vm", "S: 250 mx", "C: MAIL FROM:<r@vm>", "S: 250 ok",
                                 "C: RCPT TO:<a@x>", "S: 250 ok", "C: RCPT TO:<b@x>", "S: 250 ok", "C: RCPT TO:<c@x>",
                                 "S: 550 who", "C: DATA", "S: 354 go", "C: .", "S: 250 ok", "C: QUIT", "S: 421 bye"});
    CHECK(delivery.reached);
    CHECK(delivery.accepted == kTwo);
    CHECK(delivery.never.empty());
}

TEST_CASE("a reply's line is kept up to 512 bytes, and ten thousand commands are kept") {
    SmtpDialogue dialogue;
    dialogue.received("554 " + std::string(508, 'x') + "y\r\n");
    CHECK(dialogue.outcome(kTwo, "").text == "554 " + std::string(508, 'x'));
    SmtpDialogue talkative;
    for (int i = 1; i < 9'999; ++i) talkative.sent("NOOP\r\n");
    talkative.sent("mail FROM:<r@vm>\r\n");
    talkative.received("250 ok\r\n");
    CHECK(talkative.outcome(kTwo, "").reached);
    SmtpDialogue endless;
    for (int i = 1; i < 10'000; ++i) endless.sent("noop\r\n");
    endless.sent("mail FROM:<r@vm>\r\n");
    endless.received("250 ok\r\n");
    CHECK_FALSE(endless.outcome(kTwo, "").reached);
}

}  // namespace mainstay::alert
