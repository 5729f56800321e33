#include "mainstay/ipc/snapshot.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <random>

#include "mainstay/config/members.hpp"
#include "mainstay/ipc/shared.hpp"

using namespace mainstay;

namespace {

constexpr std::size_t kServices = 500;  // several windows of bytes

config::Config many_services() {
    config::Config config;
    config.global.router_id = "director";
    config.scripts.push_back({.name = "check"});
    config.instances.push_back({.name = "VI_1", .interface = "eth0", .virtual_router_id = 51});
    for (std::size_t i = 0; i < kServices; ++i) {
        auto& service = config.virtual_servers.emplace_back();
        service.endpoint = {IpAddress::v4(static_cast<std::uint32_t>(0x0a000000 + i)), 80};
        service.real_servers.resize(i % 7, {.endpoint = {*IpAddress::parse("10.1.0.1"), 80}, .weight = 3});
    }
    config.virtual_servers[17].quorum_up.edit().argv = {"/bin/true", std::string(200'000, 'x')};  // more than a window
    config.more.edit().values = {{"a", true}};
    return config;
}

UniqueFd memfd_of(std::span<const std::byte> bytes) { return std::move(*ipc::make_sealed_memfd("test", bytes)); }
UniqueFd memfd_of(const config::Config& config) { return memfd_of(encode(config)); }

}  // namespace

TEST_CASE("a snapshot is read piece by piece as it was written") {
    const auto config = many_services();
    const auto read = ipc::read_snapshot(memfd_of(config).get());
    REQUIRE(read);
    CHECK(*read == config);
    CHECK(*ipc::read_snapshot(memfd_of(config::Config{}).get()) == config::Config{});
}

TEST_CASE("no prefix of a snapshot is taken for one") {
    config::Config config;
    config.instances.push_back({.name = "VI_1"});
    config.virtual_servers.resize(2);
    const auto bytes = encode(config);
    const auto whole = memfd_of(bytes);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        CAPTURE(size);
        const auto cut = memfd_of(std::span{bytes}.first(size));
        CHECK_FALSE(ipc::read_snapshot(cut.get()).has_value());
        CHECK_FALSE(ipc::changed_services(whole.get(), cut.get()).has_value());
    }
}

TEST_CASE("a snapshot with an impossible length inside is refused") {
    config::Config config;
    config.virtual_servers.resize(3);
    auto bytes = encode(config);
    for (std::size_t at = 0; at + 4 <= bytes.size(); at += 4) {
        CAPTURE(at);
        auto broken = bytes;
        for (std::size_t i = 0; i < 4; ++i) broken[at + i] = std::byte{0xff};
        const auto read = ipc::read_snapshot(memfd_of(broken).get());
        const auto decoded = decode<config::Config>(broken);
        CHECK(read.has_value() == decoded.has_value());
        if (read && decoded) CHECK(*read == *decoded);
    }
}

TEST_CASE("a snapshot of an older version, which ends earlier, is read") {
    Encoder fields;
    fields(config::Global{.router_id = "old"});
    Encoder whole;
    whole(static_cast<std::uint32_t>(fields.size()));
    auto bytes = whole.take();
    bytes.insert(bytes.end(), fields.bytes().begin(), fields.bytes().end());

    const auto read = ipc::read_snapshot(memfd_of(bytes).get());

    REQUIRE(read);
    CHECK(read->global.router_id == "old");
    CHECK(read->virtual_servers.empty());
    CHECK_FALSE(ipc::read_snapshot(-1).has_value());
}

TEST_CASE("virtual servers that changed at their positions are reported, and nothing else") {
    const auto before = many_services();
    const auto running = memfd_of(before);
    auto next = before;
    next.virtual_servers[2].scheduler = "rr";
    next.virtual_servers[17].quorum_up.edit().argv.back().back() = 'y';
    next.virtual_servers[kServices - 1].real_servers.emplace_back();

    const auto changed = ipc::changed_services(running.get(), memfd_of(next).get());

    REQUIRE(changed);
    REQUIRE(changed->has_value());
    REQUIRE((*changed)->size() == 3);
    CHECK((**changed)[0].at == 2);
    CHECK((**changed)[0].after == next.virtual_servers[2]);
    CHECK((**changed)[0].before == before.virtual_servers[2]);
    CHECK((**changed)[1].at == 17);
    CHECK((**changed)[1].after == next.virtual_servers[17]);
    CHECK((**changed)[1].before == before.virtual_servers[17]);
    CHECK((**changed)[2].at == kServices - 1);
    CHECK((**changed)[2].after == next.virtual_servers[kServices - 1]);
    CHECK((**changed)[2].before == before.virtual_servers[kServices - 1]);
    CHECK(ipc::changed_services(running.get(), running.get()).value()->empty());
}

TEST_CASE("virtual servers that come and go are reported where they stand") {
    const auto before = many_services();
    const auto running = memfd_of(before);
    const auto told = [&](auto&& change) {
        auto next = before;
        change(next.virtual_servers);
        std::string text;
        const auto changes = ipc::changed_services(running.get(), memfd_of(next).get()).value().value();
        for (const auto& one : changes) {
            const bool came = one.kind == config::ServiceChange::Kind::Added;
            const bool went = one.kind == config::ServiceChange::Kind::Removed;
            text += fmt::format("{}{} ", came ? "+" : went ? "-" : "=", one.at);
            CHECK((one.before == config::VirtualServer{}) == came);
            CHECK(one.after == (went ? config::VirtualServer{} : next.virtual_servers[one.at]));
        }
        return text;
    };
    config::VirtualServer other;
    other.endpoint = {IpAddress::v4(0x0A630001), 80};
    using Services = std::vector<config::VirtualServer>;
    CHECK(told([&](Services& all) { all.push_back(other); }) == fmt::format("+{} ", kServices));
    CHECK(told([&](Services& all) { all.insert(all.begin() + 3, other); }) == "+3 ");
    CHECK(told([&](Services& all) { all.pop_back(); }) == fmt::format("-{} ", kServices - 1));
    CHECK(told([&](Services& all) { all.erase(all.begin()); }) == "-0 ");
    CHECK(told([&](Services& all) { all.clear(); }).starts_with("-0 -1 -2 "));
    CHECK(told([&](Services& all) { all.erase(all.begin() + 7), all.insert(all.begin() + 7, other); }) == "+7 -7 ");
}

TEST_CASE("what is reported of virtual servers makes the next list of the running one") {
    std::mt19937 dice{7};
    const auto below = [&](std::size_t most) { return std::uniform_int_distribution<std::size_t>{0, most - 1}(dice); };
    for (int round = 0; round < 200; ++round) {
        CAPTURE(round);
        config::Config before, next;
        for (std::uint16_t port = 1; port <= 12; ++port) {
            config::VirtualServer service;
            service.endpoint = {IpAddress::v4(0x0A000001), port};
            before.virtual_servers.push_back(service);
        }
        before.virtual_servers.resize(below(13));
        next = before;
        auto& services = next.virtual_servers;
        for (std::size_t edits = below(6); edits > 0; --edits) {
            const std::size_t what = below(4), at = services.empty() ? 0 : below(services.size());
            const auto place = services.begin() + static_cast<std::ptrdiff_t>(at);
            if (what == 0) {
                config::VirtualServer service;
                service.endpoint = {IpAddress::v4(0x0A000002), static_cast<std::uint16_t>(below(100))};
                services.insert(place, service);
            } else if (what == 1 && !services.empty()) {
                services.erase(place);
            } else if (what == 2 && !services.empty()) {
                place->quorum = static_cast<std::uint32_t>(below(100));
            } else if (!services.empty()) {
                std::swap(*place, services[below(services.size())]);
            }
        }
        const auto changes = ipc::changed_services(memfd_of(before).get(), memfd_of(next).get()).value().value();
        std::vector<config::VirtualServer> made;
        std::size_t was = 0;
        const auto& running = before.virtual_servers;
        for (const auto& one : changes) {
            const bool removed = one.kind == config::ServiceChange::Kind::Removed;
            while (removed ? was < one.at : made.size() < one.at) made.push_back(running.at(was++));
            if (one.kind != config::ServiceChange::Kind::Added) CHECK(one.before == running.at(was++));
            if (!removed) made.push_back(one.after);
        }
        made.insert(made.end(), running.begin() + static_cast<std::ptrdiff_t>(was), running.end());
        CHECK(made == next.virtual_servers);
    }
}

TEST_CASE("no single services are reported if anything else changed") {
    const auto before = many_services();
    const auto running = memfd_of(before);
    const auto is_more = [&](auto&& change) {
        auto next = before;
        change(next);
        const auto changed = ipc::changed_services(running.get(), memfd_of(next).get());
        return changed.has_value() && !changed->has_value();
    };
    CHECK(is_more([](config::Config& next) { next.global.lvs_flush = true; }));
    CHECK(is_more([](config::Config& next) { next.scripts[0].rise = 7; }));
    CHECK(is_more([](config::Config& next) { next.instances[0].priority = 7; }));
    CHECK(is_more([](config::Config& next) { next.sync_groups.emplace_back(); }));
    CHECK(is_more([](config::Config& next) { next.more.reset(); }));
}

TEST_CASE("a snapshot that ends earlier than the running one, or later, is another one") {
    config::Config whole;
    whole.global.router_id = "old";
    Encoder fields;
    fields(whole.global);
    Encoder length;
    length(static_cast<std::uint32_t>(fields.size()));
    auto bytes = length.take();
    bytes.insert(bytes.end(), fields.bytes().begin(), fields.bytes().end());
    const auto longer = memfd_of(whole), shorter = memfd_of(bytes);
    CHECK(ipc::changed_services(longer.get(), shorter.get()).value() == std::nullopt);
    CHECK(ipc::changed_services(shorter.get(), longer.get()).value() == std::nullopt);
    CHECK(ipc::changed_services(shorter.get(), shorter.get()).value()->empty());
}

TEST_CASE("a snapshot that claims more bytes than it has is refused, even where all that is known is there") {
    auto bytes = encode(config::Config{});
    bytes[0] = static_cast<std::byte>(std::to_integer<unsigned>(bytes[0]) + 4);
    CHECK_FALSE(ipc::read_snapshot(memfd_of(bytes).get()).has_value());
}
