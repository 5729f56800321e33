#include "cli/reference.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <set>

#include "mainstay/config/diagnostics/codes.hpp"
#include "mainstay/config/load.hpp"

using namespace mainstay;
using config::Block;

namespace {

const config::KeywordSpec& row_in(Block block, const char* name) {
    const config::KeywordSpec* row = config::find_row(block, name);
    REQUIRE(row != nullptr);
    return *row;
}

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const auto& line : lines) text += line + "\n";
    return text;
}

}  // namespace

TEST_CASE("a keyword is explained with meaning, range, default, place and example") {
    CHECK(cli::explain("advert_int") ==
          "advert_int <seconds 0.01..255, decimals to 1us>\n"
          "  Advert interval; v2 rounded to whole seconds, v3 max 40.95 in 10ms units.\n"
          "\n"
          "  takes       seconds, up to six decimals, 0.01 to 255\n"
          "  default     1\n"
          "  allowed in  vrrp_instance\n"
          "  acts        yes\n"
          "  example     vrrp_instance VI_1 {\n"
          "                  advert_int 1\n"
          "              }\n");
    CHECK(cli::explain("vrrp_garp_extra_if").value().find("  default     ") != std::string::npos);
    CHECK(cli::explain("lvs_flush_onstop").value().find("  deprecated  write lvs_flush_on_stop\n") !=
          std::string::npos);
    CHECK(cli::explain("xyzzy") == std::nullopt);
    CHECK(cli::explain("") == std::nullopt);
}

TEST_CASE("a keyword that several blocks know is explained once for each meaning") {
    const std::string text = cli::explain("interface").value();
    CHECK(text.find("allowed in  vrrp_instance\n") != std::string::npos);
    CHECK(cli::places_of("retry").size() > 1);
    CHECK(cli::places_of("TCP_CHECK/retry").size() == 1);
    CHECK(cli::places_of("CHECK/retry").empty());
}

TEST_CASE("the nearest keyword is looked for in all blocks") {
    CHECK(cli::nearest_of_all("virtual_ipadress") == "virtual_ipaddress");
    CHECK(cli::nearest_of_all("TCP_CHEK") == "TCP_CHECK");
    CHECK(cli::nearest_of_all("vrrp_instance/priorty") == "priority");
    CHECK(cli::nearest_of_all("xyzzyxyzzy") == "");
}

TEST_CASE("ranges are reported with their unit") {
    CHECK(cli::takes_text(row_in(Block::Instance, "priority")) == "a whole number, 1 to 255");
    CHECK(cli::takes_text(row_in(Block::Instance, "dont_track_primary")) == "nothing");
    CHECK(cli::takes_text(row_in(Block::TcpCheck, "connect_timeout")) ==
          "seconds, up to six decimals, 0.000001 to 4294.967295");
    CHECK(cli::takes_text(row_in(Block::Instance, "mcast_src_ip")) == "an IP address");
}

TEST_CASE("a keyword in a block that does not act does not act either") {
    CHECK(cli::acts_in({&row_in(Block::Instance, "priority"), Block::Instance}));
    CHECK(cli::acts_in({&row_in(Block::TcpCheck, "retry"), Block::TcpCheck}));
    config::KeywordSpec idle = row_in(Block::Instance, "priority");
    idle.set = nullptr;
    idle.from_store = false;
    CHECK_FALSE(cli::acts_in({&idle, Block::Instance}));
}

TEST_CASE("an example shows the blocks around it") {
    CHECK(joined(cli::example_of({&row_in(Block::TcpCheck, "connect_port"), Block::TcpCheck})) ==
          "virtual_server 192.0.2.10 80 {\n"
          "    real_server 192.0.2.21 80 {\n"
          "        TCP_CHECK {\n"
          "            connect_port 10\n"
          "        }\n"
          "    }\n"
          "}\n");
    CHECK(joined(cli::example_of({&row_in(Block::Root, "vrrp_script"), Block::Root})) ==
          "vrrp_script check_haproxy {\n"
          "}\n");
}

// What stands in an example, people will write: none may hold a slip.
TEST_CASE("every example is understood where it stands") {
    using config::Code;
    // What an example of one line cannot help: the rest of its block is missing, or the keyword does not act.
    static const std::set<Code> kExpected{Code::NotActedOn, Code::Deprecated, Code::EmptyBlock};
    for (std::size_t b = 0; b < static_cast<std::size_t>(Block::kCount); ++b) {
        const auto block = static_cast<Block>(b);
        if (block == Block::Language) continue;  // its examples are lines around statements that are not shown
        const auto keywords = config::rows_of(block);
        std::vector<const config::KeywordSpec*> rows{keywords.begin(), keywords.end()};
        for (const auto table : config::schema())
            for (const auto& row : table)
                if (config::is_word_of_line(row) && row.blocks.has(block)) rows.push_back(&row);
        for (const config::KeywordSpec* row : rows) {
            if (row->name == "as") continue;  // refused with an error wherever it stands
            const std::string text = joined(cli::example_of({row, block}));
            CAPTURE(text);
            const auto loaded = config::load_text("example", text, {});
            for (const auto& diagnostic : loaded.diagnostics) {
                const auto code = static_cast<Code>(diagnostic.code);
                const bool of_values = diagnostic.code >= 100 && diagnostic.code <= 213;
                if (of_values && !kExpected.contains(code)) CHECK(config::render_line(diagnostic, loaded) == "");
            }
        }
    }
}

TEST_CASE("every keyword is explained with meaning, argument, default, place and example") {
    for (const auto keyword : cli::all_keywords()) {
        CAPTURE(keyword);
        const auto text = cli::explain(keyword);
        REQUIRE(text);
        std::set<const config::KeywordSpec*> rows;
        std::set<const config::KeywordSpec*> parts;  // words of a part of a line: the whole line shows them
        for (const auto& place : cli::places_of(keyword)) {
            rows.insert(place.row);
            if (cli::example_of(place).empty()) parts.insert(place.row);
            if (cli::example_of(place).empty()) CHECK(config::is_word_of_line(*place.row));
            CHECK_FALSE(place.row->help.empty());
        }
        for (const char* part : {"takes", "default", "allowed in", "acts", "example"}) {
            CAPTURE(part);
            const std::string line = fmt::format("\n  {:<12}", part);
            std::size_t count = 0;
            for (std::size_t at = text->find(line); at != std::string::npos; at = text->find(line, at + 1)) ++count;
            CHECK(count == rows.size() - (std::string_view{part} == "example" ? parts.size() : 0));
        }
    }
}

TEST_CASE("tables escape what Markdown would take for its own") {
    const std::string text = cli::reference_markdown();
    CHECK(text.find("### vrrp_instance\n\n| keyword | default | acts | meaning |\n") != std::string::npos);
    CHECK(text.find("| `state MASTER\\|BACKUP` |") != std::string::npos);
    CHECK(text.find("`use_vmac") != std::string::npos);
}

TEST_CASE("the man page's part holds no line that troff would take for a request") {
    const std::string text = cli::reference_roff();
    CHECK(text.find(".TP\n.BI \"priority\" \" <int 1..255>\"\n") != std::string::npos);
    CHECK(text.find("\\-nodad") != std::string::npos);
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; ++at)
        if (at + 1 < text.size() && text[at + 1] == '.') {
            CAPTURE(text.substr(at + 1, 40));
            const std::string_view request{text.data() + at + 1, 3};
            CHECK((request == ".SS" || request == ".TP" || request == ".BI"));
        }
}
