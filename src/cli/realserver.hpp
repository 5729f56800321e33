// mainstay-realserver, for an LVS-DR real server: sets the virtual address on lo and suppresses ARP for it, so that
// only the director answers ARP requests.
//
// arp_ignore 1 answers only for addresses of the interface that was asked; arp_announce 2 never names the VIP as
// sender. Both are set on `all` (a setting there counts for every interface, the larger of the two wins) and on lo,
// as operators know it. IPv6 needs neither: neighbour discovery never answers for another interface's address.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/ip.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::cli {

// An address that a director may hand to this server: unicast, not loopback, not link-local, alone or as /32 or
// /128. The error says what is wrong with the text.
[[nodiscard]] Result<Prefix> parse_virtual_address(std::string_view text);

struct ArpSetting {
    std::string_view name;  // below /proc/sys
    int wanted;
    [[nodiscard]] bool is_right(int value) const;
};
inline constexpr std::array<ArpSetting, 4> kArpSettings{{{"net/ipv4/conf/lo/arp_ignore", 1},
                                                         {"net/ipv4/conf/lo/arp_announce", 2},
                                                         {"net/ipv4/conf/all/arp_ignore", 1},
                                                         {"net/ipv4/conf/all/arp_announce", 2}}};

// Lines for people; `right` decides the exit status.
struct Report {
    bool right = true;
    std::vector<std::string> lines;
};

// All three are idempotent and may run concurrently. An error: nothing, or only a part, was done; repeating the call
// continues from there.
[[nodiscard]] Result<Report> real_server_up(const std::vector<Prefix>& vips);
[[nodiscard]] Result<Report> real_server_down(const std::vector<Prefix>& vips);
// Changes nothing and needs no privilege. Without addresses: those that `up` has set.
[[nodiscard]] Result<Report> real_server_status(std::vector<Prefix> vips);

// The state of `mainstay-realserver` between `up` and `down`: its addresses, and the former ARP settings. Stored in
// /run/mainstay/realserver/state, which is replaced by rename, never changed in place.
struct RealServerState {
    std::set<Prefix> vips;
    std::map<std::string, int> saved;  // ARP settings by name; only known names
    bool operator==(const RealServerState&) const = default;
};

// The file's text. `boot` identifies the boot: a state of an earlier one says nothing, and is read as empty.
[[nodiscard]] std::string to_text(const RealServerState& state, std::string_view boot);
// Errors name the line. Only names of kArpSettings and numbers come through: the text may lie in a folder that
// others could write.
[[nodiscard]] Result<RealServerState> from_text(std::string_view text, std::string_view boot);

class StateFile {
public:
    // For changes: makes the folder, and waits at most 10 s for another change to end. Holds the lock as long as it
    // lives.
    [[nodiscard]] static Result<StateFile> open_for_change();
    [[nodiscard]] Result<RealServerState> read() const;
    // On disk (or tmpfs) when it returns; an empty state removes the file.
    [[nodiscard]] Result<void> write(const RealServerState& state) const;

    // For looking: no lock, no folder made; empty when there is none.
    [[nodiscard]] static Result<RealServerState> peek();

private:
    StateFile(UniqueFd folder, UniqueFd lock) : folder_{std::move(folder)}, lock_{std::move(lock)} {}
    UniqueFd folder_, lock_;
};

// The nftables ruleset by which a real server behind a tunnel asks clients for segments that fit into the tunnel. Pure.

// Bytes of a TCP segment without any header. RFC 9293, 3.7.1: who hears nothing else takes 536.
inline constexpr std::uint16_t kLeastMss = 536, kMostMss = 65535 - 20 - 20;

[[nodiscard]] Result<std::uint16_t> parse_mss(std::string_view text);

// For `nft -f -`; it replaces what an earlier one has set. The MSS option in what these addresses answer to a
// connection's begin is lowered to `mss`; a smaller one stays. `vips` is not empty.
[[nodiscard]] std::string mss_rules(std::uint16_t mss, const std::vector<Prefix>& vips);

}  // namespace mainstay::cli
