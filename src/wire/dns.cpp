#include "mainstay/wire/dns.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "mainstay/base/text.hpp"

namespace mainstay::wire {
namespace {

constexpr unsigned kResponse = 0x8000, kTruncated = 0x0200, kRecursionDesired = 0x0100, kRcode = 0x000f;
constexpr unsigned kPointer = 0xc0, kClassIn = 1;
constexpr std::size_t kCnamesMax = 16;

struct Word {
    std::string_view word;
    DnsType type;
};
constexpr std::array<Word, 10> kTypes{{{"A", DnsType::A},
                                       {"NS", DnsType::NS},
                                       {"CNAME", DnsType::CNAME},
                                       {"SOA", DnsType::SOA},
                                       {"MX", DnsType::MX},
                                       {"TXT", DnsType::TXT},
                                       {"AAAA", DnsType::AAAA},
                                       {"SRV", DnsType::SRV},
                                       {"RRSIG", DnsType::RRSIG},
                                       {"DNSKEY", DnsType::DNSKEY}}};

void put_u16(std::vector<std::byte>& out, unsigned value) {
    out.push_back(std::byte(value >> 8 & 0xff));
    out.push_back(std::byte(value & 0xff));
}

std::string_view without_root(std::string_view name) {
    if (name.ends_with('.')) name.remove_suffix(1);
    return name;
}

// A bounded sequential reader. After an error all further reads return empty values.
class MessageReader {
public:
    explicit MessageReader(std::span<const std::byte> message) : message_{message} {}

    [[nodiscard]] bool broken() const { return broken_; }
    [[nodiscard]] std::size_t at() const { return at_; }
    void seek(std::size_t at) {
        if (at > message_.size())
            broken_ = true;
        else
            at_ = at;
    }
    unsigned u8() {
        if (broken_ || at_ >= message_.size()) return broken_ = true, 0U;
        return std::to_integer<unsigned>(message_[at_++]);
    }
    unsigned u16() {
        const unsigned high = u8();
        return high << 8 | u8();
    }
    std::uint32_t u32() {
        const std::uint32_t high = u16();
        return high << 16 | u16();
    }
    std::span<const std::byte> take(std::size_t size) {
        if (broken_ || size > message_.size() - at_) return broken_ = true, std::span<const std::byte>{};
        at_ += size;
        return message_.subspan(at_ - size, size);
    }
    // Compression pointers must point backwards, and their number is limited.
    std::string name() {
        std::string text;
        std::size_t bytes = 1, pointers = 0, limit = at_;
        std::optional<std::size_t> behind;
        for (;;) {
            const unsigned length = u8();
            if (broken_) return {};
            if (length == 0) break;
            if ((length & kPointer) == kPointer) {
                const std::size_t to = (length & ~kPointer) << 8 | u8();
                if (!behind) behind = at_;
                if (broken_ || to >= limit || ++pointers > kDnsPointersMax) return broken_ = true, std::string{};
                at_ = limit = to;
                continue;
            }
            bytes += length + 1;
            if (length > kDnsLabelMax || bytes > kDnsNameMax) return broken_ = true, std::string{};
            if (!text.empty()) text += '.';
            for (const std::byte b : take(length)) put_letter(text, std::to_integer<unsigned char>(b));
        }
        if (behind) at_ = *behind;
        return broken_ ? std::string{} : text;
    }

private:
    static void put_letter(std::string& text, unsigned char c) {
        const bool plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (plain) {
            text += lower(static_cast<char>(c));
            return;
        }
        text += '\\';
        for (const unsigned part : {c / 100U, c / 10U % 10U, c % 10U}) text += static_cast<char>('0' + part);
    }

