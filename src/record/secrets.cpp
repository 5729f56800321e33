#include "mainstay/record/secrets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "mainstay/base/checksum.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/lvs/followed.hpp"
#include "mainstay/vrrp/receive.hpp"
#include "mainstay/vrrp/settings.hpp"
#include "mainstay/wire/vrrp.hpp"
#include "mainstay/wire/vrrp_auth.hpp"

namespace mainstay::record {
namespace {

constexpr std::array<char, 8> kUnknownPassword{'u', 'n', 'k', 'n', 'o', 'w', 'n', '!'};
constexpr std::size_t kStandInsMax = 99'999;  // digits of a stand-in

std::array<std::byte, 8> padded(const std::string& text) {
    std::array<std::byte, 8> bytes{};
    const auto given = std::as_bytes(std::span{text});
    std::ranges::copy(given.first(std::min(given.size(), bytes.size())), bytes.begin());
    return bytes;
}

std::uint8_t vrrp_version(std::span<const std::byte> packet) {
    return static_cast<std::uint8_t>(std::to_integer<std::uint8_t>(packet[0]) >> 4);
}

// Version 2 over IPv4 covers the packet alone.
bool checksum_is_right(std::span<const std::byte> packet) { return ChecksumSum{}.add(packet).finish() == 0; }

void set_checksum(std::span<std::byte> packet, bool right) {
    packet[wire::kVrrpChecksumAt] = packet[wire::kVrrpChecksumAt + 1] = std::byte{0};
    const unsigned sum = ChecksumSum{}.add(packet).finish() ^ (right ? 0U : 0x0101U);
    packet[wire::kVrrpChecksumAt] = static_cast<std::byte>(sum >> 8);
    packet[wire::kVrrpChecksumAt + 1] = static_cast<std::byte>(sum & 0xff);
}

}  // namespace

std::string Secrets::stand_in_for(const Password& real) {
    const auto known = passwords_.find(real);
    if (known != passwords_.end()) return known->second;
    return passwords_.emplace(real, fmt::format("pw-{:05}", std::min(passwords_.size(), kStandInsMax))).first->second;
}

std::string Secrets::stand_in_for_key(const std::string& real) {
    const auto known = keys_.find(real);
    if (known != keys_.end()) return known->second;
    return keys_.emplace(real, fmt::format("stand-in for a key of auth_hmac {:05}", keys_.size())).first->second;
}

void Secrets::replace_keys(config::Instance& instance, OfVrid& known) {
    if (config::find_section(instance.more->sections, config::keyword::auth_hmac) == nullptr) return;
    for (auto& block : instance.more.edit().sections) {
        if (block.keyword != config::keyword::auth_hmac) continue;
        for (auto& line : block.sections) {
            for (auto& value : line.values) {
                auto* words = std::get_if<config::WordList>(&value.data);
                if (value.keyword != config::keyword::secret || words == nullptr || words->empty()) continue;
                const std::string text = words->front();
                const auto real = vrrp::hmac_secret(text);
                const std::string stand_in = real ? stand_in_for_key(text) : std::string{};
                *words = config::WordList{stand_in};
                const auto* id = config::find_value(line.values, config::keyword::id);
                const auto* number = id == nullptr ? nullptr : std::get_if<std::int64_t>(id);
                if (!real || number == nullptr) continue;
                const auto bytes = std::as_bytes(std::span{stand_in});
                known.trailers.push_back({static_cast<std::uint8_t>(*number), *real, {bytes.begin(), bytes.end()}});
            }
        }
    }
}

config::Config Secrets::without(const config::Config& config) {
    config::Config blank = config;
    by_vrid_.clear();
    for (auto& instance : blank.instances) {
        OfVrid& known = by_vrid_[instance.virtual_router_id];
        if (!instance.auth_pass.empty()) {
            const Password real = padded(instance.auth_pass);
            instance.auth_pass = stand_in_for(real);
            if (instance.auth_type == config::AuthType::Ah &&
                std::ranges::find(known.headers, real) == known.headers.end())
                known.headers.push_back(real);
        }
        replace_keys(instance, known);
        instance.notify = {};  // whose arguments are the operator's
    }
    for (auto& group : blank.sync_groups) group.notify = {};
    blank.virtual_servers.clear();
    return blank;
}

Secrets::Password Secrets::blanked(const Password& found) const {
    if (found == Password{}) return found;
    const auto known = passwords_.find(found);
    if (known != passwords_.end()) return padded(known->second);
    return padded({kUnknownPassword.data(), kUnknownPassword.size()});
}

// Appends the VRRP packet, which is everything after a header, to bytes_. Of a packet that cannot be read only the
// header is kept, with its length: no decision depends on the rest.
void Secrets::blank_vrrp(std::span<const std::byte> packet, const vrrp::PacketHeard& heard) {
    const std::size_t at = bytes_.size();
    bytes_.insert(bytes_.end(), packet.begin(), packet.end());
    const auto rest = [&](std::size_t from) { return std::span{bytes_}.subspan(at + std::min(from, packet.size())); };
    if (packet.size() < wire::kVrrpHeaderLength) {
        std::ranges::fill(rest(0), std::byte{0});
        return;
    }
    const auto version = vrrp_version(packet);
    const std::size_t length =
        wire::vrrp_length(version, heard.source.family(), std::to_integer<std::size_t>(packet[3]));
    const bool trails = packet.size() == length + wire::kTrailerLength;
    const auto body = trails ? packet.first(length) : packet;
    if (!wire::decode_vrrp(body, heard.source.family()) || (version != 2 && version != 3)) {
        std::ranges::fill(rest(wire::kVrrpHeaderLength), std::byte{0});
        return;
    }
    std::ranges::fill(rest(length), std::byte{0});  // padding of a short frame, or the trailer
    if (version == 2 && heard.source.is_v4()) {
        const bool right = checksum_is_right(packet.first(length));
        Password found{};
        std::ranges::copy(packet.subspan(length - found.size(), found.size()), found.begin());
        const Password blank = blanked(found);
        if (blank != found) {
            std::ranges::copy(blank, rest(length - blank.size()).begin());
            set_checksum(std::span{bytes_}.subspan(at, length), right);
        }
    }
    if (trails) append_trailer(packet.first(length), packet.subspan(length), heard, at);
}

// Signs the packet at `at` of bytes_ again if its trailer was right.
void Secrets::append_trailer(std::span<const std::byte> packet, std::span<const std::byte> trailer,
                             const vrrp::PacketHeard& heard, std::size_t at) {
    const auto read = wire::decode_trailer(trailer);
    const auto known = by_vrid_.find(std::to_integer<std::uint8_t>(packet[1]));
    if (!read) return;
    const auto head = trailer.first(wire::kTrailerLength - wire::kTrailerHmacLength);  // no secret
    std::ranges::copy(head, bytes_.begin() + static_cast<std::ptrdiff_t>(at + packet.size()));
    if (known == by_vrid_.end()) return;
    const bool v6 = heard.source.is_v6();
    std::vector<std::byte> both{packet.begin(), packet.end()};
    both.insert(both.end(), trailer.begin(), trailer.end());
    const bool right = !v6 || wire::ipv6_checksum_right(both, heard.source, heard.destination);
    for (const HmacKey& key : known->second.trailers) {
        if (key.id != read->key_id || !wire::trailer_right(packet, *read, heard.source, key.real)) continue;
        auto again = wire::encode_trailer(std::span{bytes_}.subspan(at, packet.size()), *read, heard.source,
                                          heard.destination, key.stand_in);
        if (again.size() != both.size()) return;
        if (!right) again[wire::kVrrpChecksumAt] ^= std::byte{1};
        std::ranges::copy(again, bytes_.begin() + static_cast<std::ptrdiff_t>(at));
        return;
    }
}

// Signs bytes_, a VRRP packet without secrets, again if the header of the packet that was heard was right.
void Secrets::wrap_in_header(const vrrp::PacketHeard& heard) {
    constexpr std::size_t kIpIdAt = 4, kTtlAt = 8, kIpHeader = 20;
    const auto header = wire::decode_ah(heard.payload);
    const auto vrid = heard.payload[wire::kAhLength + 1];
    const auto known = by_vrid_.find(std::to_integer<std::uint8_t>(vrid));
    if (header && known != by_vrid_.end() && heard.ip_header.size() == kIpHeader) {
        for (const Password& real : known->second.headers) {
            if (!wire::ah_right(heard.ip_header, heard.payload, real)) continue;
            const Password key = blanked(real);
            const auto id = std::to_integer<unsigned>(heard.ip_header[kIpIdAt]) << 8 |
                            std::to_integer<unsigned>(heard.ip_header[kIpIdAt + 1]);
            bytes_ = wire::encode_ah({.source = heard.source,
                                      .destination = heard.destination,
                                      .ip_id = static_cast<std::uint16_t>(id),
                                      .ttl = std::to_integer<std::uint8_t>(heard.ip_header[kTtlAt]),
                                      .sequence = header->sequence,
                                      .key = key},
                                     bytes_);
            return;
        }
    }
    const auto plain = heard.payload.first(wire::kAhLength - wire::kAhIcvLength);
    bytes_.insert(bytes_.begin(), wire::kAhIcvLength, std::byte{0});
    bytes_.insert(bytes_.begin(), plain.begin(), plain.end());
}

vrrp::PacketHeard Secrets::without(const vrrp::PacketHeard& packet) {
    const bool wrapped = packet.protocol == wire::kAhProtocol;
    vrrp::PacketHeard blank = packet;
    bytes_.clear();
    if (!wrapped) {
        blank_vrrp(packet.payload, packet);
    } else if (packet.payload.size() < wire::kAhLength + wire::kVrrpHeaderLength) {
        bytes_.assign(packet.payload.size(), std::byte{0});
    } else {
        blank_vrrp(packet.payload.subspan(wire::kAhLength), packet);
        wrap_in_header(packet);
    }
    blank.payload = bytes_;
    return blank;
}

namespace {

// The global keywords that the judge reads.
constexpr std::array<std::string_view, 6> kOfTheJudge{
    "no_checker_emails",      "nftables_counters",          "nftables_ipvs",
    "nftables_ipvs_priority", "nftables_ipvs_start_fwmark", "rs_init_notifies"};

}  // namespace

std::string JudgeSecrets::stand_in_for(const std::string& real) {
    const auto known = texts_.find(real);
    if (known != texts_.end()) return known->second;
    return texts_.emplace(real, fmt::format("text-{:05}", texts_.size())).first->second;
}

void JudgeSecrets::replace(config::KeywordValues& values) {
    for (auto& value : values) {
        if (auto* words = std::get_if<config::WordList>(&value.data))
            for (auto& word : *words) word = stand_in_for(word);
        if (auto* command = std::get_if<config::Command>(&value.data))
            for (auto& word : command->argv) word = stand_in_for(word);
    }
}

void JudgeSecrets::replace(config::Section& section) {
    for (auto& name : section.names) name = stand_in_for(name);
    replace(section.values);
    for (auto& inner : section.sections) replace(inner);  // as deep as the schema's blocks
}

void JudgeSecrets::replace(config::ExtraSettings& settings) {
    replace(settings.values);
    for (auto& section : settings.sections) replace(section);
}

config::VirtualServer JudgeSecrets::without(config::VirtualServer service) {
    service.quorum_up = service.quorum_down = config::Command{};  // whose arguments are the operator's
    for (auto& server : service.real_servers) {
        server.notify_up = server.notify_down = config::Command{};
        for (auto& checker : server.checkers) {
            if (lvs::is_followed(checker.type)) continue;  // the name of a file or a session
            if (!(*checker.more == config::ExtraSettings{})) replace(checker.more.edit());
            if (checker.urls.empty()) continue;
            for (auto& url : checker.urls.edit())
                if (!(*url.more == config::ExtraSettings{})) replace(url.more.edit());
        }
    }
    return service;
}

config::Global JudgeSecrets::without(const config::Global& global) {
    config::Global kept;
    kept.lvs_flush = global.lvs_flush;
    kept.lvs_flush_on_stop = global.lvs_flush_on_stop;
    kept.checker_log_all_failures = global.checker_log_all_failures;
    for (const auto& value : global.more->values)
        if (std::ranges::find(kOfTheJudge, value.keyword) != kOfTheJudge.end())
            kept.more.edit().values.push_back(value);
    return kept;
}

}  // namespace mainstay::record
