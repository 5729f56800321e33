#include "mainstay/vrrp/authentication.hpp"

#include <doctest/doctest.h>

#include "bench.hpp"
#include "mainstay/wire/vrrp_auth.hpp"

using namespace mainstay;
using namespace mainstay::vrrp;
using namespace mainstay::vrrp::test;

namespace {

constexpr std::int64_t kNow = 1'700'000'000'000'000;  // 2023-11-14, at t0

config::Instance ah_instance(std::uint8_t priority = 100) {
    auto c = instance(priority);
    c.auth_type = config::AuthType::Ah;
    c.auth_pass = "secret12";
    return c;
}

config::Instance hmac_instance(const char* mode = "enforce", const char* replay = "time", std::uint8_t active = 7) {
    auto c = instance();
    c.version = 3;
    config::Section block{.keyword = "auth_hmac"};
    block.values = {{"active_key", std::int64_t{active}},
                    {"anti_replay", config::WordList{replay}},
                    {"mode", config::WordList{mode}},
                    {"time_window", Micros{10'000'000}}};
    for (const std::int64_t id : {7, 8})
        block.sections.push_back({.keyword = "key",
                                  .values = {{"id", id},
                                             {"secret", config::WordList{id == 7 ? "a secret of thirty-two bytes, 07"
                                                                                 : "hex:" + std::string(64, '8')}}}});
    c.more.edit().sections.push_back(block);
    return c;
}

// Of a packet with an authentication header (protocol 51).
std::vector<std::byte> ipv4_header(const IpAddress& source, const IpAddress& destination, std::uint8_t ip_id,
                                   std::uint8_t ttl, std::size_t payload_bytes) {
    std::vector<std::byte> header(20);
    header[0] = std::byte{0x45};
    header[3] = static_cast<std::byte>(header.size() + payload_bytes);
    header[5] = std::byte{ip_id};
    header[8] = std::byte{ttl};
    header[9] = std::byte{51};
    std::ranges::copy(source.bytes(), header.begin() + 12);
    std::ranges::copy(destination.bytes(), header.begin() + 16);
    return header;
}

struct AuthBench {
    explicit AuthBench(const config::Instance& c) : bench{c} {
        deliver(t0);
        (void)bench.router.step(link(), t0);
        (void)bench.router.start(t0);
    }
    void deliver(Instant now) {
        (void)bench.router.step(ClockTold{{kNow + std::chrono::duration_cast<Micros>(now - t0).count()}}, now);
    }
    Intents hear_ah(std::uint32_t sequence, Instant now, std::uint8_t priority = 150, const char* key = "secret12",
                    const char* from = "10.0.0.2") {
        Peer peer{priority};
        peer.from(from).packet.auth_type = 2;
        const auto secret = std::as_bytes(std::span{std::string_view{key}});
        const wire::AhSeal seal{
            .source = peer.source, .destination = peer.destination, .ip_id = 9, .sequence = sequence, .key = secret};
        const auto payload = wire::encode_ah(seal, peer.bytes());
        const auto header = ipv4_header(peer.source, peer.destination, 9, 255, payload.size());
        return bench.router.step(PacketHeard{"eth0", peer.source, peer.destination, 255, payload, Nanos{0}, 51, header},
                                 now);
    }
    Intents hear_signed(wire::AuthTrailer trailer, Instant now,
                        std::string_view key = "a secret of thirty-two bytes, 07", const char* from = "10.0.0.2") {
        Peer peer{150};
        peer.v3(1s).from(from);
        const auto bytes =
            wire::encode_trailer(peer.bytes(), trailer, peer.source, peer.destination, std::as_bytes(std::span{key}));
        return bench.router.step(PacketHeard{"eth0", peer.source, peer.destination, 255, bytes}, now);
    }
    Bench bench;
};

// Seconds since 1970 in the upper half.
std::uint64_t stamp(std::int64_t after_seconds, std::uint64_t rest = 0) {
    return static_cast<std::uint64_t>(kNow / 1'000'000 + after_seconds) << 32 | rest;
}

}  // namespace

