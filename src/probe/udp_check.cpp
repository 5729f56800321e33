#include "checks.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <string_view>

#include "datagram.hpp"
#include "mainstay/config/keywords.hpp"

namespace mainstay::probe {

namespace asio = boost::asio;
using lvs::Outcome;

namespace {

// keepalived's default payload, as seen on the wire.
constexpr std::string_view kUsualPayload = "keepalived check - keepalived ch";

struct Nibble {
    unsigned value = 0, mask = 0;
};
Nibble nibble_of(char c) {
    if (c >= '0' && c <= '9') return {static_cast<unsigned>(c - '0'), 0xf};
    if (c >= 'a' && c <= 'f') return {static_cast<unsigned>(c - 'a' + 10), 0xf};
    if (c >= 'A' && c <= 'F') return {static_cast<unsigned>(c - 'A' + 10), 0xf};
    return {};  // x: any
}

// keepalived: digits in pairs; a single digit before a blank is one byte.
std::vector<UdpCheck::Wanted> bytes_of(const config::WordList& words) {
    std::vector<UdpCheck::Wanted> bytes;
    const auto add = [&](Nibble high, Nibble low) {
        bytes.push_back({std::byte(high.value << 4 | low.value), std::byte(high.mask << 4 | low.mask)});
    };
    for (const std::string& text : words) {
        std::string_view rest = text;
        while (!rest.empty()) {
            if (rest.front() == ' ' || rest.front() == '\t') {
                rest.remove_prefix(1);
                continue;
            }
            const bool single = rest.size() == 1 || rest[1] == ' ' || rest[1] == '\t';
            if (single)
                add({0, 0xf}, nibble_of(rest[0]));
            else
                add(nibble_of(rest[0]), nibble_of(rest[1]));
            rest.remove_prefix(single ? 1 : 2);
        }
    }
    return bytes;
}

bool matches(const std::vector<UdpCheck::Wanted>& pattern, std::span<const std::byte> reply) {
    const auto common = reply.first(std::min(pattern.size(), reply.size()));
    return std::equal(common.begin(), common.end(), pattern.begin(),
                      [](std::byte byte, const UdpCheck::Wanted& wanted) {
                          return (byte & wanted.mask) == (wanted.value & wanted.mask);
                      });
}

constexpr const char* kMismatch = "reply data mismatch";

Finding judge(const UdpCheck& check, std::span<const std::byte> beginning, std::size_t size) {
    if (!check.pattern.empty() && (size < check.reply_min || size > check.reply_max)) {
        return {.outcome = Outcome::Failed,
                .reason = fmt::format("a reply of {} bytes, not of {} to {}", size, check.reply_min, check.reply_max),
                .words = kMismatch};
    }
    if (!matches(check.pattern, beginning.first(std::min(size, beginning.size()))))
        return {.outcome = Outcome::Failed, .reason = "the reply does not match", .words = kMismatch};
    return {.outcome = Outcome::Passed, .reason = "replied"};
}

asio::awaitable<Finding> exchange(UdpCheck check, std::shared_ptr<Attempt::State> state) {
    if (state->cancelled) co_return found(Outcome::NotRun, "cancelled");
    const Micros limit = check.connection.connect_timeout;
    const Opened opened = open_datagram(*state, check.connection, SOCK_DGRAM, 0);
    if (!opened.result) {
        co_return found(opened.outcome, opened.result.error().text());
    }
    if (const Sent sent = send_datagram(*state, check.payload); sent.sys_errno != 0) {
        co_return found(sent.outcome(), sent.reason());
    }
    state->guard(limit);
    std::vector<std::byte> beginning(check.pattern.size());
    const Heard heard = co_await hear(state, beginning);
    if (state->expired && !state->cancelled) {
        if (!check.reply_required) co_return found(Outcome::Passed, "no error was received");
        co_return finding_of(*state, heard.error, "read");
    }
    if (!heard.error) co_return judge(check, beginning, heard.size);
    co_return finding_of(*state, heard.error, "read");
}

}  // namespace

UdpCheck udp_check_of(const config::Checker& checker) {
    using config::value_of;
    const auto& values = checker.more->values;
    UdpCheck check{.connection = connection_of(checker)};
    if (const auto words = value_of(values, config::keyword::payload)) {
        for (const auto& byte : bytes_of(*words)) check.payload.push_back(byte.value);
    }
    if (check.payload.empty()) {
        for (const char c : kUsualPayload) check.payload.push_back(static_cast<std::byte>(c));
    }
    if (const auto words = value_of(values, config::keyword::require_reply)) {
        check.reply_required = true;
        check.pattern = bytes_of(*words);
    }
    check.reply_min = static_cast<std::size_t>(value_of(values, config::keyword::min_reply_length).value_or(0));
    check.reply_max = static_cast<std::size_t>(value_or_default(values, config::keyword::max_reply_length));
    return check;
}

asio::awaitable<Finding> udp_check(UdpCheck check, std::shared_ptr<Attempt> attempt) {
    const auto state = attempt->state();
    co_return co_await complete(exchange(std::move(check), state), state);
}

}  // namespace mainstay::probe
