#include "mainstay/config/schema/schema.hpp"

#include <doctest/doctest.h>

#include <regex>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <utility>

#include "config/schema/value_store.hpp"
#include "mainstay/config/language/lexer.hpp"
#include "mainstay/config/language/resolver.hpp"
#include "mainstay/config/load.hpp"

using namespace mainstay::config;

namespace {

using Names = std::set<std::pair<std::string, std::string>>;

Names all_rows() {
    Names names;
    for (const auto table : schema())
        for (const KeywordSpec& row : table)
            for (std::size_t b = 0; b < static_cast<std::size_t>(Block::kCount); ++b)
                if (row.blocks.has(static_cast<Block>(b))) {
                    names.emplace(path_of(static_cast<Block>(b)), row.name);
                    // the old name of the block
                    if (static_cast<Block>(b) == Block::TrackFile) names.emplace("vrrp_track_file", row.name);
                }
    return names;
}

// The rows of a keyword table (block, keyword, ...) that the schema lacks.
std::string missing_from(const std::string& path) {
    const Names have = all_rows();
    std::ifstream file{path};
    std::string line, missing;
    std::getline(file, line);
    while (std::getline(file, line)) {
        const std::size_t first = line.find('\t');
        const std::size_t second = line.find('\t', first + 1);
        std::pair key{line.substr(0, first), line.substr(first + 1, second - first - 1)};
        if (!have.contains(key)) missing += key.first + " " + key.second + "\n";
    }
    return missing;
}

}  // namespace

TEST_CASE("every keyword of the compatibility tables is a row of the schema") {
    for (const char* name : {"keywords-vrrp.tsv", "keywords-lvs.tsv"}) {
        const std::string path = std::string{MAINSTAY_SHARED "/compat/"} + name;
        if (!std::ifstream{path}) {
            MESSAGE("passed over: there is no ", path);
            continue;
        }
        CHECK(missing_from(path) == "");
    }
}

TEST_CASE("no block knows a keyword twice") {
    for (std::size_t b = 0; b < static_cast<std::size_t>(Block::kCount); ++b) {
        const auto rows = rows_of(static_cast<Block>(b));
        for (std::size_t i = 1; i < rows.size(); ++i) CHECK(rows[i - 1]->name != rows[i]->name);
    }
}

TEST_CASE("every row says what it is for") {
    for (const auto table : schema())
        for (const KeywordSpec& row : table) {
            CAPTURE(row.name);
            CHECK_FALSE(row.help.empty());
            CHECK(row.args.low <= row.args.high);
        }
}

TEST_CASE("a keyword is found in its block only") {
    REQUIRE(find_row(Block::Instance, "priority") != nullptr);
    CHECK(find_row(Block::Instance, "priority")->args.high == 255);
    CHECK(find_row(Block::Root, "priority") == nullptr);
    CHECK(find_row(Block::TcpCheck, "retry") == find_row(Block::HttpGet, "retry"));
}

TEST_CASE("the nearest keyword is one that may be meant") {
    CHECK(nearest_keyword(Block::Instance, "virtual_router") == "virtual_routes");
    CHECK(nearest_keyword(Block::Instance, "virtual_ipadress") == "virtual_ipaddress");
    CHECK(nearest_keyword(Block::RealServer, "tcp_check") == "TCP_CHECK");
    CHECK(nearest_keyword(Block::Instance, "xyzzy") == "");
    CHECK(nearest_choice("MASTER|BACKUP", "MATSER") == "MASTER");
}

namespace {

// What stands where no single value holds: said to people, of no type.
bool is_prose(std::string_view text) {
    // There is none, or it is found out at run time.
    static const std::set<std::string_view> kPlain{"",
                                                   "none",
                                                   "required",
                                                   "required, here or after the word to",
                                                   "off",
                                                   "all",
                                                   "any",
                                                   "time",
                                                   "unlimited",
                                                   "per checker type",
                                                   "kernel's",
                                                   "kernel choice",
                                                   "library default",
                                                   "system default",
                                                   "the parent's",
                                                   "the RFC's",
                                                   "primary address of interface",
                                                   "auto detect",
                                                   "/32 or /128",
                                                   "not created; value 0",
                                                   "keepalived (18)",
                                                   "exact when params given",
                                                   "probe MII, then ETHTOOL, then IOCTL"};
    // Another keyword's value, or that of a block around it; or one that depends on the rest.
    static constexpr std::string_view kInherited[]{
        "value of the ",  "weight of the ", "port of the ",   "address of the ", "family from the ",
        "delay_loop of ", "that of ",       "the checker's ", "real server's",   "sync group's",
        "as SMTP_CHECK",  "global ",        "from vrrp_",     "vrrp_",           "smtp_alert",
        "snmp_vs_",       "interval",       "strict mode",    "255 IPv4",        "IPv6: ",
        "3 x advert_int", "counts down ",   "absent = off",   "unset (",         "off; "};
    const auto begins = [&](std::string_view start) { return text.starts_with(start); };
    return kPlain.contains(text) || std::ranges::any_of(kInherited, begins);
}

bool has_typed_value(const KeywordSpec& row) {
    switch (row.args.takes) {
        case Takes::Bool:
        case Takes::Integer:
        case Takes::Seconds:
        case Takes::WholeSeconds:
        case Takes::Millis:
        case Takes::Duration:
        case Takes::OneOf:
        case Takes::Address:
        case Takes::Prefix:
        case Takes::NumberList:
            return true;
        default:
            return false;
    }
}

class FirstStatement final : Lexer::Listener {
public:
    explicit FirstStatement(std::string_view text) {
        Lexer lexer{text, *this};
        lexer.next(statement);
    }
    Statement statement;

private:
    bool wants_argument(std::span<const Token>) override { return false; }
    void found(const LexFinding&) override {}
};

// "0 (off); 99 without value": the value ends where an explanation begins.
std::string_view value_part(std::string_view text) {
    const std::size_t end = std::min(text.find(" ("), text.find(';'));
    return text.substr(0, end);
}

// The row's default, typed as a value of the keyword is. None where the default is prose.
std::optional<KeywordData> default_value(const KeywordSpec& row) {
    const std::string_view text = value_part(row.default_text);
    const Takes takes = row.args.takes;
    const bool switched = takes == Takes::Flag || takes == Takes::Bool;
    if (switched && (text == "off" || text == "on")) return KeywordData{text == "on"};
    if (text.empty() || takes == Takes::Flag || is_block(takes) || takes == Takes::Line || takes == Takes::Entry)
        return std::nullopt;
    // A word says nothing of whether it is meant as it stands.
    if (takes == Takes::Word || takes == Takes::Command) return std::nullopt;
    const std::string line = "default " + std::string{text};
    const FirstStatement written{line};
    const Environment environment;
    const Snapshot snapshot;
    ParseContext quiet{environment, snapshot};
    KeywordSpec wide = row;
    wide.args.low = std::min<std::int64_t>(row.args.low, 0);  // 0 may stand for none where it cannot be written
    Value value{.row = wide, .statement = written.statement};
    const bool read = read_value(quiet, value) && quiet.diag.entries().empty();
    if (!read || value.stop != written.statement.words.size()) return std::nullopt;
    return data_of(value);
}

}  // namespace

