#include "mainstay/config/members.hpp"

#include <doctest/doctest.h>

#include "mainstay/ipc/status.hpp"

using namespace mainstay;

namespace {

// Counts the members of an aggregate: how many initialisers of any type it accepts.
struct Anything {
    template <class T>
    operator T() const;  // NOLINT: converts to whatever is asked for
};
template <class T, class... Given>
constexpr std::size_t member_count() {
    if constexpr (requires { T{Given{}..., Anything{}}; })
        return member_count<T, Given..., Anything>();
    else
        return sizeof...(Given);
}

struct CountingArchive {
    static constexpr bool kWrites = true;
    std::size_t count = 0;
    template <class... T>
    void operator()(T&...) {
        count += sizeof...(T);
    }
};
template <class T>
std::size_t encoded_members() {
    T value{};
    CountingArchive archive;
    fields(archive, value);
    return archive.count;
}

}  // namespace

TEST_CASE_TEMPLATE("every member of the model travels", T, config::Command, config::Global, config::VirtualAddress,
                   config::TrackedInterface, config::MailAddress, config::TrackedScript, config::UnicastPeer,
                   config::Notifies, config::Instance, config::SyncGroup, config::TrackScript, config::Checker,
                   config::RealServer, config::SorryServer, config::VirtualServer, config::Vmac, config::VirtualRoute,
                   config::HttpUrl, config::HttpUrl::Codes, config::Config, config::KeywordValue, config::Section,
                   config::ExtraSettings, vrrp::Counters, vrrp::InstanceSnapshot, vrrp::ScriptSnapshot,
                   vrrp::GroupSnapshot, vrrp::BfdSnapshot, vrrp::RouterSnapshot) {
    CHECK(encoded_members<T>() == member_count<T>());
}

TEST_CASE("a configuration comes out of its encoding as it went in") {
    config::Config config;
    config.global.notification_email = {{.address = "a@example.org"}, {.address = "b@example.org", .name = "B"}};
    config.global.smtp_alert = false;
    config.instances.push_back({.name = "VI_1", .interface = "eth0", .virtual_router_id = 51, .priority = 150});
    config.instances[0].addresses.push_back({.prefix = *Prefix::parse("10.0.0.100/24"), .label = "eth0:1"});
    config.instances[0].source = IpAddress::parse("2001:db8::1");
    config.virtual_servers.push_back({.endpoint = {*IpAddress::parse("10.0.0.1"), 80}, .scheduler = "rr"});
    config.virtual_servers[0].real_servers.push_back({.endpoint = {*IpAddress::parse("10.0.0.2"), 80}, .weight = 7});
    config.virtual_servers[0].real_servers[0].checkers.push_back({.retry = 3});
    config.virtual_servers[0].sorry_server = config::SorryServer{{*IpAddress::parse("10.0.0.9"), 80}};

    const auto back = decode<config::Config>(encode(config));

    REQUIRE(back);
    CHECK(*back == config);
}

namespace grown {
struct Old {
    std::uint32_t a = 1;
    std::string b = "b";
};
struct New {
    std::uint32_t a = 1;
    std::string b = "b";
    std::uint64_t added = 42;
};
struct OldPair {
    Old first;
    std::uint8_t after = 9;
};
struct NewPair {
    New first;
    std::uint8_t after = 9;
};
template <class A>
void fields(A& x, Old& o) {
    x(o.a, o.b);
}
template <class A>
void fields(A& x, New& o) {
    x(o.a, o.b, o.added);
}
template <class A>
void fields(A& x, OldPair& o) {
    x(o.first, o.after);
}
template <class A>
void fields(A& x, NewPair& o) {
    x(o.first, o.after);
}
}  // namespace grown

TEST_CASE("a newer version reads what an older one wrote, and the other way round") {
    const auto up = decode<grown::NewPair>(encode(grown::OldPair{{7, "x"}, 5}));
    const auto down = decode<grown::OldPair>(encode(grown::NewPair{{7, "x", 99}, 5}));

    REQUIRE(up);
    CHECK(up->first.a == 7);
    CHECK(up->first.added == 42);
    CHECK(up->after == 5);
    REQUIRE(down);
    CHECK(down->first.b == "x");
    CHECK(down->after == 5);
}

namespace thinned {
struct Plain {
    std::string name = "n";
    std::vector<int> list;
};
struct Thin {
    CompactOptional<std::string> name;
    CompactOptional<std::vector<int>> list;
};
template <class A>
void fields(A& x, Plain& p) {
    x(p.name, p.list);
}
template <class A>
void fields(A& x, Thin& t) {
    x(t.name, t.list);
}
}  // namespace thinned

TEST_CASE("a rare member travels as the plain one does") {
    const thinned::Plain plain{"text", {1, 2}};

    const auto thin = decode<thinned::Thin>(encode(plain));

    REQUIRE(thin);
    CHECK(*thin->name == "text");
    CHECK(*thin->list == std::vector{1, 2});
    CHECK(encode(*thin) == encode(plain));
}

TEST_CASE("values of every type that keywords may have come out of the encoding as they went in") {
    config::Config config;
    config.more.edit().values = {{"a", true},
                                 {"b", std::int64_t{-7}},
                                 {"c", Micros{1'500'000}},
                                 {"d", *IpAddress::parse("2001:db8::1")},
                                 {"e", *Prefix::parse("10.0.0.0/8")},
                                 {"f", config::Command{{"/bin/x", "y"}, "web", ""}},
                                 {"g", config::WordList{"p", "q"}},
                                 {"h", config::IntegerList{1, 2}}};
    config.more.edit().sections = {{"static_routes", {"n"}, {}, {{"", {}, {{"metric", std::int64_t{5}}}, {}}}}};

    const auto back = decode<config::Config>(encode(config));

    REQUIRE(back);
    CHECK(*back == config);
}

TEST_CASE("bytes that claim sections within sections without end are refused") {
    config::Section deep;
    for (int i = 0; i < 1'000; ++i) {
        config::Section outer;
        outer.sections.push_back(std::move(deep));
        deep = std::move(outer);
    }

    CHECK_FALSE(decode<config::Section>(encode(deep)).has_value());
}

TEST_CASE("a value of a type that only a newer version knows is left out") {
    Encoder encoder;
    encoder(std::uint32_t{4 + 1 + 1 + 8}, std::string{"x"}, std::uint8_t{99}, std::uint64_t{5});

    const auto value = decode<config::KeywordValue>(encoder.bytes());

    REQUIRE(value);
    CHECK(value->keyword == "x");
    CHECK(value->data == config::KeywordData{false});
}

TEST_CASE("no prefix of an encoding crashes the decoder or claims more than it holds") {
    config::Config config;
    config.instances.push_back({.name = "VI_1"});
    const auto bytes = encode(config);

    for (std::size_t size = 0; size < bytes.size(); ++size) {
        CAPTURE(size);
        const auto decoded = decode<config::Config>(std::span{bytes}.first(size));
        CHECK_FALSE(decoded.has_value());
    }
}

TEST_CASE_TEMPLATE("every member of the bfd role's state travels", T, bfd::Counters, bfd::SessionSnapshot,
                   bfd::SessionsSnapshot, report::BfdStatus) {
    CHECK(encoded_members<T>() == member_count<T>());
}
