// A master agent for one client (RFC 2741), over a unix socket: it agrees to everything, asks, and keeps the traps.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "../../report/snmp/shown.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::role::test {

using mainstay::test::shown;
using report::Oid;
using report::SnmpValue;

class AgentxMaster {
public:
    explicit AgentxMaster(const std::string& path) : listener_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        path.copy(at.sun_path, sizeof at.sun_path - 1);
        REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
        REQUIRE(::listen(listener_.get(), 4) == 0);
    }
    std::vector<std::string> roots;  // that were registered
    std::vector<std::string> traps;  // "oid=value oid=value"
    bool closed = false;             // the client has said goodbye

    // Serves the client until it is quiet for so long; false: the connection has ended.
    bool serve(int quiet_ms) {
        if (!connection_) {
            pollfd wait{listener_.get(), POLLIN, 0};
            if (::poll(&wait, 1, quiet_ms) != 1) return true;
            connection_.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        }
        for (;;) {
            pollfd wait{connection_.get(), POLLIN, 0};
            if (::poll(&wait, 1, quiet_ms) != 1) return true;
            if (!take()) return false;
        }
    }
    template <class Condition>
    void until(Condition&& holds) {
        for (int i = 0; i < 6000 && !holds(); ++i) serve(10);
        REQUIRE(holds());
    }
    [[nodiscard]] bool connected() const { return static_cast<bool>(connection_); }
    void drop() { connection_.reset(); }

    // "oid=value" of the answer, or "error N" of a refusal.
    std::string get(const Oid& oid) { return ask(kGet, ranges({{oid, {}}})); }
    std::string next(const Oid& oid, const Oid& before, bool inclusive = false) {
        return ask(kGetNext, ranges({{oid, before}}, inclusive));
    }
    // Tests, then commits or takes back.
    std::string set(const Oid& oid, std::int32_t value) {
        std::string binding = number(2, 2) + number(0, 2) + encoded(oid) + number(static_cast<std::uint32_t>(value), 4);
        const auto tested = ask(kTestSet, binding);
        const auto after = tested.empty() ? ask(kCommitSet, {}) : ask(kUndoSet, {}) + tested;
        send(kCleanupSet, ++packet_, {});
        return after;
    }
    std::string set_text(const Oid& oid) {
        return ask(kTestSet, number(4, 2) + number(0, 2) + encoded(oid) + number(4, 4) + "text");
    }

