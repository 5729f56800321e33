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

TEST_CASE("a match across the pieces of a long body is found, and one longer than the window is told of") {
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

TEST_CASE("a pattern that is none is told in keepalived's words") {
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
    matcher.feed("ok" + std::string(kRegexPiece, 'x'));
    matcher.end();
    CHECK_FALSE(matcher.matched());
}
