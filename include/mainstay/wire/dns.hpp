// DNS messages (RFC 1035, with AAAA of RFC 3596 and SRV of RFC 2782): a query with one question, and answers read
// within bounds. Names are text in lower case without the last dot; the root is the empty text. A byte of a label that
// is no letter, digit, '-' or '_' stands as \DDD.
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
inline constexpr std::size_t kDnsMessageMax = 65535;  // over TCP; over UDP without EDNS 512, but more is read too
inline constexpr std::size_t kDnsNameMax = 255;       // on the wire
inline constexpr std::size_t kDnsLabelMax = 63;
inline constexpr std::size_t kDnsPointersMax = 32;   // in one name
inline constexpr std::size_t kDnsRecordsMax = 1024;  // of one message; one that claims more is refused

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
// "a", "AAAA"; nothing for a word that is none.
[[nodiscard]] std::optional<DnsType> dns_type(std::string_view word);

enum class DnsFault : std::uint8_t { None, EmptyLabel, LongLabel, LongName };
// Whether the text is a name that can be asked for; "." and "" are the root, one dot at the end is allowed.
[[nodiscard]] DnsFault dns_name_fault(std::string_view name);

struct DnsQuestion {
    std::string name;
    DnsType type = DnsType::A;
};
// Recursion desired, class IN, no EDNS. Invalid for a name that cannot be asked for.
[[nodiscard]] Result<std::vector<std::byte>> dns_query(std::uint16_t id, const DnsQuestion& question);

struct DnsHeader {
    std::uint16_t id = 0;
    bool response = false;
    bool truncated = false;
    std::uint8_t rcode = 0;
    std::uint16_t questions = 0, answers = 0, authorities = 0, additionals = 0;
};
// Nothing when the bytes are too few.
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
    std::string question;  // empty also when there is none
    std::uint16_t question_type = 0;
    std::vector<DnsRecord> answers, additionals;  // class IN; of other types only name, type and ttl are read
};
// Invalid for bytes that are no whole message, Limit when they claim too much. Bytes behind the last record are
// passed over.
[[nodiscard]] Result<DnsAnswer> dns_answer(std::span<const std::byte> message);

// The addresses of `name` in an answer, along its CNAMEs, in the answer's order and each once.
[[nodiscard]] std::vector<IpAddress> dns_addresses(const DnsAnswer& answer, std::string_view name);

[[nodiscard]] std::string_view dns_rcode_text(std::uint8_t rcode);  // "NXDOMAIN"; "" for one without a name

}  // namespace mainstay::wire
