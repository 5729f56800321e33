// The packets that stand in the running segment of a record, so that one that is heard again is a reference to it.
//
// The same adverts come thousands of times a second, mostly in the same order: they lie one behind the other in memory,
// and the one behind the last is looked at first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "mainstay/vrrp/facts.hpp"

namespace mainstay::record {

class KnownPackets {
public:
    static constexpr std::size_t kMost = 16'384;   // those of some thousand instances; with more it begins anew
    static constexpr std::size_t kBytesMax = 512;  // of one; larger packets are written whole each time

    // Where in the segment the packet is; none: it is not there.
    [[nodiscard]] std::optional<std::size_t> find(const vrrp::PacketHeard& packet);
    void keep(const vrrp::PacketHeard& packet, std::size_t at);
    void forget();  // all: another segment begins
    [[nodiscard]] std::size_t size() const { return packets_.size(); }

private:
    // What two packets have alike before their bytes are compared: among it the sizes of all parts.
    struct Shape {
        std::size_t payload_size = 0, header_size = 0, interface_size = 0;
        Family source = Family::None, destination = Family::None;
        std::uint8_t ttl = 0, protocol = 0;
        bool operator==(const Shape&) const = default;
    };
    struct Known {
        std::uint64_t hash = 0;
        std::size_t at = 0;
        std::size_t bytes_at = 0;  // of all that is compared, in bytes_
        Shape shape;
    };
    [[nodiscard]] static Shape shape_of(const vrrp::PacketHeard& packet);
    [[nodiscard]] bool equals(const Known& known, const vrrp::PacketHeard& packet) const;
    void grow();
    // The place of the index that leads to the packet, or the free one where it belongs.
    [[nodiscard]] std::size_t place_of(std::uint64_t hash, const vrrp::PacketHeard* packet) const;

    std::vector<Known> packets_;
    std::vector<std::byte> bytes_;      // of each: payload, IP header, addresses, name of the interface
    std::size_t next_ = 0;              // the one behind the last that was found
    std::vector<std::uint32_t> index_;  // a power of two of places, at most half of them taken: 1 + position, 0 free
};

}  // namespace mainstay::record
