#include "mainstay/config/schema.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <set>
#include <string>
#include <utility>

using namespace mainstay::config;

namespace {

using Names = std::set<std::pair<std::string, std::string>>;

Names all_rows() {
    Names names;
    for (const auto table : schema())
        for (const Row& row : table)
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
        for (const Row& row : table) {
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