private:
    enum Type : std::uint8_t {
        kOpen = 1,
        kClose = 2,
        kRegister = 3,
        kGet = 5,
        kGetNext = 6,
        kTestSet = 8,
        kCommitSet = 9,
        kUndoSet = 10,
        kCleanupSet = 11,
        kNotify = 12,
        kResponse = 18
    };
    static constexpr std::size_t kHeader = 20;

    static std::string number(std::uint64_t value, std::size_t bytes) {
        return {reinterpret_cast<const char*>(&value), bytes};  // in this host's order, as the client writes
    }
    static std::string encoded(const Oid& oid, bool include = false) {
        std::string text = number(oid.size(), 1) + number(0, 1) + number(include ? 1 : 0, 1) + number(0, 1);
        for (const auto part : oid) text += number(part, 4);
        return text;
    }
    static std::string ranges(const std::vector<std::pair<Oid, Oid>>& list, bool inclusive = false) {
        std::string text;
        for (const auto& [from, to] : list) text += encoded(from, inclusive) + encoded(to);
        return text;
    }

    void send(Type type, std::uint32_t packet, const std::string& payload) {
        const std::string text = number(1, 1) + number(type, 1) + number(0, 2) + number(kSession, 4) +
                                 number(transaction_, 4) + number(packet, 4) + number(payload.size(), 4) + payload;
        // A client that has gone in the meantime does not read it.
        static_cast<void>(::send(connection_.get(), text.data(), text.size(), MSG_NOSIGNAL));
    }
    std::string ask(Type type, const std::string& payload) {
        if (type == kGet || type == kGetNext || type == kTestSet) ++transaction_;
        answered_ = false;
        waiting_ = ++packet_;
        send(type, packet_, payload);
        until([this] { return answered_; });
        return answer_;
    }

    // One packet of the client; false: there are no more.
    bool take() {
        std::string header(kHeader, '\0');
        if (::recv(connection_.get(), header.data(), kHeader, MSG_WAITALL) != static_cast<ssize_t>(kHeader)) {
            connection_.reset();
            return false;
        }
        const auto type = static_cast<std::uint8_t>(header[1]);
        text_.assign(word(header, 16), '\0');
        at_ = 0;
        if (!text_.empty())
            REQUIRE(::recv(connection_.get(), text_.data(), text_.size(), MSG_WAITALL) ==
                    static_cast<ssize_t>(text_.size()));
        const auto packet = word(header, 12);
        if (type == kResponse) {
            if (packet != waiting_) return true;
            answered_ = true;
            const auto error = word(text_, 4) & 0xffff;
            at_ = 8;
            answer_ = error != 0 ? fmt::format("error {}", error) : bindings();
            return true;
        }
        if (type == kClose) closed = true;
        if (type == kNotify) traps.push_back(bindings());
        if (type == kRegister) {
            at_ = 4;  // the timeout, the priority and two words of a range
            roots.push_back(shown(oid()));
        }
        std::string same_transaction = number(0, 4) + number(0, 2) + number(0, 2);
        const auto before = std::exchange(transaction_, word(header, 8));
        send(kResponse, packet, same_transaction);
        transaction_ = before;
        return true;
    }
    static std::uint32_t word(const std::string& text, std::size_t at) {
        std::uint32_t value = 0;
        std::memcpy(&value, text.data() + at, sizeof value);
        return value;
    }
    Oid oid() {
        const auto parts = static_cast<unsigned char>(text_.at(at_)),
                   prefix = static_cast<unsigned char>(text_.at(at_ + 1));
        at_ += 4;
        Oid oid;
        if (prefix != 0) oid = {1, 3, 6, 1, prefix};
        for (unsigned i = 0; i < parts; ++i, at_ += 4) oid.push_back(word(text_, at_));
        return oid;
    }
    std::string octets() {
        const auto size = word(text_, at_);
        const std::string value = text_.substr(at_ + 4, size);
        at_ += 4 + (size + 3) / 4 * 4;
        return value;
    }
    std::string bindings() {
        using Kind = SnmpValue::Type;
        std::string all;
        while (at_ < text_.size()) {
            const auto type = word(text_, at_) & 0xffff;
            at_ += 4;
            all += (all.empty() ? "" : " ") + shown(oid()) + "=";
            SnmpValue value;
            if (type == 4 || type == 64) {
                value.type = type == 4 ? Kind::Octets : Kind::IpAddress;
                value.octets = octets();
            } else if (type == 6) {
                value.type = Kind::ObjectId;
                value.oid = oid();
            } else if (type == 70) {
                value.type = Kind::Counter64;
                value.number = word(text_, at_) | std::uint64_t{word(text_, at_ + 4)} << 32;
                at_ += 8;
            } else if (type == 2 || (type >= 65 && type <= 67)) {
                value.type = type == 2    ? Kind::Integer
                             : type == 65 ? Kind::Counter32
                             : type == 66 ? Kind::Gauge32
                                          : Kind::TimeTicks;
                value.number = word(text_, at_);
                at_ += 4;
            } else {
                all += fmt::format("none({})", type);
                continue;
            }
            all += shown(value);
        }
        return all;
    }

    static constexpr std::uint32_t kSession = 7;
    UniqueFd listener_, connection_;
    std::uint32_t packet_ = 1000, waiting_ = 0, transaction_ = 500;
    bool answered_ = false;
    std::string answer_, text_;
    std::size_t at_ = 0;
};

}  // namespace mainstay::role::test
