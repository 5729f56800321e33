#include "mainstay/role/reader/diagnostic_json.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::role;
using config::Severity;

namespace {

config::Diagnostic at(std::uint32_t file, std::uint32_t line, std::uint32_t column) {
    config::Diagnostic one;
    one.severity = Severity::Error;
    one.code = 12;
    one.place.file = file, one.place.line = line, one.place.column = column;
    one.message = "message", one.expected = "expected", one.effect = "effect", one.fix = "fix";
    return one;
}

}  // namespace

TEST_CASE("a severity has a name") {
    CHECK(std::string{name_of(Severity::Note)} == "note");
    CHECK(std::string{name_of(Severity::Warning)} == "warning");
    CHECK(std::string{name_of(Severity::Error)} == "error");
    CHECK(std::string{name_of(Severity::Fatal)} == "fatal");
}

TEST_CASE("a diagnostic is shown with its place and the files that include it, the nearest first") {
    config::Loaded loaded;
    loaded.files = {{.path = "top", .text = {}},
                    {.path = "middle", .text = {}, .included_by = 0, .included_at = 5},
                    {.path = "inner", .text = {}, .included_by = 1, .included_at = 6}};
    loaded.diagnostics = {at(2, 7, 8), at(0, 1, 2)};
    const auto json = as_json(loaded);
    REQUIRE(json.size() == 2);
    CHECK(json[0].dump() ==
          R"({"severity":"error","code":"MS0012","file":"inner","line":7,"column":8,"message":"message",)"
          R"("expected":"expected","effect":"effect","fix":"fix",)"
          R"("included_from":[{"file":"middle","line":6},{"file":"top","line":5}]})");
    CHECK(json[1]["file"] == "top");
    CHECK(json[1]["included_from"].dump() == "[]");
}

TEST_CASE("a diagnostic of a whole file has no column, and one of no file no name") {
    config::Loaded loaded;
    loaded.files = {{.path = "top", .text = {}}};
    loaded.diagnostics = {at(0, 0, 9), at(1, 3, 4)};
    const auto json = as_json(loaded);
    CHECK(json[0]["line"] == 0);
    CHECK(json[0]["column"] == 0);
    CHECK(json[1]["file"] == "");
    CHECK(json[1]["included_from"].dump() == "[]");
}

TEST_CASE("files that include each other do not make a chain without an end") {
    config::Loaded loaded;
    loaded.files = {{.path = "a", .text = {}, .included_by = 1, .included_at = 5},
                    {.path = "b", .text = {}, .included_by = 0, .included_at = 6}};
    loaded.diagnostics = {at(0, 1, 1)};
    CHECK(as_json(loaded)[0]["included_from"].dump() == R"([{"file":"b","line":5},{"file":"a","line":6}])");
}

TEST_CASE("text is indented by one, ends in a newline, and is UTF-8 whatever the bytes are") {
    CHECK(json_text({{"a", "bad\xFF"}}) == "{\n \"a\": \"bad\uFFFD\"\n}\n");
}
