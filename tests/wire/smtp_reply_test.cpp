#include "mainstay/wire/smtp_reply.hpp"

#include <doctest/doctest.h>

using namespace mainstay::wire;

namespace {

SmtpReply reply(std::string_view bytes) {
    SmtpReplyReader reader;
    const auto whole = reader.feed(bytes);
    REQUIRE(whole.has_value());
    for (std::size_t piece = 1; piece < 3; ++piece) {
        SmtpReplyReader other;
        std::optional<SmtpReply> found;
        for (std::size_t at = 0; at < bytes.size() && !found; at += piece) found = other.feed(bytes.substr(at, piece));
        REQUIRE(found.has_value());
        CHECK(found->sound == whole->sound);
        CHECK(found->code == whole->code);
        CHECK(found->text == whole->text);
    }
    return *whole;
}

}  // namespace

TEST_CASE("a reply is three digits and a text, whole with its line feed") {
    SmtpReplyReader reader;
    CHECK_FALSE(reader.feed("22").has_value());
    CHECK_FALSE(reader.feed("0 mail\r").has_value());
    const auto found = reader.feed("\nmore\n");
    REQUIRE(found.has_value());
    CHECK(found->sound);
    CHECK(found->code == 220);
    CHECK(found->text == "220 mail");
    CHECK(reader.feed("221\n")->code == 221);  // what came behind the reply is passed over
}

TEST_CASE("the code is read digit by digit, with or without a text or a carriage return") {
    CHECK(reply("354\r\n").code == 354);
    CHECK(reply("987 x\n").code == 987);
    CHECK(reply("100 \n").text == "100 ");
    CHECK(reply("250 a\rb\r\n").text == "250 a\rb");
    CHECK(reply("250 a\r\r\n").text == "250 a\r");
}

TEST_CASE("the last line of several has no hyphen behind its code, which counts") {
    const SmtpReply found = reply("250-one\r\n250-two\r\n251 three\r\n");
    CHECK(found.sound);
    CHECK(found.code == 251);
    CHECK(found.text == "251 three");
}

TEST_CASE("what has no code is no reply, and another character behind it makes it none") {
    for (const char* line : {"\n", "25\n", "2x0 y\n", "x20 y\n", "22x y\n", "/20 y\n", ":20 y\n", "hello\n"}) {
        CAPTURE(line);
        const SmtpReply found = reply(line);
        CHECK_FALSE(found.sound);
        CHECK(found.code == 0);
        CHECK(found.text == std::string_view{line}.substr(0, found.text.size()));
        CHECK(found.text.size() + 1 == std::string_view{line}.size());
    }
    const SmtpReply other = reply("220_mail\n");
    CHECK_FALSE(other.sound);
    CHECK(other.code == 220);
}

TEST_CASE("a line has at most 512 bytes without its line feed") {
    CHECK(reply("250 " + std::string(508, 'x') + "\n").sound);
    const SmtpReply longer = reply("250 " + std::string(509, 'x') + "\n");
    CHECK_FALSE(longer.sound);
    CHECK(longer.text.empty());
    SmtpReplyReader endless;
    CHECK_FALSE(endless.feed(std::string(512, '2')).has_value());
    CHECK_FALSE(endless.feed("2")->sound);
}

TEST_CASE("a reply has at most 128 lines, each reply anew") {
    std::string lines;
    for (int i = 0; i < 127; ++i) lines += "250-x\n";
    CHECK(reply(lines + "250 y\n").sound);
    CHECK_FALSE(reply(lines + "250-x\n250 y\n").sound);
    SmtpReplyReader reader;
    CHECK(reader.feed(lines + "250 y\n")->sound);
    CHECK(reader.feed(lines + "250 z\n")->sound);
}
