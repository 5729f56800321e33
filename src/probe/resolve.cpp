#include "mainstay/probe/resolve.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <random>

#include "datagram.hpp"
#include "mainstay/wire/dns.hpp"

namespace mainstay::probe {

namespace asio = boost::asio;

namespace {

constexpr int kStraysMax = 64;
constexpr std::size_t kUdpBytes = 4096;
constexpr std::uint8_t kNoSuchName = 3;

struct Lookup {
    NameQuestion question;
    std::shared_ptr<Attempt::State> state;
};

// The result of one query to one name server.
struct Asked {
    std::string refused;
    bool conclusive = false;  // no need to query another name server
    wire::DnsAnswer answer;
};
// Functions, because GCC 12 destroys twice the members of an aggregate that is written out within a coroutine.
Asked refused(std::string why, bool conclusive = false) { return {std::move(why), conclusive, {}}; }
Asked replied(wire::DnsAnswer answer) { return {{}, false, std::move(answer)}; }
wire::DnsQuestion about(std::string name, wire::DnsType type) { return {std::move(name), type}; }
NamedEndpoint served(const IpAddress& address, const wire::DnsRecord& record) {
    return {address, record.port,
            record.weight != 0 ? std::optional<std::uint32_t>{record.weight} : std::optional<std::uint32_t>{}};
}
Asked only_header(const wire::DnsHeader& header) {
    wire::DnsAnswer answer;
    answer.header = header;
    return replied(std::move(answer));
}

Connection to(const Lookup& lookup, const Endpoint& server) {
    return {.target = server, .bind = {}, .bind_if = {}, .connect_timeout = lookup.question.timeout};
}

bool answers(const wire::DnsAnswer& answer, std::uint16_t id, const wire::DnsQuestion& question) {
    const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(b)) == a; };
    std::string_view name = question.name;
    if (name.ends_with('.')) name.remove_suffix(1);
    return answer.header.response && answer.header.id == id &&
           answer.question_type == static_cast<std::uint16_t>(question.type) &&
           std::ranges::equal(answer.question, name, same);
}

void fresh(Attempt::State& state) {
    state.disarm();
    state.close();
    state.expired = false;
    state.end = std::chrono::steady_clock::time_point::max();
}

asio::awaitable<Asked> ask_udp(std::shared_ptr<Lookup> lookup, Endpoint server, wire::DnsQuestion question) {
    const auto state = lookup->state;
    fresh(*state);
    const auto id = static_cast<std::uint16_t>(std::random_device{}());
    const auto query = wire::dns_query(id, question);
    if (!query) co_return refused(query.error().text(), true);
    const Opened opened = open_datagram(*state, to(*lookup, server), SOCK_DGRAM, 0);
    if (!opened.result) co_return refused(opened.result.error().text());
    if (const Sent sent = send_datagram(*state, *query); sent.sys_errno != 0) co_return refused(sent.reason());
    state->guard(lookup->question.timeout);
    std::vector<std::byte> bytes(kUdpBytes);
    for (int strays = 0; strays < kStraysMax; ++strays) {
        const Heard heard = co_await hear(state, bytes);
        if (heard.error) co_return refused(finding_of(*state, heard.error, "read").reason);
        auto answer = wire::dns_answer(std::span{bytes}.first(std::min(heard.size, bytes.size())));
        if (!answer) {
            // A truncated answer has the TC bit; its records may end anywhere.
            const auto header = wire::dns_header(std::span{bytes}.first(std::min(heard.size, bytes.size())));
            if (!header || header->id != id || !header->response || !header->truncated) continue;
            co_return only_header(*header);
        }
        if (answers(*answer, id, question)) co_return replied(std::move(*answer));
    }
    co_return refused(fmt::format("{} datagrams that match no query", kStraysMax));
}

std::vector<std::byte> with_length(const std::vector<std::byte>& query) {
    std::vector<std::byte> out;
    out.reserve(query.size() + 2);
    out.push_back(std::byte(query.size() >> 8));
    out.push_back(std::byte(query.size() & 0xff));
    for (const std::byte one : query) out.push_back(one);
    return out;
}

