// Adding a keyword takes one row. The build puts the row that CONTRIBUTING.md shows into a copy of the table of
// vrrp_instance, which stands in for the real one in this program; nothing else is changed.
#include <doctest/doctest.h>

#include <algorithm>

#include "../config/samples.hpp"
#include "cli/reference.hpp"
#include "mainstay/config/members.hpp"
#include "mainstay/config/toml/toml.hpp"
#include "mainstay/config/tools/print.hpp"

using namespace mainstay;
using namespace mainstay::config;
using namespace mainstay::config::testing;

namespace {

Loaded with(std::string_view line) { return load_sample(vrrp(6, "    advert_int 1\n    " + std::string{line})); }

// What is wrong, beside that nothing acts on the keyword yet.
std::vector<Diagnostic> wrong(const Loaded& loaded) {
    std::vector<Diagnostic> found = loaded.diagnostics;
    std::erase_if(found, [](const Diagnostic& d) { return d.severity < Severity::Error; });
    return found;
}

}  // namespace

TEST_CASE("one row makes a keyword that is parsed to its typed value") {
    const Loaded loaded = with("imaginary_delay 7.25");

    CHECK(wrong(loaded).empty());
    CHECK(value_of<Micros>(loaded.config.instances.at(0).more->values, config::KeywordName{"imaginary_delay"}) ==
          Micros{7'250'000});
}

TEST_CASE("one row makes a keyword whose bad values are reported with its range and unit") {
    const auto found = wrong(with("imaginary_delay 61"));

    REQUIRE(found.size() == 1);
    CHECK(found[0].message == "imaginary_delay must be 0 to 60 seconds, got 61");
    CHECK(found[0].place.line == 7);
    CHECK(wrong(with("imaginary_delay 5ms")).at(0).message == "imaginary_delay takes a plain number, got '5ms'");
    CHECK(find_value(with("imaginary_delay 61").config.instances.at(0).more->values,
                     config::KeywordName{"imaginary_delay"}) == nullptr);
}

TEST_CASE("one row makes a keyword that is suggested for a misspelling") {
    const auto found = wrong(with("imaginary_dealy 7"));

    REQUIRE(found.size() == 1);
    CHECK(found[0].fix.find("imaginary_delay") != std::string::npos);
}

TEST_CASE("one row makes a keyword that is said not to act yet, once") {
    const Loaded loaded = with("imaginary_delay 7\n    imaginary_delay 8");

    CHECK(std::ranges::count_if(loaded.diagnostics, [](const Diagnostic& d) {
              return d.message == "imaginary_delay is accepted, but mainstay does not act on it yet";
          }) == 1);
    CHECK(loaded.exit_code() == 0);
    CHECK(value_of<Micros>(loaded.config.instances.at(0).more->values, config::KeywordName{"imaginary_delay"}) ==
          Micros{8'000'000});
}

TEST_CASE("one row makes a keyword that is printed in canonical form") {
    CHECK(print("vrrp_instance VI_1 {\nimaginary_delay   07.250 # why\n}\n") ==
          "vrrp_instance VI_1 {\n    imaginary_delay 7.25  # why\n}\n");
}

TEST_CASE("one row makes a keyword that is explained and listed") {
    const auto text = cli::explain("imaginary_delay");

    REQUIRE(text);
    CHECK(text->find("How long to imagine things before acting.") != std::string::npos);
    CHECK(text->find("0 to 60") != std::string::npos);
    CHECK(text->find("2.5") != std::string::npos);
    CHECK(cli::reference_markdown().find("`imaginary_delay <seconds 0..60, decimals to 1us>`") != std::string::npos);
    CHECK(cli::reference_roff().find("imaginary_delay") != std::string::npos);
    CHECK(std::ranges::count(cli::all_keywords(), std::string_view{"imaginary_delay"}) == 1);
}

TEST_CASE("one row makes a keyword that reaches the roles") {
    const Loaded loaded = with("imaginary_delay 7.25");

    const auto part = decode<Config>(encode(slice(loaded.config, Audience::Vrrp)));

    REQUIRE(part);
    CHECK(value_of<Micros>(part->instances.at(0).more->values, config::KeywordName{"imaginary_delay"}) ==
          Micros{7'250'000});
}

TEST_CASE("one row makes a keyword of both languages") {
    const std::string conf = vrrp(6, "    imaginary_delay 7.25");
    Snapshot snapshot = resolve({{"ha.conf", conf}}, host(), false);
    const Converted toml = to_toml(snapshot);

    CHECK(toml.text.find("imaginary_delay = 7.25") != std::string::npos);
    CHECK(load_text("ha.toml", toml.text, host()).config == load_text("ha.conf", conf, host()).config);
}