TEST_CASE("an AH instance believes a header made with its password, and numbers that grow") {
    // effect: vrrp_instance/authentication: auth_type auth_pass
    AuthBench b{ah_instance()};
    CHECK(b.hear_ah(5, t0 + 1s).empty());
    CHECK(b.bench.due() == 4'609'375us);
    CHECK(lines(b.hear_ah(5, t0 + 2s)) ==
          Lines{"(VI_1) received an AH packet from 10.0.0.2 for the second time: its number is 5"});
    CHECK(b.hear_ah(4, t0 + 2s).empty());
    CHECK(lines(b.hear_ah(6, t0 + 2s, 150, "secret13")) ==
          Lines{"(VI_1) received an AH packet from 10.0.0.2 that was made with another auth_pass"});
    CHECK(b.bench.counters().auth_failure == 3);
    CHECK(b.bench.due() == 4'609'375us);
    CHECK(b.hear_ah(6, t0 + 3s).empty());
    CHECK(b.bench.due() == 6'609'375us);
}

TEST_CASE("packets with and without an authentication header do not count for the other kind of instance") {
    // effect: vrrp_instance: authentication
    AuthBench header{ah_instance()};
    Peer plain{150};
    plain.packet.auth_type = 2;
    CHECK(lines(header.bench.hear(plain, t0 + 1s)) ==
          Lines{"(VI_1) received a packet without authentication header from 10.0.0.2, expecting one with it"});
    CHECK(header.bench.counters().authtype_mismatch == 1);
    AuthBench none{instance()};
    CHECK(lines(none.hear_ah(1, t0 + 1s)) ==
          Lines{"(VI_1) received a packet with an authentication header from 10.0.0.2, expecting one without"});
    CHECK(none.bench.due() == 3'609'375us);
}

