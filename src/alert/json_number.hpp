// Whole numbers in the files of the spool, which somebody may have edited. Private to the alert module.
#pragma once

#include <concepts>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

namespace mainstay::alert {

// Throws json::exception for anything but a whole number that a T holds. The library's own conversion takes a fraction
// or a number above every bound as well, and what comes of that is undefined.
template <std::integral T>
[[nodiscard]] T whole_number(const nlohmann::json& value) {
    const bool fits = value.is_number_unsigned()  ? std::in_range<T>(value.get<std::uint64_t>())
                      : value.is_number_integer() ? std::in_range<T>(value.get<std::int64_t>())
                                                  : false;
    if (!fits)
        throw nlohmann::json::type_error::create(302, "a whole number in range is wanted: " + value.dump(), &value);
    return value.get<T>();
}

}  // namespace mainstay::alert
