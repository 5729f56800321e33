#include "mainstay/alert/smtp_transcript.hpp"

#include <doctest/doctest.h>

namespace mainstay::alert {

using Lines = std::vector<std::string>;

TEST_CASE("a transcript shows commands, whole reply lines and notes in their order") {
    SmtpTranscript t;
    t.begin("", "");
    t.noted("Connected to 192.0.2.1\n");
    t.received("220 mail");
    t.received(".test\r\n");
    t.sent("EHLO vm\r\n");
    t.received("250-mail.test\r\n250 SIZE\r\n");
    t.sent("MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\n");
    t.message(300);
    t.message(300);
    CHECK(t.after(0) == Lines{"* Connected to 192.0.2.1", "< 220 mail.test", "> EHLO vm", "< 250-mail.test",
                              "< 250 SIZE", "> MAIL FROM:<a@x>", "> RCPT TO:<b@x>", "> (the message, 300 bytes)"});
    CHECK(t.after(7) == Lines{"> (the message, 300 bytes)"});
    CHECK(t.after(8).empty());
    CHECK(t.after(99).empty());
}

TEST_CASE("what authenticates is masked in each way of AUTH") {
    SmtpTranscript t;
    t.begin("bob", "secret");
    t.sent("AUTH PLAIN AGJvYgBzZWNyZXQ=\r\n");
    t.received("535 no\r\n");
    t.sent("auth LOGIN\r\n");
    t.received("334 VXNlcm5hbWU6\r\n");
    t.sent("Ym9i\r\n");
    t.received("334 UGFzc3dvcmQ6\r\n");
    t.sent("c2VjcmV0\r\n");
    t.received("235 ok\r\n");
    t.sent("MAIL FROM:<a@x>\r\n");
    CHECK(t.after(0) == Lines{"> AUTH PLAIN ***", "< 535 no", "> auth LOGIN", "< 334 VXNlcm5hbWU6", "> ***",
                              "< 334 UGFzc3dvcmQ6", "> ***", "< 235 ok", "> MAIL FROM:<a@x>"});
}

TEST_CASE("a password is masked wherever a server or a library repeats it") {
    SmtpTranscript t;
    t.begin("bob", "secret");
    t.received("535 secret is wrong, so is c2VjcmV0 and AGJvYgBzZWNyZXQ=\r\n");
    t.noted("secretsecret");
    CHECK(t.after(0) == Lines{"< 535 *** is wrong, so is *** and ***", "* ******"});
    t.begin("", "");  // the next relay has none
    t.received("220 secret\r\n");
    CHECK(t.after(2) == Lines{"< 220 secret"});
}

TEST_CASE("a transcript keeps a bounded number of bounded lines, without control characters") {
    SmtpTranscript t;
    t.begin("", "");
    t.received("220 \x1b[2J" + std::string(10'000, 'x') + "\r\n");
    CHECK(t.after(0)[0].starts_with("< 220  [2Jxxx"));
    CHECK(t.after(0)[0].size() <= kTranscriptLineBytesMax + 2);
    for (std::size_t i = 0; i < 2 * kTranscriptLinesMax; ++i) t.received("250 ok\r\n");
    CHECK(t.after(0).size() == kTranscriptLinesMax + 1);
    CHECK(t.after(0).back() == "* the rest of the dialogue is not shown");
    t.clear();
    CHECK(t.after(0).empty());
}

}  // namespace mainstay::alert
