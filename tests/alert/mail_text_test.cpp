// What may stand in a line of a mail: each bound from both sides.
#include "alert/mail_text.hpp"

#include <doctest/doctest.h>

namespace mainstay::alert {
namespace {

constexpr std::string_view kBad = "\xEF\xBF\xBD";
std::string line(std::string_view text) { return clean_line(text, 900); }
std::string bad(std::size_t bytes) {
    std::string all;
    for (std::size_t i = 0; i < bytes; ++i) all += kBad;
    return all;
}

}  // namespace

TEST_CASE("text that fits stays, longer text ends with three dots within the limit") {
    CHECK(clean_line("", 0).empty());
    CHECK(clean_line("a", 0).empty());
    CHECK(clean_line("abc", 2) == "..");
    CHECK(clean_line("abc", 3) == "abc");
    CHECK(clean_line("abcd", 3) == "...");
    CHECK(clean_line("abcdef", 5) == "ab...");
    CHECK(clean_line("abcdef", 6) == "abcdef");
    CHECK(clean_line("ab\u00fcdef", 6) == "ab...");
    CHECK(clean_line("a\u00fcdefg", 6) == "a\u00fc...");
    CHECK(clean_line("\xFF\xFF\xFF", 8) == std::string{kBad} + "...");
}

TEST_CASE("control characters become blanks, one by one") {
    CHECK(line(std::string_view{"\0a\x1F\t b~\x7F", 8}) == " a   b~ ");
}

TEST_CASE("of UTF-8 the shortest and the longest of each length stay") {
    for (const char* whole :
         {"\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xE0\xBF\xBF", "\xE1\x80\x80", "\xEC\xBF\xBF", "\xED\x80\xBF",
          "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF0\xBF\xBF\xBF", "\xF1\x80\x80\x80",
          "\xF3\xBF\xBF\xBF", "\xF4\x80\x80\x80", "\xF4\x8F\xBF\xBF"}) {
        CAPTURE(whole);
        CHECK(line(whole) == whole);
        CHECK(line(std::string{whole} + "x") == std::string{whole} + "x");
    }
}

TEST_CASE("overlong forms, surrogates, what lies beyond U+10FFFF and broken ends are replaced byte by byte") {
    for (const std::string broken :
         {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2\x7F", "\xC2\xC0", "\xDF\x7F", "\xE0\x9F\xBF", "\xE1\x80\xC0",
          "\xE1\xC0\x80", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82",
          "\xF0\x9F\x98", "\xC3", "\xFF"}) {
        CAPTURE(broken);
        std::string expected;
        for (const char c : broken) expected += c == '\x7F' ? std::string{" "} : std::string{kBad};
        CHECK(line(broken) == expected);
    }
    CHECK(line("\xE1\x80\x7F") == bad(2) + " ");
}

TEST_CASE("base64 as in RFC 4648 section 10") {
    CHECK(base64("").empty());
    CHECK(base64("f") == "Zg==");
    CHECK(base64("fo") == "Zm8=");
    CHECK(base64("foo") == "Zm9v");
    CHECK(base64("foob") == "Zm9vYg==");
    CHECK(base64("fooba") == "Zm9vYmE=");
    CHECK(base64("foobar") == "Zm9vYmFy");
    CHECK(base64("\xFF\xEF\xBE") == "/+++");
}

TEST_CASE("a header in ASCII stays, another is cut into words of 42 bytes between characters") {
    CHECK(is_ascii("a\x7F"));
    CHECK_FALSE(is_ascii("a\x80"));
    CHECK(header_text("") == "");
    CHECK(header_text("plain") == "plain");
    std::string text;
    for (int i = 0; i < 21; ++i) text += "\u00fc";
    const std::string word = "=?UTF-8?B?w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8?=";
    CHECK(header_text(text) == word);
    CHECK(header_text(text + "x") == word + "\r\n =?UTF-8?B?eA==?=");
    CHECK(header_text(text + text) == word + "\r\n " + word);
    CHECK(header_text("x" + text) ==
          "=?UTF-8?B?eMO8w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7w=?=\r\n =?UTF-8?B?w7w=?=");
    CHECK(header_text("\xFF") == "=?UTF-8?B?/w==?=");
}

TEST_CASE("an address has no blanks, no control characters and no angle brackets") {
    CHECK(clean_address("<a @\tb>") == "a@b");
    CHECK(clean_address("!;=?~\x7F\x1F ") == "!;=?~");
    CHECK(clean_address("j\u00fcrg@x") == "j\u00fcrg@x");
}

}  // namespace mainstay::alert
