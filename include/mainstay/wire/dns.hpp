// DNS messages (RFC 1035, with AAAA of RFC 3596 and SRV of RFC 2782): encodes a query with one question, and decodes
// answers within limits. Names are lower-case text without the final dot; the root is the empty text. A byte of a label
// that is not a letter, digit, '-' or '_' is written as \DDD.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/ip.hpp"

namespace mainstay::wire {

inline constexpr std::size_t kDnsHeaderBytes = 12;
inline constexpr std::size_t kDnsMessageMax =
    65535;                                       // over TCP; longer UDP answers than 512 bytes are accepted as well
inline constexpr std::size_t kDnsNameMax = 255;  // on the wire
inline constexpr std::size_t kDnsLabelMax = 63;
inline constexpr std::size_t kDnsPointersMax = 32;   // in one name
inline constexpr std::size_t kDnsRecordsMax = 1024;  // of one message; a message that claims more is refused

enum class DnsType : std::uint16_t {  // NOLINT(performance-enum-size): the field's size
    A = 1,
    NS = 2,
    CNAME = 5,
    SOA = 6,
    MX = 15,
    TXT = 16,
    AAAA = 28,
    SRV = 33,
    RRSIG = 46,
    DNSKEY = 48,
};
// "a", "AAAA"; none for an unknown type.
[[nodiscard]] std::optional<DnsType> dns_type(std::string_view word);

enum class DnsFault : std::uint8_t { None, EmptyLabel, LongLabel, LongName };
// Whether the text is a valid name for a question; "." and "" are the root, one dot at the end is allowed.
[[nodiscard]] DnsFault dns_name_fault(std::string_view name);

struct DnsQuestion {
    std::string name;
    DnsType type = DnsType::A;
};
// Recursion desired, class IN, no EDNS. Errc::Invalid for a name that dns_name_fault() rejects.
[[nodiscard]] Result<std::vector<std::byte>> dns_query(std::uint16_t id, const DnsQuestion& question);

struct DnsHeader {
    std::uint16_t id = 0;
    bool response = false;
    bool truncated = false;
    std::uint8_t rcode = 0;
    std::uint16_t questions = 0, answers = 0, authorities = 0, additionals = 0;
};
// None if the message is too short.
[[nodiscard]] std::optional<DnsHeader> dns_header(std::span<const std::byte> message);

struct DnsRecord {
    std::string name;
    std::uint16_t type = 0;
    std::uint32_t ttl = 0;
    IpAddress address;                                 // A, AAAA
    std::string target;                                // CNAME, SRV
    std::uint16_t priority = 0, weight = 0, port = 0;  // SRV
};
struct DnsAnswer {
    DnsHeader header;
    std::string question;  // empty also without a question
    std::uint16_t question_type = 0;
    std::vector<DnsRecord> answers, additionals;  // class IN; of other types only name, type and ttl are read
};
// Errc::Invalid for a truncated or malformed message, Errc::Limit if it exceeds the limits above. Bytes after the last
// record are ignored.
[[nodiscard]] Result<DnsAnswer> dns_answer(std::span<const std::byte> message);

// The addresses of `name` in an answer, following its CNAMEs, in the answer's order, without duplicates.
[[nodiscard]] std::vector<IpAddress> dns_addresses(const DnsAnswer& answer, std::string_view name);

[[nodiscard]] std::string_view dns_rcode_text(std::uint8_t rcode);  // "NXDOMAIN"; "" for an unnamed code

}  // namespace mainstay::wire
