// auth_hmac: which keys are used, where they come from, and what strict mode and vrrp_min_garp make of the rest.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "mainstay/config/load.hpp"

using namespace mainstay;
using namespace mainstay::config;

namespace {

const std::string kSecret = "a secret of thirty-two bytes, 01";

Loaded with_hmac(const std::string& block, const std::string& more = {}) {
    return load_text("x.conf",
                     "vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n version 3\n " + block +
                         "\n virtual_ipaddress {\n 10.9.9.9\n }\n}\n" + more,
                     {});
}
std::vector<std::string> messages(const Loaded& loaded) {
    std::vector<std::string> all;
    for (const auto& d : loaded.diagnostics) all.push_back(d.message);
    return all;
}
// The secret of the first key as the vrrp role is given it.
std::string secret_of(const Loaded& loaded) {
    const Section* block = find_section(loaded.config.instances.at(0).more->sections, KeywordName{"auth_hmac"});
    if (block == nullptr || block->sections.empty()) return "";
    return value_of<WordList>(block->sections.front().values, KeywordName{"secret"}).value_or(WordList{""}).front();
}

struct KeyFile {
    explicit KeyFile(const std::string& text, std::filesystem::perms perms = std::filesystem::perms::owner_read) {
        std::ofstream{path} << text;
        std::filesystem::permissions(path, perms);
    }
    ~KeyFile() { std::filesystem::remove(path); }
    std::string path = (std::filesystem::temp_directory_path() / "mainstay_hmac_test.key").string();
};

}  // namespace

TEST_CASE("a key in the text is kept, one in a file is read, and its last line end is no part of it") {
    CHECK(secret_of(with_hmac("auth_hmac {\n key 1 \"" + kSecret + "\"\n active_key 1\n }")) == kSecret);
    const KeyFile file{kSecret + "\n"};
    const Loaded loaded = with_hmac("auth_hmac {\n key 1 file:" + file.path + "\n active_key 1\n }");
    CHECK(loaded.diagnostics.empty());
    CHECK(secret_of(loaded) == "hex:6120736563726574206f66207468697274792d74776f2062797465732c203031");
}

TEST_CASE("a key file that others may read is used, and its exit code is that of unsafe things") {
    using std::filesystem::perms;
    const KeyFile file{kSecret, perms::owner_read | perms::group_read};
    const Loaded loaded = with_hmac("auth_hmac {\n key 1 file:" + file.path + "\n active_key 1\n }");
    CHECK(messages(loaded) ==
          std::vector<std::string>{"(VI_1) key file " + file.path + " can be read by its group or by everybody"});
    CHECK(loaded.exit_code() == 6);
    CHECK(secret_of(loaded).starts_with("hex:"));
}

TEST_CASE("keys of the wrong length or form, and an active_key without its key, are named and not used") {
    struct Row {
        const char* block;
        std::vector<std::string> reported;
    };
    const std::string none = "(VI_1) auth_hmac has no usable key 1, which active_key selects";
    const Row rows[] = {
        {"key 1 short\n active_key 1", {"(VI_1) key 1 of auth_hmac has 5 bytes; it needs 32 to 64", none}},
        {"key 1 hex:xyz\n active_key 1",
         {"(VI_1) key 1 of auth_hmac does not consist of pairs of hexadecimal digits", none}},
        {"key 1 file:/nowhere/key\n active_key 1",
         {"(VI_1) key 1 of auth_hmac cannot be read from /nowhere/key", none}},
        {"key 2 \"a secret of thirty-two bytes, 02\"", {"(VI_1) auth_hmac has no active_key"}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.block);
        const Loaded loaded = with_hmac(std::string{"auth_hmac {\n "} + row.block + "\n }");
        CHECK(messages(loaded) == row.reported);
        CHECK(secret_of(loaded).empty());
        CHECK(loaded.exit_code() == 5);
    }
}

TEST_CASE("a key has 32 to 64 bytes, wherever it comes from, and every digit counts for half a byte") {
    const auto used = [](const std::string& secret) {
        return with_hmac("auth_hmac {\n key 1 \"" + secret + "\"\n active_key 1\n }").diagnostics.empty();
    };
    for (const std::size_t size : {31U, 32U, 33U, 64U, 65U}) {
        CAPTURE(size);
        const bool fits = size >= 32 && size <= 64;
        CHECK(used(std::string(size, 'k')) == fits);
        CHECK(used("hex:" + std::string(2 * size, 'a')) == fits);
        const KeyFile file{std::string(size, 'k')};
        CHECK(used("file:" + file.path) == fits);
    }
    CHECK_FALSE(used("hex:" + std::string(65, 'a')));
    CHECK_FALSE(used("hex:" + std::string(63, 'a') + "g"));
    CHECK(used("hex:" + std::string(32, '0') + std::string(31, 'F') + "9"));
    const KeyFile empty{""};
    CHECK_FALSE(used("file:" + empty.path));
}

TEST_CASE("authentication does not go with auth_hmac, nor AH with IPv6") {
    const std::string hmac = "auth_hmac {\n key 1 \"" + kSecret + "\"\n active_key 1\n }\n";
    const Loaded both = load_text("x.conf",
                                  "vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n authentication {\n "
                                  "auth_type PASS\n auth_pass 1111\n }\n" +
                                      hmac + " virtual_ipaddress {\n 10.9.9.9\n }\n}\n",
                                  {});
    CHECK(messages(both) == std::vector<std::string>{"(VI_1) authentication cannot be combined with auth_hmac"});
    CHECK(both.config.instances[0].auth_type == AuthType::None);
    CHECK(both.config.instances[0].auth_pass.empty());
    const Loaded v6 =
        load_text("x.conf",
                  "vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n version 2\n "
                  "authentication {\n auth_type AH\n auth_pass 1111\n }\n virtual_ipaddress {\n fe80::9\n "
                  "}\n}\n",
                  {});
    CHECK(messages(v6) == std::vector<std::string>{"(VI_1) auth_type AH is for IPv4 only"});
}

TEST_CASE("vrrp_min_garp lowers what still has its default, and nothing else") {
    const Loaded loaded = with_hmac("", "global_defs {\n vrrp_min_garp\n vrrp_garp_master_delay 7\n}\n");
    const Instance& i = loaded.config.instances.at(0);
    CHECK(i.garp_master_repeat == 1);
    CHECK(i.garp_master_delay == Micros{7'000'000});
    CHECK(i.garp_lower_prio_repeat == 1);
    CHECK(i.garp_lower_prio_delay == Micros{7'000'000});  // as the master's
    CHECK(i.garp_master_refresh == Micros{0});
}

TEST_CASE("only the vrrp role is given the keys") {
    const Loaded loaded = with_hmac("auth_hmac {\n key 1 \"" + kSecret + "\"\n active_key 1\n }");
    CHECK(secret_of(loaded) == kSecret);
    for (const Audience audience : {Audience::Lvs, Audience::Observer}) {
        const Config part = slice(loaded.config, audience);
        for (const Instance& i : part.instances) {
            const Section* block = find_section(i.more->sections, KeywordName{"auth_hmac"});
            CHECK((block == nullptr || block->sections.empty()));
        }
    }
}