asio::awaitable<Asked> ask_tcp(std::shared_ptr<Lookup> lookup, Endpoint server, wire::DnsQuestion question) {
    const auto state = lookup->state;
    const Micros limit = lookup->question.timeout;
    fresh(*state);
    const auto id = static_cast<std::uint16_t>(std::random_device{}());
    const auto query = wire::dns_query(id, question);
    if (!query) co_return refused(query.error().text(), true);
    Connection connection = to(*lookup, server);
    const Finding connected = co_await connect(std::move(connection), state);
    if (connected.outcome != lvs::Outcome::Passed) co_return refused(connected.reason);
    constexpr std::size_t kLengthBytes = 2;
    std::vector<std::byte> out = with_length(*query);
    state->guard(limit);
    boost::system::error_code error;
    co_await asio::async_write(state->socket, asio::buffer(out), asio::redirect_error(asio::use_awaitable, error));
    std::array<unsigned char, kLengthBytes> length{};
    if (!error)
        co_await asio::async_read(state->socket, asio::buffer(length),
                                  asio::redirect_error(asio::use_awaitable, error));
    std::vector<std::byte> bytes;
    if (!error) {
        bytes.resize(std::size_t{length[0]} << 8 | length[1]);
        co_await asio::async_read(state->socket, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
    }
    if (error == asio::error::eof) co_return refused("closed by the name server");
    if (error) co_return refused(finding_of(*state, error, "exchange").reason);
    auto answer = wire::dns_answer(bytes);
    if (!answer) co_return refused(answer.error().text());
    if (!answers(*answer, id, question)) co_return refused("an answer to another question");
    co_return replied(std::move(*answer));
}

asio::awaitable<Asked> ask(std::shared_ptr<Lookup> lookup, wire::DnsQuestion question) {
    Asked last = refused("there is no name server");
    for (const Endpoint& server : lookup->question.resolvers) {
        if (lookup->state->cancelled) break;
        last = co_await ask_udp(lookup, server, question);
        if (last.refused.empty() && last.answer.header.truncated) last = co_await ask_tcp(lookup, server, question);
        if (!last.refused.empty()) {
            if (last.conclusive) break;
            continue;
        }
        const std::uint8_t rcode = last.answer.header.rcode;
        if (rcode == 0) co_return last;
        const auto text = wire::dns_rcode_text(rcode);
        last.refused = text.empty() ? fmt::format("rcode {}", rcode) : std::string{text};
        if (rcode == kNoSuchName) {
            last.conclusive = true;
            break;
        }
    }
    co_return last;
}

wire::DnsType address_type(Family family) { return family == Family::V6 ? wire::DnsType::AAAA : wire::DnsType::A; }

std::vector<IpAddress> of_family(std::vector<IpAddress> addresses, Family family) {
    std::erase_if(addresses, [family](const IpAddress& one) { return one.family() != family || one.is_multicast(); });
    return addresses;
}

// The SRV records with the lowest priority number, at most kSrvTargetsMax.
std::vector<wire::DnsRecord> first_choice(const wire::DnsAnswer& answer) {
    std::vector<wire::DnsRecord> records;
    for (const auto& record : answer.answers)
        if (record.type == static_cast<std::uint16_t>(wire::DnsType::SRV) && !record.target.empty() && record.port != 0)
            records.push_back(record);
    if (records.empty()) return records;
    const auto first = std::ranges::min_element(records, {}, &wire::DnsRecord::priority)->priority;
    std::erase_if(records, [first](const wire::DnsRecord& record) { return record.priority != first; });
    std::ranges::sort(records, {}, [](const wire::DnsRecord& r) { return std::tie(r.target, r.port); });
    records.resize(std::min(records.size(), kSrvTargetsMax));
    return records;
}

void finish(NameAnswer& answer, std::size_t most) {
    std::ranges::sort(answer.servers);
    const auto twice = std::ranges::unique(answer.servers, [](const NamedEndpoint& a, const NamedEndpoint& b) {
        return a.address == b.address && a.port == b.port;
    });
    answer.servers.erase(twice.begin(), twice.end());
    const std::size_t kept = std::min(answer.servers.size(), most);
    answer.left_out = answer.servers.size() - kept;
    answer.servers.resize(kept);
    if (answer.servers.empty() && answer.refused.empty()) answer.refused = "the name has no address";
}

asio::awaitable<NameAnswer> resolve_srv(std::shared_ptr<Lookup> lookup) {
    const NameQuestion& question = lookup->question;
    NameAnswer result;
    wire::DnsQuestion asking = about(question.name, wire::DnsType::SRV);
    const Asked services = co_await ask(lookup, asking);
    result.refused = services.refused;
    if (!result.refused.empty()) co_return result;
    for (const auto& record : first_choice(services.answer)) {
        auto addresses = of_family(wire::dns_addresses(services.answer, record.target), question.family);
        if (addresses.empty()) {
            asking = about(record.target, address_type(question.family));
            const Asked asked = co_await ask(lookup, asking);
            // A target that does not exist has no servers. If a lookup fails, the target may have servers, so the whole
            // answer fails.
            if (!asked.refused.empty() && !asked.conclusive) {
                result.refused = fmt::format("{}: {}", record.target, asked.refused);
                result.servers.clear();
                co_return result;
            }
            if (asked.refused.empty())
                addresses = of_family(wire::dns_addresses(asked.answer, record.target), question.family);
        }
        for (const IpAddress& address : addresses) {
            result.servers.push_back(served(address, record));
        }
    }
    finish(result, question.most);
    co_return result;
}

std::shared_ptr<Lookup> lookup_of(NameQuestion question, std::shared_ptr<Attempt::State> state) {
    return std::make_shared<Lookup>(Lookup{std::move(question), std::move(state)});
}

asio::awaitable<NameAnswer> resolve_name(NameQuestion question, std::shared_ptr<Attempt> attempt) {
    const auto state = attempt->state();
    const auto lookup = lookup_of(std::move(question), state);
    NameAnswer result;
    if (lookup->question.srv) {
        result = co_await resolve_srv(lookup);
    } else {
        const wire::DnsQuestion asking = about(lookup->question.name, address_type(lookup->question.family));
        const Asked asked = co_await ask(lookup, asking);
        result.refused = asked.refused;
        if (asked.refused.empty()) {
            for (const IpAddress& address :
                 of_family(wire::dns_addresses(asked.answer, lookup->question.name), lookup->question.family))
                result.servers.push_back(served(address, {}));
            finish(result, lookup->question.most);
        }
    }
    state->disarm();
    state->close();
    co_return result;
}

}  // namespace

asio::awaitable<NameAnswer> resolve(NameQuestion question, std::shared_ptr<Attempt> attempt) {
    return resolve_name(std::move(question), std::move(attempt));
}

}  // namespace mainstay::probe
