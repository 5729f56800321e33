// What a packet's authentication is worth. Used by receive.cpp alone.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <span>
#include <utility>

#include "mainstay/vrrp/receive.hpp"
#include "mainstay/wire/vrrp.hpp"

namespace mainstay::vrrp {

template <class... Args>
void say_once(const ReceiveContext& c, const PacketHeard& p, Problem problem, fmt::format_string<Args...> format,
              Args&&... args) {
    if (!c.once.first(problem)) return c.problems.note(problem, p.source, c.now, {});
    std::string text = fmt::format(format, std::forward<Args>(args)...);
    c.out.push_back(Say{{LogLevel::Info, "(" + c.config.name + ") " + text}});
    c.problems.note(problem, p.source, c.now, std::move(text));
}

// An authentication header is there exactly when ours would be.
[[nodiscard]] bool header_as_expected(const ReceiveContext& c, const PacketHeard& p);
// The VRRP packet inside, and the trailer behind it where auth_hmac is configured and the length says that there is
// one.
struct Parts {
    std::span<const std::byte> packet, trailer;
};
[[nodiscard]] Parts parts_of(const ReceiveContext& c, const PacketHeard& p);
[[nodiscard]] bool trailer_ok(const ReceiveContext& c, const PacketHeard& p, const Parts& parts);
// Version 2: type, password or header.
[[nodiscard]] bool auth_ok(const ReceiveContext& c, const PacketHeard& p, const wire::VrrpPacket& packet);

}  // namespace mainstay::vrrp