TEST_CASE("a default is a value of the keyword, within its range, or one of few words that say why there is none") {
    for (const auto table : schema())
        for (const KeywordSpec& row : table) {
            if (!has_typed_value(row) || is_prose(row.default_text)) continue;
            INFO(row.name, ": ", row.default_text);
            CHECK(default_value(row).has_value());
        }
}

TEST_CASE("a default is had as a value in the unit of the keyword") {
    CHECK(default_value(*find_row(Block::Root, "child_wait_time")) == KeywordData{mainstay::Micros{5'000'000}});
    CHECK(default_value(*find_row(Block::Bfd, "min_tx")) == KeywordData{mainstay::Micros{10'000}});
    CHECK(default_value(*find_row(Block::Bfd, "multiplier")) == KeywordData{std::int64_t{5}});
    CHECK(default_value(*find_row(Block::GlobalDefs, "umask")) == KeywordData{std::int64_t{0177}});
    CHECK(default_value(*find_row(Block::GlobalDefs, "max_auto_priority")) == KeywordData{std::int64_t{0}});
    CHECK(default_value(*find_row(Block::GlobalDefs, "enable_dbus")) == KeywordData{false});
    CHECK(default_value(*find_row(Block::AuthHmac, "anti_replay")) == KeywordData{WordList{"time"}});
    CHECK(default_value(*find_row(Block::Instance, "virtual_router_id")) == std::nullopt);
}

TEST_CASE("every word of a line has a type, and every line knows its words") {
    for (std::size_t b = 0; b < static_cast<std::size_t>(Block::kCount); ++b)
        for (const KeywordSpec* row : rows_of(static_cast<Block>(b))) {
            if (row->args.takes != Takes::Line && row->args.takes != Takes::Entries) continue;
            CAPTURE(row->name);
            CHECK((positions_of(row->args.opens).size() + options_of(row->args.opens).size()) > 0);
        }
}

namespace {

// The range that a form names, `0.5..60` for example, in the unit of the keyword's type.
std::optional<std::pair<double, double>> range_in(std::string_view form) {
    static const std::regex kRange{R"((-?[0-9]+(?:\.[0-9]+)?)\.\.(-?[0-9]+(?:\.[0-9]+)?))"};
    std::cmatch found;
    if (!std::regex_search(form.data(), form.data() + form.size(), found, kRange)) return std::nullopt;
    return std::pair{std::stod(found[1]), std::stod(found[2])};
}

std::optional<double> unit_of(const KeywordSpec& row) {
    switch (row.args.takes) {
        case Takes::Integer:
        case Takes::WholeSeconds:
            return 1;
        case Takes::Seconds:
            return 1'000'000;
        case Takes::Millis:
            return 1'000;
        default:
            return std::nullopt;
    }
}

}  // namespace

TEST_CASE("a number's range is from its least to its most, and the one that its form names") {
    int compared = 0;
    std::vector<const KeywordSpec*> rows;
    for (const auto table : schema())
        for (const KeywordSpec& row : table) rows.push_back(&row);
    for (const KeywordSpec* each : rows) {
        const KeywordSpec& row = *each;
        const auto unit = unit_of(row);
        if (!unit) continue;
        CAPTURE(row.name);
        CHECK(row.args.low <= row.args.high);
        auto named = range_in(row.form);
        // Taken by the table in a wider range: their setters bound them, and say what is used instead.
        if (row.name.ends_with("_rt_priority")) continue;
        if (row.form.contains("-253..253") && row.args.low != -253) named = {-254, 254};
        if (!named) continue;
        CHECK(static_cast<double>(row.args.low) == doctest::Approx(named->first * *unit));
        CHECK(static_cast<double>(row.args.high) == doctest::Approx(named->second * *unit));
        ++compared;
    }
    CHECK(compared > 100);
}
