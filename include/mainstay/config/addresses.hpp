// The virtual addresses of an instance as one list, and where they are set.
#pragma once

#include <cstddef>
#include <ranges>
#include <string>

#include "mainstay/config/model.hpp"

namespace mainstay::config {

// Those in the advert, then the excluded ones: what a position of an address counts. Refers to the instance.
[[nodiscard]] inline auto all_addresses(const Instance& instance) {
    const auto at = [&instance](std::size_t position) -> const VirtualAddress& {
        const std::size_t advertised = instance.addresses.size();
        return position < advertised ? instance.addresses[position]
                                     : instance.excluded_addresses[position - advertised];
    };
    return std::views::iota(std::size_t{0}, instance.addresses.size() + instance.excluded_addresses.size()) |
           std::views::transform(at);
}
void all_addresses(const Instance&&) = delete;

// The interface on which the instance sets the address.
[[nodiscard]] inline const std::string& device_of(const VirtualAddress& address, const Instance& instance) {
    return address.dev.empty() ? instance.interface : address.dev;
}

}  // namespace mainstay::config
