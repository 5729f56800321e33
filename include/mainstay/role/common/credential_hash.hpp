// The hashes of the API's credentials: made by mainstayctl, compared by the observer.
#pragma once

#include <string>
#include <string_view>

#include "mainstay/base/error.hpp"
#include "mainstay/wire/credentials_file.hpp"

namespace mainstay::role {

// A new token: 256 random bits in hexadecimal.
[[nodiscard]] Result<std::string> random_token();
// As the file has them: "token:sha256:...", "password:scrypt:...". The salt is random.
[[nodiscard]] Result<std::string> hash_of_token(std::string_view token);
[[nodiscard]] Result<std::string> hash_of_password(std::string_view password);
// The same work as for a password of hash_of_password(), for a name that nobody has: who guesses names must not see
// from the time which of them exist.
void compare_with_nobody(std::string_view secret);
// Whether it is this credential's secret. Compares in constant time; a password takes some 50 ms.
[[nodiscard]] bool is_secret_of(const wire::Credential& credential, std::string_view secret);

}  // namespace mainstay::role
