// Settings of an instance from keywords that have no member in the configuration model, with global defaults applied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/compact.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::vrrp {

struct HmacKey {
    std::uint8_t id = 0;
    std::vector<std::byte> secret;
    bool operator==(const HmacKey&) const = default;
};

// auth_hmac: a trailer after every advert.
struct HmacSettings {
    enum class Mode : std::uint8_t {
        Enforce,      // signs adverts, and accepts only signed ones
        Permissive,   // signs adverts, and accepts signed and unsigned ones
        ReceiveOnly,  // does not sign adverts, and accepts signed and unsigned ones
    };
    std::vector<HmacKey> keys;
    std::uint8_t active = 0;  // the id of the signing key; one of `keys`
    Seconds window{5};        // the permitted difference of the sender's clock
    bool by_time = true;      // false: the window is ignored, only increasing numbers are required
    Mode mode = Mode::Enforce;
    bool operator==(const HmacSettings&) const = default;
    [[nodiscard]] bool used() const { return !keys.empty(); }
    [[nodiscard]] bool signs() const { return used() && mode != Mode::ReceiveOnly; }
    [[nodiscard]] const HmacKey* key(std::uint8_t id) const;
};

// All settings of one instance.
struct Settings {
    enum class OldChecksum : std::uint8_t { Detect, Always, Never } old_unicast_checksum = OldChecksum::Detect;
    bool check_unicast_src = false;
    bool owner_ignore_adverts = false;
    bool v3_checksum_as_v2 = false;
    bool unicast_fault_no_peer = false;
    std::optional<std::uint8_t> unicast_ttl;           // none: 255, over IPv6 the kernel's default
    std::optional<std::uint8_t> timer_expired_backup;  // the priority whose skew time is waited for
    IpAddress group;                                   // the multicast destination
    CompactOptional<HmacSettings> hmac;
    Micros extra_arps{0};         // garp_extra_if: interval of announcements on interfaces without adverts; 0: none
    bool extra_arps_all = false;  // announce every address there, else one per device
    bool operator==(const Settings&) const = default;
};

[[nodiscard]] Settings settings_of(const config::Instance& instance, const config::Global& global);

// The device on which adverts are sent and received: the interface, else the VRF, else any (empty).
[[nodiscard]] const std::string& advert_device(const config::Instance& instance);

// The size in bytes that this instance needs in the socket's receive buffer, by kernel_rx_buf_size, else by
// vrrp_rx_bufs_policy; none if neither is set. `mtu` is the device's.
[[nodiscard]] std::optional<std::size_t> receive_buffer(const config::Instance& instance, const config::Global& global,
                                                        std::uint32_t mtu);

// One key of auth_hmac: plain text or hex:<digits>. None for file:<path>, which the reader replaces by the file's
// contents, and for a key that is not 32 to 64 bytes long.
inline constexpr std::size_t kHmacKeyLeast = 32, kHmacKeyMost = 64;
[[nodiscard]] std::optional<std::vector<std::byte>> hmac_secret(std::string_view text);

}  // namespace mainstay::vrrp
