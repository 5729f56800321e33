// Keeps secrets out of records: passwords and keys are replaced by stand-ins, in the configuration and in packets.
//
// A replay must decide as the role did, so what is equal stays equal and what differs stays different: each secret has
// one stand-in for the life of this object, a packet that was signed correctly is signed again with the stand-in, and a
// wrong password, signature or checksum stays wrong. Own adverts carry secrets too; their digest leaves them out
// (intents.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mainstay/config/model.hpp"
#include "mainstay/vrrp/facts.hpp"

namespace mainstay::record {

class Secrets {
public:
    // Learns the secrets of `config` and returns a copy without them, and without what no VRRP decision depends on.
    [[nodiscard]] config::Config without(const config::Config& config);

    // The packet without passwords and keys. Its bytes are those of `packet`, or stand in this object until the next
    // call.
    [[nodiscard]] vrrp::PacketHeard without(const vrrp::PacketHeard& packet);

private:
    using Password = std::array<std::byte, 8>;
    struct HmacKey {
        std::uint8_t id = 0;
        std::vector<std::byte> real, stand_in;
    };
    struct OfVrid {  // what packets of one VRID may be signed with
        std::vector<Password> headers;
        std::vector<HmacKey> trailers;
    };
    [[nodiscard]] std::string stand_in_for(const Password& real);
    [[nodiscard]] std::string stand_in_for_key(const std::string& real);
    void replace_keys(config::Instance& instance, OfVrid& known);
    [[nodiscard]] Password blanked(const Password& found) const;
    void blank_vrrp(std::span<const std::byte> packet, const vrrp::PacketHeard& heard);
    void append_trailer(std::span<const std::byte> packet, std::span<const std::byte> trailer,
                        const vrrp::PacketHeard& heard, std::size_t at);
    void wrap_in_header(const vrrp::PacketHeard& heard);

    std::map<Password, std::string> passwords_;  // zero padded; the stand-in has 8 characters
    std::map<std::string, std::string> keys_;    // as they are written in the configuration
    std::map<std::uint8_t, OfVrid> by_vrid_;     // of the last configuration
    std::vector<std::byte> bytes_;               // of the packet without secrets
};

// The same for the judge: of its configuration only what it decides by is kept, and each text of a check that may hold
// a secret (what is sent, headers, passwords) has one stand-in for the life of this object, because equal checks may
// share their probe.
class JudgeSecrets {
public:
    [[nodiscard]] static config::Global without(const config::Global& global);
    [[nodiscard]] config::VirtualServer without(config::VirtualServer service);

private:
    [[nodiscard]] std::string stand_in_for(const std::string& real);
    void replace(config::ExtraSettings& settings);
    void replace(config::KeywordValues& values);
    void replace(config::Section& section);

    std::map<std::string, std::string> texts_;
};

}  // namespace mainstay::record
