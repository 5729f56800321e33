#include <doctest/doctest.h>

#include <algorithm>

#include "bench.hpp"
#include "mainstay/config/members.hpp"
#include "mainstay/record/secrets.hpp"
#include "mainstay/wire/vrrp_auth.hpp"

using namespace mainstay;
using namespace mainstay::record;
using namespace mainstay::record::test;

namespace {

constexpr const char* kPassword = "s3cret!";
const IpAddress kSource = IpAddress::v4(0x0a00'0002), kGroup = IpAddress::v4(0xe000'0012);
constexpr const char* kKey = "0123456789abcdef0123456789abcdef";

bool holds(std::span<const std::byte> bytes, std::string_view text) {
    return !std::ranges::search(bytes, std::as_bytes(std::span{text})).empty();
}

config::Config with_password(config::AuthType type) {
    auto config = director();
    config.instances[0].auth_type = type;
    config.instances[0].auth_pass = kPassword;
    config.instances[0].notify.master.edit().argv = {"/etc/up", "token"};
    return config;
}

config::Config with_key() {
    auto config = director();
    config.instances[0].version = 3;
    config::Section key{.keyword = "key", .names = {}, .values = {}, .sections = {}};
    key.values = {{"id", std::int64_t{1}}, {"secret", config::WordList{kKey}}};
    config::Section block{.keyword = "auth_hmac", .names = {}, .values = {}, .sections = {key}};
    block.values = {{"active_key", std::int64_t{1}}};
    config.instances[0].more.edit().sections.push_back(block);
    return config;
}

std::vector<std::byte> without(Secrets& secrets, std::span<const std::byte> payload) {
    const auto blank = secrets.without(heard(payload));
    return {blank.payload.begin(), blank.payload.end()};
}

// Takes over, hears the other director twice (once with another password), and stops.
Bench whole_life(config::Config config, std::span<const std::byte> right, std::span<const std::byte> wrong) {
    Bench bench{1U << 20, std::move(config)};
    bench.give(vrrp::ClockTold{WallTime{1'700'000'000'000'000}});
    bench.start();
    bench.pass(10s);
    bench.intents(bench.give(heard(wrong)));
    bench.now += 10ms;
    bench.give(vrrp::ClockTold{WallTime{1'700'000'010'000'000}});
    bench.intents(bench.give(heard(right)));
    bench.pass(20s);
    bench.intents(bench.give(vrrp::Shutdown{}));
    return bench;
}

void is_identical_and_holds_no(const Bench& bench, std::string_view secret) {
    const auto outcome = replay(bench.record(), Bench::kVersion, {});
    REQUIRE(outcome);
    CHECK_FALSE(outcome->difference);
    CHECK(outcome->intents == bench.seen);
    CHECK_FALSE(holds(bench.file().value(), secret));
    CHECK_FALSE(holds(std::as_bytes(std::span{bench.memory}), secret));
}

}  // namespace

TEST_CASE("the configuration in a record has no secrets and no notify scripts") {
    Secrets secrets;
    const auto blank = encode(secrets.without(with_password(config::AuthType::Pass)));
    CHECK_FALSE(holds(blank, kPassword));
    CHECK_FALSE(holds(blank, "token"));
    CHECK_FALSE(holds(encode(secrets.without(with_key())), kKey));
}

TEST_CASE("a right password stays right, a wrong one wrong, and a wrong checksum too") {
    Secrets secrets;
    const auto blank = secrets.without(with_password(config::AuthType::Pass));
    const std::string stand_in = blank.instances[0].auth_pass;
    CHECK(without(secrets, advert(51, 200, kPassword)) == advert(51, 200, stand_in));
    const auto stranger = without(secrets, advert(51, 200, "another"));
    CHECK_FALSE(holds(stranger, "another"));
    CHECK(stranger != advert(51, 200, stand_in));
    CHECK(wire::vrrp_checksum_right(stranger, kSource, kGroup));
    auto damaged = advert(51, 200, kPassword);
    damaged[6] ^= std::byte{1};
    CHECK_FALSE(wire::vrrp_checksum_right(without(secrets, damaged), kSource, kGroup));
    CHECK(without(secrets, advert(51, 200)) == advert(51, 200));
}

TEST_CASE("of a packet that cannot be read only the header is kept, with its length") {
    Secrets secrets;
    (void)secrets.without(with_password(config::AuthType::Pass));
    auto payload = advert(51, 200, kPassword);
    payload[3] = std::byte{9};  // addresses
    const auto blank = without(secrets, payload);
    CHECK(blank.size() == payload.size());
    CHECK_FALSE(holds(blank, kPassword));
    CHECK(std::ranges::all_of(std::span{blank}.subspan(8), [](std::byte b) { return b == std::byte{0}; }));
}

TEST_CASE("with auth_type PASS a record replays identically without the password") {
    const auto bench =
        whole_life(with_password(config::AuthType::Pass), advert(51, 200, kPassword), advert(51, 200, "another"));
    is_identical_and_holds_no(bench, kPassword);
}

TEST_CASE("with auth_hmac a record replays identically without the key") {
    wire::VrrpPacket packet{.version = 3, .virtual_router_id = 51, .priority = 200, .interval = 1s};
    packet.addresses = {IpAddress::v4(0x0a09'0001)};
    const auto plain = wire::encode_vrrp(packet, kSource, kGroup);
    const wire::AuthTrailer trailer{.key_id = 1, .sequence = std::uint64_t{1'700'000'010} << 32};
    const auto right =
        wire::encode_trailer(plain, trailer, kSource, kGroup, std::as_bytes(std::span{std::string_view{kKey}}));
    auto wrong = right;
    wrong.back() ^= std::byte{1};
    is_identical_and_holds_no(whole_life(with_key(), right, wrong), kKey);
}

TEST_CASE("with auth_type AH a record replays identically without the password") {
    std::array<std::byte, 8> key{};
    std::ranges::copy(std::as_bytes(std::span{std::string_view{kPassword}}), key.begin());
    wire::VrrpPacket packet{.version = 2, .virtual_router_id = 51, .priority = 200, .auth_type = 2, .interval = 1s};
    packet.addresses = {IpAddress::v4(0x0a09'0001)};
    const auto payload = wire::encode_ah({.source = kSource, .destination = kGroup, .sequence = 7, .key = key},
                                         wire::encode_vrrp(packet, kSource, kGroup));
    std::array<std::byte, 20> ip{};
    ip[0] = std::byte{0x45};
    const std::size_t length = ip.size() + payload.size();
    ip[2] = static_cast<std::byte>(length >> 8);
    ip[3] = static_cast<std::byte>(length & 0xff);
    ip[5] = std::byte{1};
    ip[8] = std::byte{255};
    ip[9] = std::byte{wire::kAhProtocol};
    std::ranges::copy(kSource.bytes(), ip.begin() + 12);
    std::ranges::copy(kGroup.bytes(), ip.begin() + 16);
    REQUIRE(wire::ah_right(ip, payload, key));

    Bench bench{1U << 20, with_password(config::AuthType::Ah)};
    bench.give(vrrp::ClockTold{WallTime{1'700'000'000'000'000}});
    bench.start();
    bench.pass(10s);
    auto packet_heard = heard(payload);
    packet_heard.protocol = wire::kAhProtocol;
    packet_heard.ip_header = ip;
    const auto yields = bench.give(packet_heard);
    CHECK(std::ranges::any_of(yields, [](const auto& i) { return std::holds_alternative<vrrp::RemoveAddresses>(i); }));
    bench.intents(yields);
    bench.pass(20s);
    is_identical_and_holds_no(bench, kPassword);
}
