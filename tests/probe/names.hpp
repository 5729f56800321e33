// Names asked of name servers on loopback that answer as they are told.
#pragma once

#include <doctest/doctest.h>

#include <map>

#include "checks.hpp"
#include "mainstay/probe/resolve.hpp"

namespace mainstay::probe::test {

inline std::string u16(unsigned value) { return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)}; }

// A record of the name that was asked for, or of `owner` on the wire.
inline std::string record(unsigned type, const std::string& data, std::string owner = {"\xc0\x0c", 2}) {
    return owner + u16(type) + u16(1) + u16(0) + u16(60) + u16(static_cast<unsigned>(data.size())) + data;
}
inline std::string address(unsigned last) { return record(1, std::string{10, 0, 0, static_cast<char>(last)}); }
inline std::string service(unsigned priority, unsigned weight, unsigned port, const std::string& target) {
    return record(33, u16(priority) + u16(weight) + u16(port) + target);
}
inline const std::string kOne{"\x03one\x00", 5}, kTwo{"\x03two\x00", 5};

inline std::string reply(const std::string& query, const std::vector<std::string>& records, unsigned flags = 0x8180) {
    std::string all = query.substr(0, 2) + u16(flags) + u16(1) + u16(static_cast<unsigned>(records.size())) + u16(0) +
                      u16(0) + query.substr(12);
    for (const std::string& one : records) all += one;
    return all;
}

// By the type that is asked for and the first letter of the name.
inline DatagramServer::Answer zone(std::map<std::pair<unsigned, char>, std::vector<std::string>> records) {
    return [records = std::move(records)](const std::string& query) -> std::vector<std::string> {
        const auto type = static_cast<unsigned char>(query[query.size() - 3]);
        const auto found = records.find({type, query[13]});
        if (found == records.end()) return {reply(query, {}, 0x8183)};
        return {reply(query, found->second)};
    };
}

inline boost::asio::awaitable<void> keep(NameQuestion question, std::shared_ptr<Attempt> attempt, NameAnswer& out) {
    out = co_await resolve(std::move(question), std::move(attempt));
}

inline NameAnswer ask(NameQuestion question, const std::function<void(Attempt&)>& meanwhile = {}) {
    boost::asio::io_context loop;
    NameAnswer answer;
    std::string thrown = "never ended";
    const auto attempt = std::make_shared<Attempt>(loop.get_executor());
    spawn(loop.get_executor(), "test", keep(std::move(question), attempt, answer),
          [&thrown](const std::string&, const std::string& what) { thrown = what; });
    if (meanwhile) boost::asio::post(loop, [&] { meanwhile(*attempt); });
    run_to_its_end(loop);
    REQUIRE(thrown.empty());
    return answer;
}

inline NameQuestion web(std::vector<Endpoint> resolvers) {
    return {.name = "web.example.org",
            .srv = false,
            .family = Family::V4,
            .resolvers = std::move(resolvers),
            .timeout = kTimeout};
}

inline std::vector<std::string> texts(const NameAnswer& answer) {
    std::vector<std::string> all;
    for (const auto& one : answer.servers)
        all.push_back(Endpoint{one.address, one.port}.to_string() +
                      (one.weight ? " weight " + std::to_string(*one.weight) : ""));
    return all;
}
using Texts = std::vector<std::string>;

}  // namespace mainstay::probe::test
