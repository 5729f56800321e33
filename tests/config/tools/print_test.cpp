#include "mainstay/config/tools/print.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "../../temporary_folder.hpp"
#include "mainstay/config/diagnostics/codes.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/config/schema/schema.hpp"
#include "nowhere.hpp"

using namespace mainstay::config;
using testing::kNowhere;
namespace fs = std::filesystem;

namespace {

Loaded load_here(const std::string& text) { return load_text("x.conf", text, kNowhere); }

// What is said of a text, apart from what printing repairs: deprecated names, // comments, a byte order mark.
std::vector<int> codes_of(const Loaded& loaded) {
    std::vector<int> codes;
    for (const auto& d : loaded.diagnostics)
        if (d.code != static_cast<int>(Code::Deprecated) && d.code != static_cast<int>(Code::SlashComment) &&
            d.code != static_cast<int>(Code::ByteOrderMark))
            codes.push_back(d.code);
    std::ranges::sort(codes);
    return codes;
}

void check_same(const std::string& text) {
    const std::string printed = print(text);
    CAPTURE(printed);
    const Loaded before = load_here(text), after = load_here(printed);
    CHECK(before.config == after.config);
    CHECK(codes_of(before) == codes_of(after));
    CHECK(print(printed) == printed);
}

std::size_t check_folder(const fs::path& folder) {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator{folder}) {
        if (!entry.is_regular_file() || entry.path().extension() != ".conf") continue;
        CAPTURE(entry.path());
        check_same(mainstay::test::text_of(entry.path()));
        ++count;
    }
    return count;
}

// Random files: keywords of the schema with values that they take, laid out as carelessly as people do.
class Generator {
public:
    explicit Generator(std::uint32_t seed) : random_{seed} {}

    std::string file() {
        out_.clear();
        out_ += "global_defs" + open();
        keywords(Block::GlobalDefs, 2);
        out_ += close() + "vrrp_script chk {\nscript \"/bin/true  a\"\n";
        keywords(Block::Script, 1);
        out_ += close();
        for (int n = 0, count = pick(0, 3); n < count; ++n) {
            out_ += "vrrp_instance VI_" + std::to_string(n) + open() + "interface eth0\nvirtual_router_id " +
                    std::to_string(n + 1) + end() + "virtual_ipaddress {\n10.0." + std::to_string(n) + ".1/24" + end() +
                    close();
            keywords(Block::Instance, 2);
            out_ += close();
        }
        for (int n = 0, count = pick(0, 3); n < count; ++n) {
            out_ += "virtual_server 10.1.0." + std::to_string(n + 1) + " 80" + open();
            keywords(Block::Service, 1);
            for (int s = 0; s < n + 1; ++s) {
                out_ += "real_server 10.2.0." + std::to_string(s + 1) + "  80" + open();
                keywords(Block::RealServer, 2);
                out_ += close();
            }
            out_ += close();
        }
        return out_;
    }

private:
    int pick(int low, int high) { return std::uniform_int_distribution{low, high}(random_); }
    template <class T>
    const T& one_of(const std::vector<T>& list) {
        return list[static_cast<std::size_t>(pick(0, static_cast<int>(list.size()) - 1))];
    }

    std::string blank() { return one_of<std::string>({" ", "  ", "\t", " \t "}); }
    std::string end() {
        return one_of<std::string>({"\n", "\n", "\n\n\n", "  \r\n", "  # said {\n", " ! said }\n", " // said\n",
                                    "\n# a line of its own\n", "\n  // a line of its own\n"});
    }
    std::string open() { return one_of<std::string>({" {\n", "{\n", "\n{\n", " # here\n{ ", "\t{ // there\n", " { "}); }
    std::string close() { return one_of<std::string>({"}\n", "\n}\n", "  } # end\n\n", "\n\n} "}); }

    void keywords(Block block, int depth) {
        const auto rows = rows_of(block);
        for (int n = pick(0, 12); n > 0; --n)
            keyword(*rows[static_cast<std::size_t>(pick(0, static_cast<int>(rows.size()) - 1))], depth);
    }

