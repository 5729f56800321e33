#include "mainstay/wire/credentials_file.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::wire;

namespace {

const std::string kHash(64, 'a');
std::string problem_of(const std::string& line) {
    const auto file = credentials_file(line);
    return file.problems.empty() ? "" : file.problems[0];
}

}  // namespace

TEST_CASE("a line names who may log in, as what, and with what") {
    const auto file = credentials_file("# comment\n\nprom read token:sha256:" + kHash +
                                       "\r\n  ana\toperate password:scrypt:16384:8:1:0011223344556677:" + kHash +
                                       " until=2026-11-22\n");

    CHECK(file.problems.empty());
    REQUIRE(file.credentials.size() == 2);
    CHECK(
        file.credentials[0] ==
        Credential{
            .name = "prom", .operate = false, .is_token = true, .salt = {}, .hash = std::vector(32, std::byte{0xaa})});
    const auto& ana = file.credentials[1];
    CHECK(ana.operate);
    CHECK_FALSE(ana.is_token);
    CHECK(ana.cost == 16384);
    CHECK(ana.block == 8);
    CHECK(ana.parallel == 1);
    CHECK(ana.salt.size() == 8);
    CHECK(ana.salt[7] == std::byte{0x77});
    CHECK(ana.until_unix_s == 1'795'392'000);  // 2026-11-23T00:00:00Z
}

TEST_CASE("a line that cannot be meant is left out and named") {
    CHECK(problem_of("a/b read token:sha256:" + kHash) ==
          "line 1: a name has 1 to 64 letters, digits, '.', '_' and '-'");
    CHECK(problem_of("\na write token:sha256:" + kHash) == "line 2: the role is read or operate");
    const std::string hash = "line 1: the hash is none that mainstayctl api credential makes";
    for (const std::string& bad :
         {std::string{"secret"}, "token:sha256:" + kHash + "a", "token:sha256:" + kHash.substr(2), "token:md5:" + kHash,
          "password:scrypt:16383:8:1:0011223344556677:" + kHash, "password:scrypt:262144:8:1:0011223344556677:" + kHash,
          "password:scrypt:131072:16:1:0011223344556677:" + kHash,
          "password:scrypt:16384:0:1:0011223344556677:" + kHash, "password:scrypt:16384:8:5:0011223344556677:" + kHash,
          "password:scrypt:16384:8:1:00112233445566:" + kHash,
          "password:scrypt:16384:8:1:0011223344556677:" + kHash + "00", std::string{"password:scrypt:16384"}}) {
        CAPTURE(bad);
        CHECK(problem_of("a read " + bad) == hash);
    }
    const std::string until = "line 1: behind the hash there is until=YYYY-MM-DD or nothing";
    for (const char* bad :
         {"until=", "until=2026-13-01", "until=2026-02-30", "until=26-01-01", "x", "until=2026-01-01 x"})
        CHECK(problem_of("a read token:sha256:" + kHash + " " + bad) == until);
    CHECK(problem_of("a read token:sha256:" + kHash + "\na read token:sha256:" + kHash) ==
          "line 2: the name is there already");
}

TEST_CASE("an address to listen at has a port") {
    CHECK(listening_endpoint("127.0.0.1:9112")->to_string() == "127.0.0.1:9112");
    CHECK(listening_endpoint("[::1]:9112")->to_string() == "[::1]:9112");
    for (const char* bad : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "::1:80", "[127.0.0.1]:80",
                            "localhost:80", ":80", "[::1]80", "127.0.0.1:8x"}) {
        CAPTURE(bad);
        CHECK_FALSE(listening_endpoint(bad).has_value());
    }
    CHECK(is_loopback(*IpAddress::parse("127.255.0.1")));
    CHECK(is_loopback(*IpAddress::parse("::1")));
    CHECK_FALSE(is_loopback(*IpAddress::parse("128.0.0.1")));
    CHECK_FALSE(is_loopback(*IpAddress::parse("::")));
    CHECK_FALSE(is_loopback(*IpAddress::parse("0.0.0.0")));
}
