#include "checks.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <random>

#include "datagram.hpp"
#include "mainstay/config/keywords.hpp"

namespace mainstay::probe {

namespace asio = boost::asio;
using lvs::Outcome;

namespace {

// The answer section is not read: this is the header, and enough room to recognise it.
constexpr std::size_t kLookedAt = 512;

Finding judge(const wire::DnsHeader& header) {
    if (header.rcode == 0) return {.outcome = Outcome::Passed, .reason = "answered"};
    const auto name = wire::dns_rcode_text(header.rcode);
    return failed(name.empty() ? fmt::format("rcode {}", header.rcode) : std::string{name},
                  fmt::format("read error occurred. (rcode = {})", header.rcode));
}

asio::awaitable<Finding> exchange(DnsCheck check, std::shared_ptr<Attempt::State> state) {
    if (state->cancelled) co_return found(Outcome::NotRun, "cancelled");
    const auto id = static_cast<std::uint16_t>(std::random_device{}());
    const auto query = wire::dns_query(id, check.question);
    if (!query) co_return failed(query.error().text(), query.error().text());
    const Opened opened = open_datagram(*state, check.connection, SOCK_DGRAM, 0);
    if (!opened.result) {
        const std::string text = opened.result.error().text();
        co_return found(opened.outcome, text, opened.connecting ? "connection failed" : "");
    }
    state->guard(check.connection.connect_timeout);
    if (const Sent sent = send_datagram(*state, *query); sent.sys_errno != 0) {
        co_return found(sent.outcome(), sent.reason(), "send error");
    }
    std::array<std::byte, kLookedAt> bytes{};
    for (;;) {  // keepalived: until connect_timeout, whatever comes that answers another query
        const Heard heard = co_await hear(state, bytes);
        if (heard.error) {
            Finding finding = finding_of(*state, heard.error, "read");
            finding.words =
                finding.outcome == Outcome::TimedOut
                    ? std::string{"read timeout from socket"}
                    : fmt::format("failed to read socket; errno {} ({})", heard.error.value(), heard.error.message());
            co_return finding;
        }
        const auto header = wire::dns_header(std::span{bytes}.first(std::min(heard.size, bytes.size())));
        if (header && header->response && header->id == id) co_return judge(*header);
    }
}

}  // namespace

DnsCheck dns_check_of(const config::Checker& checker) {
    DnsCheck check{.connection = connection_of(checker)};
    const auto& values = checker.more->values;
    if (const std::string* type = find_word(values, config::keyword::type))
        check.question.type = wire::dns_type(*type).value_or(check.question.type);
    if (const std::string* name = find_word(values, config::keyword::name)) check.question.name = *name;
    // keepalived ignores an invalid name and queries the root.
    if (wire::dns_name_fault(check.question.name) != wire::DnsFault::None) check.question.name.clear();
    return check;
}

asio::awaitable<Finding> dns_check(DnsCheck check, std::shared_ptr<Attempt> attempt) {
    const auto state = attempt->state();
    co_return co_await complete(exchange(std::move(check), state), state);
}

}  // namespace mainstay::probe