    std::span<const std::byte> message_;
    std::size_t at_ = 0;
    bool broken_ = false;
};

void read_data(MessageReader& reader, DnsRecord& record, std::size_t size) {
    constexpr std::size_t kV4 = 4, kV6 = 16;
    const std::size_t end = reader.at() + size;
    const auto type = static_cast<DnsType>(record.type);
    if (type == DnsType::A && size == kV4) {
        if (const auto bytes = reader.take(kV4); !reader.broken()) record.address = IpAddress::v4(bytes.first<kV4>());
    } else if (type == DnsType::AAAA && size == kV6) {
        if (const auto bytes = reader.take(kV6); !reader.broken()) record.address = IpAddress::v6(bytes.first<kV6>());
    } else if (type == DnsType::CNAME) {
        record.target = reader.name();
    } else if (type == DnsType::SRV) {
        record.priority = static_cast<std::uint16_t>(reader.u16());
        record.weight = static_cast<std::uint16_t>(reader.u16());
        record.port = static_cast<std::uint16_t>(reader.u16());
        record.target = reader.name();
    }
    if (!reader.broken()) reader.seek(end);
}

void read_records(MessageReader& reader, std::size_t count, std::vector<DnsRecord>* out) {
    for (std::size_t i = 0; i < count && !reader.broken(); ++i) {
        DnsRecord record;
        record.name = reader.name();
        record.type = static_cast<std::uint16_t>(reader.u16());
        const unsigned klass = reader.u16();
        record.ttl = reader.u32();
        const std::size_t size = reader.u16();
        read_data(reader, record, size);
        if (!reader.broken() && out != nullptr && klass == kClassIn) out->push_back(std::move(record));
    }
}

}  // namespace

std::optional<DnsType> dns_type(std::string_view word) {
    const auto same = [&](const Word& one) { return same_letters(one.word, word); };
    const auto found = std::ranges::find_if(kTypes, same);
    return found == kTypes.end() ? std::nullopt : std::optional{found->type};
}

DnsFault dns_name_fault(std::string_view name) {
    name = without_root(name);
    if (name.empty()) return DnsFault::None;
    if (name.size() + 2 > kDnsNameMax) return DnsFault::LongName;
    std::size_t label = 0;
    for (const char c : name) {
        if (c != '.') {
            if (++label > kDnsLabelMax) return DnsFault::LongLabel;
        } else if (std::exchange(label, 0) == 0) {
            return DnsFault::EmptyLabel;
        }
    }
    return label == 0 ? DnsFault::EmptyLabel : DnsFault::None;
}

Result<std::vector<std::byte>> dns_query(std::uint16_t id, const DnsQuestion& question) {
    if (dns_name_fault(question.name) != DnsFault::None)
        return fail(Errc::Invalid, "'" + question.name + "' is no DNS name");
    std::vector<std::byte> out;
    for (const unsigned word : {unsigned{id}, kRecursionDesired, 1U, 0U, 0U, 0U}) put_u16(out, word);
    std::string_view rest = without_root(question.name);
    while (!rest.empty()) {
        const std::string_view label = rest.substr(0, rest.find('.'));
        out.push_back(std::byte(label.size()));
        for (const char c : label) out.push_back(static_cast<std::byte>(c));
        rest.remove_prefix(std::min(label.size() + 1, rest.size()));
    }
    out.push_back(std::byte{0});
    put_u16(out, static_cast<unsigned>(question.type));
    put_u16(out, kClassIn);
    return out;
}

std::optional<DnsHeader> dns_header(std::span<const std::byte> message) {
    MessageReader reader{message};
    DnsHeader header;
    header.id = static_cast<std::uint16_t>(reader.u16());
    const unsigned flags = reader.u16();
    header.response = (flags & kResponse) != 0;
    header.truncated = (flags & kTruncated) != 0;
    header.rcode = static_cast<std::uint8_t>(flags & kRcode);
    for (std::uint16_t* count : {&header.questions, &header.answers, &header.authorities, &header.additionals})
        *count = static_cast<std::uint16_t>(reader.u16());
    return reader.broken() ? std::nullopt : std::optional{header};
}

Result<DnsAnswer> dns_answer(std::span<const std::byte> message) {
    const auto header = dns_header(message);
    if (!header) return fail(Errc::Invalid, "the answer is too short");
    const std::size_t records = std::size_t{header->answers} + header->authorities + header->additionals;
    if (header->questions > 1) return fail(Errc::Invalid, "the answer has more than one question");
    if (records > kDnsRecordsMax) return fail(Errc::Limit, "the answer claims " + std::to_string(records) + " records");
    DnsAnswer answer;
    answer.header = *header;
    MessageReader reader{message};
    reader.seek(kDnsHeaderBytes);
    if (header->questions == 1) {
        answer.question = reader.name();
        answer.question_type = static_cast<std::uint16_t>(reader.u16());
        static_cast<void>(reader.u16());
    }
    read_records(reader, header->answers, &answer.answers);
    read_records(reader, header->authorities, nullptr);
    read_records(reader, header->additionals, &answer.additionals);
    if (reader.broken()) return fail(Errc::Invalid, "the answer is damaged");
    return answer;
}

std::vector<IpAddress> dns_addresses(const DnsAnswer& answer, std::string_view name) {
    std::string wanted{without_root(name)};
    std::ranges::transform(wanted, wanted.begin(), lower);
    for (std::size_t hops = 0; hops < kCnamesMax; ++hops) {
        const auto alias = std::ranges::find_if(answer.answers, [&](const DnsRecord& record) {
            return record.type == static_cast<std::uint16_t>(DnsType::CNAME) && record.name == wanted;
        });
        if (alias == answer.answers.end()) break;
        wanted = alias->target;
    }
    std::vector<IpAddress> found;
    for (const auto* records : {&answer.answers, &answer.additionals})
        for (const DnsRecord& record : *records)
            if (!record.address.empty() && record.name == wanted && std::ranges::count(found, record.address) == 0)
                found.push_back(record.address);
    return found;
}

std::string_view dns_rcode_text(std::uint8_t rcode) {
    static constexpr std::array<std::string_view, 6> kTexts{"NOERROR",  "FORMERR", "SERVFAIL",
                                                            "NXDOMAIN", "NOTIMP",  "REFUSED"};
    return rcode < kTexts.size() ? kTexts[rcode] : std::string_view{};
}

}  // namespace mainstay::wire
