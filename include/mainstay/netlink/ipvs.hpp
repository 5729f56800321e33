// The IPVS codec (generic netlink family "IPVS", uapi linux/ip_vs.h): encodes operations, decodes dumps. The socket is
// in kernel/ipvs.hpp.
//
// Byte orders differ inside one message: addresses, ports and the IPv4 persistence netmask are in network order,
// everything else, the IPv6 netmask (a prefix length) among it, in host order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ipvs_types.hpp"
#include "mainstay/base/error.hpp"
#include "message.hpp"
#include "verdicts.hpp"

namespace mainstay::netlink {

// Longest scheduler or engine name, without its NUL.
inline constexpr std::size_t kIpvsNameLimit = 15;

// ---- the family's number (controller "nlctrl") ----
[[nodiscard]] std::vector<std::byte> encode_family_query(const char* name, std::uint32_t sequence);
[[nodiscard]] Result<std::uint16_t> decode_family(const Message& message);

// ---- writes: each appends one message with NLM_F_ACK; on an error `out` is unchanged ----
// Refusal: without NLM_F_ACK, so that the kernel answers only refusals.
enum class Answer : std::uint8_t { Always, Refusal };
// Errors: a key without family, or without mark and protocol or address; a destination without an address; names
// that are too long or empty; a destination of another family than its service's, unless it is a tunnel.
[[nodiscard]] Result<void> append_operation(std::vector<std::byte>& out, std::uint16_t family_id,
                                            const IpvsOperation& operation, std::uint32_t sequence,
                                            Answer answer = Answer::Always);
// Sets NLM_F_ACK in the message that begins at `at`.
void ask_acknowledgement(std::span<std::byte> messages, std::size_t at);
void append_flush(std::vector<std::byte>& out, std::uint16_t family_id, std::uint32_t sequence);
// Refused: a daemon without an interface, or one with a name that is too long.
[[nodiscard]] Result<void> append_daemon_start(std::vector<std::byte>& out, std::uint16_t family_id,
                                               const IpvsDaemon& daemon, std::uint32_t sequence);
void append_daemon_stop(std::vector<std::byte>& out, std::uint16_t family_id, IpvsDaemon::State state,
                        std::uint32_t sequence);
void append_timeouts(std::vector<std::byte>& out, std::uint16_t family_id, const IpvsTimeouts& timeouts,
                     std::uint32_t sequence);
// Refused: a daemon without an interface, or with a name that is too long.
[[nodiscard]] Result<void> append_daemon_start(std::vector<std::byte>& out, std::uint16_t family_id,
                                               const IpvsDaemon& daemon, std::uint32_t sequence);
void append_daemon_stop(std::vector<std::byte>& out, std::uint16_t family_id, IpvsDaemon::State state,
                        std::uint32_t sequence);
void append_timeouts(std::vector<std::byte>& out, std::uint16_t family_id, const IpvsTimeouts& timeouts,
                     std::uint32_t sequence);
// The row of the verdict table (verdicts.hpp) for an operation.
[[nodiscard]] Request request_of(IpvsOperation::Kind kind);

// ---- reads ----
// Queries the version: the cheapest command, refused with EPERM like all others.
void append_info_query(std::vector<std::byte>& out, std::uint16_t family_id, std::uint32_t sequence);
void append_service_dump(std::vector<std::byte>& out, std::uint16_t family_id, std::uint32_t sequence);
// For a service that does not exist the kernel sends an empty dump.
[[nodiscard]] Result<void> append_destination_dump(std::vector<std::byte>& out, std::uint16_t family_id,
                                                   const IpvsServiceKey& key, std::uint32_t sequence);
void append_daemon_dump(std::vector<std::byte>& out, std::uint16_t family_id, std::uint32_t sequence);
void append_timeouts_query(std::vector<std::byte>& out, std::uint16_t family_id, std::uint32_t sequence);
[[nodiscard]] Result<IpvsDaemon> decode_daemon(const Message& message);
[[nodiscard]] Result<IpvsTimeouts> decode_timeouts(const Message& message);
[[nodiscard]] Result<IpvsServiceEntry> decode_service(const Message& message);
// `service_family` is used if the kernel (before 3.18) does not report the destination's family.
[[nodiscard]] Result<IpvsDestinationEntry> decode_destination(const Message& message, Family service_family);

}  // namespace mainstay::netlink