TEST_CASE("AH numbers begin with the time, continue received ones, and increase across a crash") {
    AuthBench b{ah_instance()};
    const auto first = b.bench.tick(t0 + 3'609'375us);
    CHECK(advert_in(first).protocol == 51);
    CHECK(advert_in(first).ip_id == 1);
    CHECK(wire::decode_ah(advert_in(first).payloads[0])->sequence == 1'624'640'012);  // four a second since 2011
    CHECK(wire::decode_ah(advert_in(first).payloads[0])->spi == 0x0a00'0001);

    (void)b.hear_ah(1'800'000'000, t0 + 4s, 90);
    const auto next = b.bench.tick(t0 + 4'609'375us);
    CHECK(wire::decode_ah(advert_in(next).payloads[0])->sequence == 1'800'000'002);  // 1 was the answer to the rival

    const RouterSnapshot left = b.bench.router.snapshot();
    Bench again{ah_instance()};
    (void)again.router.step(ClockTold{{kNow}}, t0 + 5s);
    (void)again.router.step(link(), t0 + 5s);
    (void)again.router.start(t0 + 5s, &left);
    CHECK(wire::decode_ah(advert_in(again.tick(t0 + 6s)).payloads[0])->sequence == 1'800'000'003);
    CHECK(again.router.snapshot().instances[0].auth_heard == left.instances[0].auth_heard);
}

TEST_CASE("AH numbers of a process that follows a stopped one are above its last, whatever that has answered") {
    AuthBench b{ah_instance(255)};
    (void)b.bench.tick(t0);
    for (int second = 1; second <= 20; ++second) {
        (void)b.bench.tick(t0 + std::chrono::seconds{second});
        if (second % 2 == 0)
            (void)b.hear_ah(static_cast<std::uint32_t>(second), t0 + second * 1s + 1ms, 90);  // answered
    }
    const auto last = wire::decode_ah(advert_in(b.bench.router.step(Shutdown{}, t0 + 20s + 2ms)).payloads[0])->sequence;
    Bench next{ah_instance(255)};
    (void)next.router.step(ClockTold{{kNow + 21'500'000}}, t0 + 21'500ms);
    (void)next.router.step(link(), t0 + 21'500ms);
    (void)next.router.start(t0 + 21'500ms);
    CHECK(wire::decode_ah(advert_in(next.tick(t0 + 21'500ms)).payloads[0])->sequence > last);
}

TEST_CASE("the check value of a unicast packet does not depend on its TTL, which routers change") {
    auto c = ah_instance(255);
    c.source = ip("10.0.0.1");
    c.unicast_peers = {{ip("10.0.0.2")}};
    AuthBench b{c};
    const auto sent = advert_in(b.bench.tick(t0));
    const auto header = ipv4_header(sent.source, sent.destinations[0], static_cast<std::uint8_t>(sent.ip_id), 63,
                                    sent.payloads[0].size());
    const auto key = std::as_bytes(std::span{std::string_view{"secret12"}});
    CHECK(wire::ah_right(header, sent.payloads[0], key));
    // As keepalived 2.2.7 makes it.
    const auto packet = std::span{sent.payloads[0]}.subspan(wire::kAhLength);
    CHECK(sent.payloads[0] == wire::encode_ah({.source = sent.source,
                                               .destination = sent.destinations[0],
                                               .ip_id = sent.ip_id,
                                               .ttl = 0,
                                               .sequence = wire::decode_ah(sent.payloads[0])->sequence,
                                               .key = key},
                                              packet));
}

TEST_CASE("a clock that runs on as it was set needs nothing else, and one that was set does") {
    Bench bench{ah_instance()};
    CHECK_FALSE(bench.router.clock_agrees({kNow}, t0));  // nothing was told
    (void)bench.router.step(ClockTold{{kNow}}, t0);
    CHECK(bench.router.clock_agrees({kNow}, t0));
    CHECK(bench.router.clock_agrees({kNow + 3'600'001'000}, t0 + 3'600'000'000us));
    CHECK(bench.router.clock_agrees({kNow + 3'599'999'000}, t0 + 3'600'000'000us));
    CHECK_FALSE(bench.router.clock_agrees({kNow + 3'600'001'001}, t0 + 3'600'000'000us));
    CHECK_FALSE(bench.router.clock_agrees({kNow + 3'599'998'999}, t0 + 3'600'000'000us));
    (void)bench.router.step(ClockTold{{kNow + 3'600'002'000}}, t0 + 3'600'000'000us);
    CHECK(bench.router.clock_agrees({kNow + 3'600'002'000}, t0 + 3'600'000'000us));
}

TEST_CASE("auth_hmac signs with the active key and the time, and numbers grow within one moment") {
    // effect: vrrp_instance/auth_hmac: active_key key
    AuthBench b{hmac_instance()};
    b.deliver(t0 + 3'609'375us);
    const auto sent = b.bench.tick(t0 + 3'609'375us);
    const auto& payload = advert_in(sent).payloads[0];
    REQUIRE(payload.size() == 12 + 28);
    const auto trailer = wire::decode_trailer(std::span{payload}.subspan(12));
    CHECK(trailer->key_id == 7);
    CHECK(trailer->sequence == stamp(3, std::uint64_t{39'936} << 16));  // 0.609375 s
    const std::string_view key = "a secret of thirty-two bytes, 07";
    CHECK(wire::trailer_right(std::span{payload}.first(12), *trailer, ip("10.0.0.1"), std::as_bytes(std::span{key})));

    // The clock was set back, by less than the time_window of 10 s or by more.
    const auto after = [](std::int64_t back, const char* anti_replay) {
        AuthBench stuck{hmac_instance("enforce", anti_replay, 8)};
        (void)stuck.bench.tick(t0 + 4s);
        (void)stuck.bench.router.step(ClockTold{{kNow - back * 1'000'000}}, t0 + 4s);
        const auto next = stuck.bench.tick(t0 + 5s);
        const auto read = wire::decode_trailer(std::span{advert_in(next).payloads[0]}.subspan(12));
        CHECK(read->key_id == 8);
        return read->sequence;
    };
    CHECK(after(5, "time") == stamp(4, 1));
    CHECK(after(3600, "monotonic") == stamp(4, 1));
    CHECK(after(3600, "time") == stamp(-3599));

    CHECK(advert_in(AuthBench{hmac_instance("enforce", "time", 9)}.bench.tick(t0 + 4s)).payloads[0].size() == 12);
}

TEST_CASE("each defect of a signed packet has its counter and its line, and costs the packet") {
    // effect: vrrp_instance: auth_hmac
    // effect: vrrp_instance/auth_hmac: time_window
    using Counter = std::uint64_t Counters::*;
    struct Row {
        wire::AuthTrailer trailer;
        const char* key;
        Counter counter;
        const char* log;
    };
    constexpr auto kKey = "a secret of thirty-two bytes, 07";
    const Row rows[] = {
        {{.type = 2, .key_id = 7, .sequence = stamp(1)},
         kKey,
         &Counters::auth_ext_malformed,
         "(VI_1) received a packet with a malformed HMAC trailer from 10.0.0.2"},
        {{.key_id = 7, .reserved = 1, .sequence = stamp(1)},
         kKey,
         &Counters::auth_ext_malformed,
         "(VI_1) received a packet with a malformed HMAC trailer from 10.0.0.2"},
        {{.key_id = 9, .sequence = stamp(1)},
         kKey,
         &Counters::auth_ext_unknown_key,
         "(VI_1) received a packet signed with key 9 from 10.0.0.2, which is not configured"},
        {{.key_id = 7, .sequence = stamp(1)},
         "another key of thirty-two bytes.",
         &Counters::auth_ext_invalid_hmac,
         "(VI_1) received a packet with a wrong HMAC from 10.0.0.2: key 7 is not the same there"},
        {{.key_id = 7, .sequence = stamp(12)},
         kKey,
         &Counters::auth_ext_stale,
         "(VI_1) received a packet from 10.0.0.2 whose clock is 11 s ahead of ours; time_window is 10 s"},
        {{.key_id = 7, .sequence = stamp(-10)},
         kKey,
         &Counters::auth_ext_stale,
         "(VI_1) received a packet from 10.0.0.2 whose clock is 11 s behind ours; time_window is 10 s"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.log);
        AuthBench b{hmac_instance()};
        b.deliver(t0 + 1s);
        CHECK(lines(b.hear_signed(row.trailer, t0 + 1s, row.key)) == Lines{row.log});
        CHECK(b.hear_signed(row.trailer, t0 + 1s, row.key).empty());
        CHECK(b.bench.counters().*row.counter == 2);
        CHECK(b.bench.counters().advert_rcvd == 0);
        CHECK(b.bench.due() == 3'609'375us);
    }
    AuthBench b{hmac_instance()};
    CHECK(lines(b.bench.hear(Peer{150}.v3(1s), t0 + 1s)) ==
          Lines{"(VI_1) received a packet without HMAC from 10.0.0.2"});
    CHECK(b.bench.counters().auth_ext_missing == 1);
    CHECK(b.hear_signed({.key_id = 7, .sequence = stamp(1)}, t0 + 1s).empty());
    CHECK(b.bench.due() == 4'609'375us);
    CHECK(lines(b.hear_signed({.key_id = 7, .sequence = stamp(1)}, t0 + 1s)) ==
          Lines{"(VI_1) received a signed packet from 10.0.0.2 for the second time"});
    CHECK(b.bench.counters().auth_ext_replay == 1);
}

TEST_CASE("where the clocks are set back, a sender's numbers from before do not keep out what it sends now") {
    AuthBench b{hmac_instance()};
    CHECK(b.hear_signed({.key_id = 7, .sequence = stamp(1)}, t0 + 1s).empty());
    (void)b.bench.router.step(ClockTold{{kNow - 8'000'000}}, t0 + 2s);
    CHECK_FALSE(
        b.hear_signed({.key_id = 7, .sequence = stamp(-8)}, t0 + 2s).empty());  // it still has the time of before
    (void)b.bench.router.step(ClockTold{{kNow - 3'600'000'000}}, t0 + 2s);
    CHECK(b.hear_signed({.key_id = 7, .sequence = stamp(-3600)}, t0 + 2s).empty());
    CHECK(b.bench.counters().advert_rcvd == 2);
    (void)b.hear_signed({.key_id = 7, .sequence = stamp(-3600)}, t0 + 2s);
    CHECK(b.bench.counters().advert_rcvd == 2);
    CHECK(b.bench.counters().auth_ext_replay == 2);
}

TEST_CASE("with anti_replay monotonic the sender's clock may be anything, as long as it grows") {
    // effect: vrrp_instance/auth_hmac: anti_replay
    AuthBench b{hmac_instance("enforce", "monotonic")};
    CHECK(b.hear_signed({.key_id = 7, .sequence = 1}, t0 + 1s).empty());
    CHECK(b.hear_signed({.key_id = 7, .sequence = stamp(1'000'000)}, t0 + 1s).empty());
    CHECK(b.bench.counters().advert_rcvd == 2);
    (void)b.hear_signed({.key_id = 7, .sequence = stamp(1'000'000)}, t0 + 1s);
    CHECK(b.bench.counters().auth_ext_replay == 1);
}

TEST_CASE("permissive and receive-only believe unsigned packets, and reject badly signed ones") {
    // effect: vrrp_instance/auth_hmac: mode
    for (const char* mode : {"permissive", "receive-only"}) {
        CAPTURE(mode);
        AuthBench b{hmac_instance(mode)};
        CHECK(b.bench.hear(Peer{150}.v3(1s), t0 + 1s).empty());
        CHECK(b.bench.due() == 4'609'375us);
        (void)b.hear_signed({.key_id = 7, .sequence = stamp(1)}, t0 + 2s, "another key of thirty-two bytes.");
        CHECK(b.bench.counters().auth_ext_invalid_hmac == 1);
        CHECK(b.bench.due() == 4'609'375us);
        const bool is_signed = std::string_view{mode} == "permissive";
        CHECK(advert_in(b.bench.tick(t0 + 10s)).payloads[0].size() == (is_signed ? 40U : 12U));
    }
    auto strict = hmac_instance("permissive");
    strict.strict = true;
    AuthBench b{strict};
    (void)b.bench.hear(Peer{150}.v3(1s), t0 + 1s);
    CHECK(b.bench.counters().auth_ext_missing == 1);
}

TEST_CASE("four senders are remembered; the one not heard for longest is forgotten") {
    Authentication numbers;
    const auto from = [](unsigned n) { return IpAddress::v4(0x0a00'0000 + n); };
    for (unsigned n = 1; n <= 4; ++n) CHECK(numbers.grows(from(n), 10));
    CHECK(numbers.grows(from(1), 11));
    CHECK(numbers.grows(from(5), 10));
    CHECK_FALSE(numbers.grows(from(1), 11));
    CHECK(numbers.grows(from(2), 10));  // forgotten
    CHECK_FALSE(numbers.grows(from(4), 10));
}

TEST_CASE("a secret is text or hex digits of 32 to 64 bytes; a file's is put in its place before") {
    CHECK(hmac_secret(std::string(31, 'a')) == std::nullopt);
    CHECK(hmac_secret(std::string(32, 'a'))->size() == 32);
    CHECK(hmac_secret(std::string(65, 'a')) == std::nullopt);
    CHECK(hmac_secret("hex:" + std::string(64, 'f')) == std::vector(32, std::byte{0xff}));
    CHECK(hmac_secret("hex:" + std::string(63, 'f') + "g") == std::nullopt);
    CHECK(hmac_secret("hex:" + std::string(65, 'f')) == std::nullopt);
    CHECK(hmac_secret("file:/etc/keepalived/a-key-of-more-than-32-bytes") == std::nullopt);
}