    void keyword(const KeywordSpec& row, int depth) {
        out_ += blank() + std::string{row.name};
        const auto takes = row.args.takes;
        if (takes == Takes::Opens || takes == Takes::Entries || takes == Takes::Items) {
            for (int n = 0; n < row.args.words_min; ++n) out_ += blank() + word();
            out_ += open();
            if (takes == Takes::Opens && depth > 0) keywords(row.args.opens, depth - 1);
            if (takes == Takes::Entries || takes == Takes::Items)
                for (int n = pick(0, 3); n > 0; --n) out_ += word() + end();
            out_ += "\n" + close();
            return;
        }
        out_ += blank() + value(row) + end();
    }

    std::string word() {
        return one_of<std::string>({"10.3.0.1", "10.3.0.2/24 dev eth1", "2001:db8::1", "eth1", "chk", "chk weight -20",
                                    "\"two words\"", "a@example.com", "rr", "DR", "TCP", "VI_0", "odd\\#word", "50"});
    }

    std::string value(const KeywordSpec& row) {
        const auto within = [&](std::int64_t unit, std::int64_t most) {
            const std::int64_t high = std::min(row.args.high / unit, most), low = row.args.low / unit;
            return std::uniform_int_distribution<std::int64_t>{low, std::max(low, high)}(random_);
        };
        switch (row.args.takes) {
            case Takes::Flag:
                return {};
            case Takes::Bool:
                return one_of<std::string>({"", "on", "off", "yes", "false"});
            case Takes::Integer:
            case Takes::WholeSeconds:
                return one_of<std::string>({"", "0", "00"}) + std::to_string(within(1, 300));
            case Takes::Seconds:
                return std::to_string(within(1'000'000, 300)) +
                       one_of<std::string>({"", ".0", ".50", ".000000", ".0000000", ".", "x"});
            case Takes::Millis:
                return std::to_string(within(1'000, 300)) + one_of<std::string>({"", ".0", ".500", ".5000"});
            case Takes::OneOf: {
                const std::string choices{row.args.choices};
                return choices.substr(0, choices.find('|'));
            }
            case Takes::Address:
                return "10.4.0." + std::to_string(pick(1, 9));
            case Takes::Command:
                return one_of<std::string>(
                    {"\"/bin/true  a 'b  c'\" root", "/bin/true", "'/bin/sh -c  \"x  y\"'  root  root"});
            default:
                return word();
        }
    }

    std::mt19937 random_;
    std::string out_;
};

}  // namespace

TEST_CASE("what is no plain number stays as it was written") {
    for (const char* word : {"1.x0", "x.50", "1.", ".50", "-1.50", "1.0000000"}) {
        CAPTURE(word);
        const std::string written = fmt::format("vrrp_instance V {{\n    advert_int {}\n}}\n", word);
        CHECK(print(written) == written);
    }
}

TEST_CASE("the course's careless layout comes out canonical, with its comments") {
    CHECK(print("vrrp_instance VI_1 //the pair\n"
                "{\n"
                "\tstate MASTER\n"
                "# where it is\n"
                "    interface   eth0     !the only one\n"
                "virtual_ipaddress { 192.168.4.15 } //the VIP\n"
                "\n\n\n"
                "  advert_int 01.50\r\n"
                "notify \"/bin/x  'a  b'\"   root\n"
                "}\n"
                "virtual_server 192.168.4.15 80 { real_server 192.168.4.2 80 { weight 007 } }\n"
                "\n"
                "# the end") ==
          "vrrp_instance VI_1 {  # the pair\n"
          "    state MASTER\n"
          "    # where it is\n"
          "    interface eth0  !the only one\n"
          "    virtual_ipaddress {\n"
          "        192.168.4.15\n"
          "    }  # the VIP\n"
          "\n"
          "    advert_int 1.5\n"
          "    notify \"/bin/x  'a  b'\"   root\n"
          "}\n"
          "virtual_server 192.168.4.15 80 {\n"
          "    real_server 192.168.4.2 80 {\n"
          "        weight 7\n"
          "    }\n"
          "}\n"
          "\n"
          "# the end\n");
}

TEST_CASE("deprecated names give way to their successors") {
    CHECK(print("vrrp_sync_group G {\nglobal_tracking\n}\n") ==
          "vrrp_sync_group G {\n    sync_group_tracking_weight\n}\n");
    CHECK(print("global_defs {\nvrrp_rlimit_rtime 5\n}\n") == "global_defs {\n    vrrp_rlimit_rtime 5\n}\n");
}

TEST_CASE("definitions, conditional lines and repetitions are only indented") {
    const std::string text =
        "$VIP=10.0.0.1\n"
        "$BOTH=  a 1 \\\n"
        "        b {  2 \\\n"
        "   }\n"
        "@main vrrp_instance A {\n"
        "@spare   vrrp_instance B {\n"
        "    state ${STATE}\n"
        "    @main priority  100\n"
        "    $BOTH\n"
        "}\n"
        "include  /etc/more/*.conf\n";

    CHECK(print("  " + text) == std::string{text}.replace(text.find("include  "), 9, "include "));
}

TEST_CASE("what cannot be read stays to be reported") {
    CHECK(print("router_id \"open\nnonsense   here\n}\n}\n") == "router_id \"open\nnonsense here\n}\n}\n");
    CHECK(print("\xEF\xBB\xBFglobal_defs\n{\n}\n") == "global_defs {\n}\n");
    const std::string long_line(1100, 'x');
    CHECK(print(long_line + "\na b\n") == long_line + "\na b\n");
    CHECK(print("") == "");
}

TEST_CASE("a block whose brace is missing is indented like the others") {
    CHECK(print("vrrp_instance VI_1\ninterface eth0\nauthentication {\nauth_type PASS\n}\n}\n") ==
          "vrrp_instance VI_1\n    interface eth0\n    authentication {\n        auth_type PASS\n    }\n}\n");
}

TEST_CASE("a line that indentation would make too long is not indented") {
    const std::string comment = "# " + std::string(1020, 'c'), keyword = "router_id " + std::string(1010, 'r');
    CHECK(print("global_defs {\n" + comment + "\n" + keyword + "\n}\n") ==
          "global_defs {\n" + comment + "\n" + keyword + "\n}\n");
}

TEST_CASE("a line of 1023 bytes is still written as others are, and no blank line stands before a brace that closes") {
    const std::string name(1013, 'r');
    CHECK(print("router_id\t" + name + "\n") == "router_id " + name + "\n");
    CHECK(print("global_defs {\n\n    router_id a\n\n    lvs_flush\n\n}\n") ==
          "global_defs {\n    router_id a\n\n    lvs_flush\n}\n");
}

TEST_CASE("every example means the same after printing") {
    CHECK(check_folder(MAINSTAY_TEST_DATA) >= 9);
    // A larger collection, where it lies beside the checkout.
    const fs::path corpus{MAINSTAY_SHARED "/corpus"};
    if (fs::exists(corpus)) CHECK(check_folder(corpus) > 0);
}

TEST_CASE("random files mean the same after printing") {
    std::size_t instances = 0, services = 0, addresses = 0, scripts = 0;
    for (std::uint32_t seed = 1; seed <= 400; ++seed) {
        CAPTURE(seed);
        const std::string text = Generator{seed}.file();
        CAPTURE(text);
        check_same(text);
        const Loaded loaded = load_here(text);
        instances += loaded.config.instances.size();
        services += loaded.config.virtual_servers.size();
        scripts += loaded.config.scripts.size();
        for (const auto& i : loaded.config.instances) addresses += i.addresses.size();
    }
    // They are not refused as a whole.
    CHECK(instances > 200);
    CHECK(services > 50);
    CHECK(addresses > 100);
    CHECK(scripts > 5);
}

TEST_CASE("a byte order mark within the text stays part of its word") {
    const std::string bom = "\xEF\xBB\xBF";

    CHECK(print("    " + bom + "state MASTER\n") == " " + bom + "state MASTER\n");
    CHECK(print(" " + bom + "state MASTER\n") == " " + bom + "state MASTER\n");
    CHECK(print("$A=1\n   " + bom + "state MASTER\n") == "$A=1\n" + bom + "state MASTER\n");
    CHECK(print("$A=1\n" + bom + "state MASTER\n") == "$A=1\n" + bom + "state MASTER\n");
    CHECK(print(bom + "state MASTER\n") == "state MASTER\n");
}

TEST_CASE("a // comment between a block's name and its brace stays, and one behind the brace does not") {
    CHECK(print("vrrp_instance VI_1\n// a\n{\n// b\nstate MASTER\n}\n") ==
          "vrrp_instance VI_1\n// a\n{\n    # b\n    state MASTER\n}\n");
}
