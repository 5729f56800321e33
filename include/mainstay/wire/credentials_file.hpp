// The file with the API's credentials: who may log in, as what, and what the secret's hash is. One line each:
//
//     NAME read|operate HASH [until=YYYY-MM-DD]
//
// HASH is token:sha256:HEX of a random token, or password:scrypt:N:R:P:SALT:HEX of a password (RFC 7914). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/ip.hpp"

namespace mainstay::wire {

inline constexpr std::size_t kCredentialsMax = 1000;
inline constexpr std::size_t kCredentialNameMax = 64;

struct Credential {
    std::string name;
    bool operate = false;
    bool is_token = false;
    std::uint64_t cost = 0, block = 0, parallel = 0;  // N, R and P of scrypt
    std::vector<std::byte> salt, hash;
    std::int64_t until_unix_s = 0;  // the end of its last day in UTC; 0: it does not end
    bool operator==(const Credential&) const = default;
};
struct CredentialsFile {
    std::vector<Credential> credentials;
    std::vector<std::string> problems;  // "line 3: the role is read or operate": that line is left out
};
[[nodiscard]] CredentialsFile credentials_file(std::string_view text);

// "127.0.0.1:9112", "[::1]:9112"; the port is not 0.
[[nodiscard]] std::optional<Endpoint> listening_endpoint(std::string_view text);
// 127.0.0.0/8 and ::1.
[[nodiscard]] bool is_loopback(const IpAddress& address);

}  // namespace mainstay::wire
