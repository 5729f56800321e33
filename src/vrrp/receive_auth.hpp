// Checks a packet's authentication. Used only by receive.cpp.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <span>
#include <utility>

#include "mainstay/vrrp/receive.hpp"
#include "mainstay/wire/vrrp.hpp"

namespace mainstay::vrrp {

// The log has `line()` the first time, which is keepalived's; status, why and doctor say `plain()`.
template <class Line, class Plain>
void report(const ReceiveContext& c, const PacketHeard& p, Problem problem, Line line, Plain plain) {
    const bool first = c.once.first(problem);
    if (first) c.log(line());
    const bool has_text = !first && c.problems.is_of(problem, p.source);
    c.problems.note(problem, p.source, c.now, has_text ? std::string{} : plain());
}

template <class... Args>
void log_once(const ReceiveContext& c, const PacketHeard& p, Problem problem, fmt::format_string<Args...> format,
              Args&&... args) {
    const auto text = [&] { return fmt::format(format, std::forward<Args>(args)...); };
    report(c, p, problem, text, text);
}

// True if the packet has an authentication header exactly if our adverts have one.
[[nodiscard]] bool header_as_expected(const ReceiveContext& c, const PacketHeard& p);
// The VRRP packet, and its trailer if auth_hmac is configured and the length shows that there is one.
struct Parts {
    std::span<const std::byte> packet, trailer;
};
[[nodiscard]] Parts parts_of(const ReceiveContext& c, const PacketHeard& p);
[[nodiscard]] bool trailer_ok(const ReceiveContext& c, const PacketHeard& p, const Parts& parts);
// Version 2: type, password or header.
[[nodiscard]] bool auth_ok(const ReceiveContext& c, const PacketHeard& p, const wire::VrrpPacket& packet);

}  // namespace mainstay::vrrp
