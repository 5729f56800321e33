// What needs much memory, and so has a program of its own.
#include <doctest/doctest.h>

#include <string>

#include "mainstay/config/language/resolver.hpp"
#include "mainstay/config/toml/toml.hpp"

using namespace mainstay::config;

TEST_CASE("a document whose statements would be longer than all files may be is refused, once, and nothing is kept") {
    const std::string toml = "[global_defs]\nrouter_id = \"" + std::string(kMaxSnapshotBytes, 'x') + "\"\n";
    const Snapshot snapshot = read_toml({"x.toml", toml});
    CHECK(snapshot.text().empty());
    REQUIRE(snapshot.findings.size() == 1);
    CHECK(snapshot.findings[0].message == "the configuration is longer than 134217728 bytes");
    CHECK(snapshot.findings[0].severity == Severity::Fatal);
    CHECK(snapshot.findings[0].place.line == 2);
}
