// What an instance does by keywords that no member of the model stands for, resolved through its global defaults.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/config/model.hpp"

namespace mainstay::vrrp {

struct HmacKey {
    std::uint8_t id = 0;
    std::vector<std::byte> secret;
    bool operator==(const HmacKey&) const = default;
};

// auth_hmac: a trailer behind every advert.
struct HmacSettings {
    enum class Mode : std::uint8_t {
        Enforce,      // signs, and believes only what is signed
        Permissive,   // signs, and believes what is not signed at all as well
        ReceiveOnly,  // does not sign, and believes as Permissive does
    };
    std::vector<HmacKey> keys;
    std::uint8_t active = 0;  // the id that signs; one of `keys`
    Seconds window{5};        // how far the sender's clock may be off
    bool by_time = true;      // false: the window is not looked at, only that numbers grow
    Mode mode = Mode::Enforce;
    bool operator==(const HmacSettings&) const = default;
    [[nodiscard]] const HmacKey* key(std::uint8_t id) const;
};

// What a reload must not forget.
struct Settings {
    enum class OldChecksum : std::uint8_t { Detect, Always, Never } old_unicast_checksum = OldChecksum::Detect;
    bool check_unicast_src = false;
    bool owner_ignore_adverts = false;
    bool v3_checksum_as_v2 = false;
    bool unicast_fault_no_peer = false;
    std::optional<std::uint8_t> unicast_ttl;           // else 255; the kernel's own over IPv6
    std::optional<std::uint8_t> timer_expired_backup;  // priority whose skew is waited for
    IpAddress group;                                   // where multicast goes
    std::optional<HmacSettings> hmac;
    Micros extra_arps{0};         // garp_extra_if: distance of announcements where no adverts leave; 0: none
    bool extra_arps_all = false;  // of every address there, else of one for each device
    bool operator==(const Settings&) const = default;
};

[[nodiscard]] Settings settings_of(const config::Instance& instance, const config::Global& global);

// The device that adverts leave by and come in at: the interface, else the vrf, else any (empty).
[[nodiscard]] const std::string& advert_device(const config::Instance& instance);
// Unicast without an interface of its own, in a vrf (which a plan of devices may have put in the interface's place).
[[nodiscard]] bool runs_in_vrf(const config::Instance& instance);

// What the socket's receive buffer must hold for this instance by kernel_rx_buf_size, else by vrrp_rx_bufs_policy; none
// when neither is given. `mtu` is the device's.
[[nodiscard]] std::optional<std::size_t> receive_buffer(const config::Instance& instance, const config::Global& global,
                                                        std::uint32_t mtu);

// One line of auth_hmac's keys: plain text or hex:<digits>. None for file:<path>, which the configuration's reader
// replaces by what the file holds, and for what is not 32 to 64 bytes.
inline constexpr std::size_t kHmacKeyLeast = 32, kHmacKeyMost = 64;
[[nodiscard]] std::optional<std::vector<std::byte>> hmac_secret(std::string_view text);

}  // namespace mainstay::vrrp
