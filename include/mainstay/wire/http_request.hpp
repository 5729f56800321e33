// The parts of an HTTP request that the API reads itself: the target, the credentials, what the client accepts, the
// name of the host that it meant. RFC 9110, RFC 7617 (basic), RFC 6750 (bearer). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::wire {

inline constexpr std::size_t kQueryParametersMax = 32;
inline constexpr std::size_t kCredentialBytesMax = 1024;  // the name, and the secret

struct HttpTarget {
    std::string path;                                        // decoded; begins with '/'
    std::vector<std::pair<std::string, std::string>> query;  // decoded; in the order of the target

    // The value of the first parameter of this name; `otherwise` if there is none.
    [[nodiscard]] std::string_view parameter(std::string_view name, std::string_view otherwise = {}) const;
    [[nodiscard]] bool has(std::string_view name) const;
};

// An origin-form target, "/api/v1/events?after=7". Errc::Invalid: it has another form, an escape that is none, a
// control character, an empty segment, "." or "..", or too many parameters.
[[nodiscard]] Result<HttpTarget> http_target(std::string_view target);

struct HttpCredentials {
    enum class Scheme : std::uint8_t { None, Bearer, Basic } scheme = Scheme::None;
    std::string name;    // Basic
    std::string secret;  // the password or the token
};
// The value of an Authorization field; an empty one is Scheme::None. Errc::Invalid: another scheme, or not well formed.
[[nodiscard]] Result<HttpCredentials> http_credentials(std::string_view field);

// True if an Accept field takes this media type ("application/json"): by its name or a wildcard, with a weight above 0.
// An empty field takes all.
[[nodiscard]] bool http_accepts(std::string_view field, std::string_view media_type);
// True if the field names this very media type: a wildcard is not enough.
[[nodiscard]] bool http_asks_for(std::string_view field, std::string_view media_type);

// The name or address in a Host field, without the port and the brackets of an IPv6 address, in lower case. Empty: the
// field is not well formed.
[[nodiscard]] std::string http_host(std::string_view field);

}  // namespace mainstay::wire
