#include "mainstay/probe/regex.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::probe;

namespace {

std::shared_ptr<const Regex> compiled(const RegexWords& words) {
    auto regex = Regex::compile(words);
    REQUIRE(regex.has_value());
    return *regex;
}

// Whether it holds for a body that comes in pieces of `piece` bytes.
bool holds(const RegexWords& words, std::string_view body, std::size_t piece = 1) {
    RegexMatcher matcher{compiled(words)};
    for (; !body.empty(); body.remove_prefix(std::min(piece, body.size()))) matcher.feed(body.substr(0, piece));
    matcher.end();
    return matcher.holds();
}

}  // namespace

TEST_CASE("escapes are processed once before PCRE2 sees the pattern, as keepalived does") {
    CHECK(regex_unescaped(R"(status:\s*ok)") == "status:s*ok");
    CHECK(regex_unescaped(R"(status:\\s*ok)") == R"(status:\s*ok)");
    CHECK(regex_unescaped(R"(a\n\t\x41\x4\101\7)") ==
          "a\n\tA\x04"
          "A\a");
    CHECK(regex_unescaped("\\") == "\\");
    CHECK(regex_unescaped(R"(\xg\.)") == "xg.");
}

TEST_CASE("a match is found wherever the pieces of the body are cut") {
    for (const std::size_t piece : {1U, 2U, 3U, 7U, 100U}) {
        CHECK(holds({.pattern = "status: *ok"}, "the status:   ok then", piece));
        CHECK_FALSE(holds({.pattern = "status: *ok"}, "the status:  nok then", piece));
        CHECK(holds({.pattern = "^the"}, "the status", piece));
        CHECK_FALSE(holds({.pattern = "^status"}, "the status", piece));
        CHECK(holds({.pattern = "(?<=the )status$"}, "the status", piece));
    }
}

TEST_CASE("a match across the pieces of a long body is found, and one longer than the window is reported") {
    std::string body(200'000, 'x');
    body.replace(kRegexPiece - 3, 6, "needle");
    CHECK(holds({.pattern = "ne+dle"}, body, 4096));
    CHECK(holds({.pattern = "(?<!y)needle(?=x)"}, body, 4096));
    CHECK_FALSE(holds({.pattern = "^ne+dle"}, body, 4096));
    CHECK(holds({.pattern = "x$"}, body, 4096));
    CHECK(holds({.pattern = "^x", .options = {"multiline"}}, body.substr(0, 100'000) + "\nx", 4096));

    RegexMatcher matcher{compiled({.pattern = "needle.*end", .options = {"dotall"}})};
    matcher.feed(body + "end");
    matcher.end();
    CHECK_FALSE(matcher.matched());
    CHECK(matcher.window_was_hit());
}

TEST_CASE("options by name act, and unknown ones are passed over") {
    CHECK_FALSE(holds({.pattern = "OK"}, "ok"));
    CHECK(holds({.pattern = "OK", .options = {"bogus", "caseless"}}, "ok"));
    CHECK(holds({.pattern = "a.b", .options = {"dotall"}}, "a\nb"));
    CHECK(holds({.pattern = "^..$", .options = {"utf"}}, "\xc3\xa4\xc3\xb6"));
    CHECK(holds({.pattern = "ok", .options = {"utf"}}, "\xff\xfe ok \xc3"));  // no UTF-8: matched around
}

TEST_CASE("a match begins between the least and the greatest offset") {
    CHECK_FALSE(holds({.pattern = "ok", .min_offset = 3}, "ok then"));
    CHECK(holds({.pattern = "ok", .min_offset = 3}, "ok ok"));
    CHECK_FALSE(holds({.pattern = "ok", .min_offset = 30}, "ok ok"));
    CHECK(holds({.pattern = "ok", .max_offset = 3}, "so ok"));
    CHECK_FALSE(holds({.pattern = "ok", .max_offset = 2}, "so ok"));
    const std::string late = std::string(100'000, '.') + "ok";
    CHECK(holds({.pattern = "ok", .min_offset = 99'999, .max_offset = 100'000}, late, 4096));
    CHECK_FALSE(holds({.pattern = "ok", .max_offset = 99'999}, late, 4096));
}

TEST_CASE("regex_no_match inverts") {
    CHECK(holds({.pattern = "error", .must_not_match = true}, "all is well"));
    CHECK_FALSE(holds({.pattern = "error", .must_not_match = true}, "an error"));
}

TEST_CASE("a pattern that is none is reported in keepalived's words") {
    const auto bad = Regex::compile({.pattern = "sta(tus"});
    REQUIRE_FALSE(bad.has_value());
    CHECK(bad.error().text() == "Invalid regex: 'sta(tus' at offset 7: missing closing parenthesis");
}

TEST_CASE("a pattern that goes through all combinations is given up, whatever it was to prove") {
    for (const bool inverted : {false, true}) {
        RegexMatcher matcher{compiled({.pattern = "(*NO_JIT)(a+)+[bc]", .must_not_match = inverted})};
        matcher.feed(std::string(60, 'a'));
        matcher.end();
        CHECK_FALSE(matcher.holds());
        CHECK(matcher.problem() == "the regex takes more than 1000000 steps");
    }
}

TEST_CASE("the stack of a compiled pattern is as large as configured") {
    // A backtracking point per byte: the default of 32 KB does not hold that many.
    const std::string body(20'000, 'a');
    RegexMatcher small{compiled({.pattern = "(?:(a)|b)*c", .stack_start = 8192, .stack_max = 8192})};
    small.feed(body + "c");
    small.end();
    CHECK_FALSE(small.problem().empty());
    CHECK(holds({.pattern = "(?:(a)|b)*c", .stack_start = 8192, .stack_max = 16 << 20}, body + "c", 1 << 20));
}

TEST_CASE("what comes after the end of the body is not looked at") {
    RegexMatcher matcher{compiled({.pattern = "ok"})};
    matcher.feed("no");
    matcher.end();
    matcher.feed("no ok" + std::string(kRegexPiece, 'x'));
    matcher.end();
    CHECK_FALSE(matcher.matched());
}

TEST_CASE("a match may be as long as the window, and another one is found after one that is too long") {
    const RegexWords words{.pattern = "s.*e", .options = {"dotall"}};
    const auto matcher_of = [&](const std::string& body) {
        auto matcher = std::make_unique<RegexMatcher>(compiled(words));
        matcher->feed(body);
        matcher->end();
        return matcher;
    };
    // Looked at each 16384 bytes: with 65536 the beginning is still kept.
    const auto longest = matcher_of("s" + std::string(kRegexWindowMax - 1, 'x') + "e");
    CHECK(longest->matched());
    CHECK_FALSE(longest->window_was_hit());
    const std::size_t looks = kRegexWindowMax + kRegexPiece;
    const auto longer = matcher_of("s" + std::string(looks - 1, 'x') + "e");
    CHECK_FALSE(longer->matched());
    CHECK_FALSE(longer->holds());
    CHECK(longer->window_was_hit());
    const auto later = matcher_of("s" + std::string(looks - 102, 'x') + "s" + std::string(100, 'x') + "e");
    CHECK(later->matched());
    CHECK(later->window_was_hit());
}

TEST_CASE("what stands before a match is looked back at across pieces, in characters of UTF-8 too") {
    const std::string umlauts = "\xc3\xa4\xc3\xb6\xc3\xbc";  // three characters
    for (std::size_t before = 0; before < 12; ++before) {
        CAPTURE(before);
        const std::string body =
            std::string(kRegexPiece - before, '.') + umlauts + "ok" + std::string(kRegexPiece, '.');
        CHECK(holds({.pattern = "(?<=\xc3\xa4\xc3\xb6\xc3\xbc)ok", .options = {"utf"}}, body, kRegexPiece));
        CHECK_FALSE(holds({.pattern = "(?<=\xc3\xa4\xc3\xa4\xc3\xbc)ok", .options = {"utf"}}, body, kRegexPiece));
        const std::string plain = std::string(kRegexPiece - before, '.') + "abcok" + std::string(kRegexPiece, '.');
        CHECK(holds({.pattern = "(?<=abc)ok"}, plain, kRegexPiece));
        CHECK(holds({.pattern = "\\\\bok|(?<!\\\\W)ok"}, plain, kRegexPiece));
        CHECK_FALSE(holds({.pattern = "(?<![a-c])ok"}, plain, kRegexPiece));
    }
}

TEST_CASE("offsets count from the body's beginning, wherever its pieces are cut") {
    for (const std::size_t at : {std::size_t{0}, std::size_t{1}, kRegexPiece - 1, kRegexPiece, kRegexPiece + 1,
                                 2 * kRegexPiece, 3 * kRegexPiece + 7}) {
        CAPTURE(at);
        const std::string body = std::string(at, '.') + "ok" + std::string(2 * kRegexPiece, '.');
        CHECK(holds({.pattern = "ok", .min_offset = at, .max_offset = at}, body, 4096));
        CHECK_FALSE(holds({.pattern = "ok", .min_offset = at + 1}, body, 4096));
        if (at > 0) CHECK_FALSE(holds({.pattern = "ok", .max_offset = at - 1}, body, 4096));
    }
    // Behind the end of the body none begins; at its end an empty one may.
    CHECK(holds({.pattern = "$", .min_offset = 5}, "hello"));
    CHECK_FALSE(holds({.pattern = "$", .min_offset = 6}, "hello"));
    CHECK_FALSE(holds({.pattern = "o$", .must_not_match = true, .min_offset = 4}, "hello"));
    CHECK(holds({.pattern = "x*"}, ""));
}

TEST_CASE("the first match decides, and what follows it is not looked at") {
    RegexMatcher matcher{compiled({.pattern = "ok"})};
    matcher.feed("ok" + std::string(kRegexPiece, '.'));
    CHECK(matcher.matched());
    matcher.feed(std::string(10 * kRegexPiece, 'x'));
    matcher.end();
    CHECK(matcher.holds());
    CHECK_FALSE(matcher.window_was_hit());
    CHECK(matcher.problem().empty());
}

TEST_CASE("a match from the first byte of a long body to its last is found") {
    const std::string body = "<html>" + std::string(20'000, '.') + "</html>";
    for (const std::size_t piece : {std::size_t{100}, kRegexPiece, body.size()})
        CHECK(holds({.pattern = "^<html>.*</html>$", .options = {"dotall"}}, body, piece));
}
