#include "mainstay/role/common/credential_hash.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <span>
#include <vector>

namespace mainstay::role {
namespace {

constexpr std::size_t kHashBytes = 32, kTokenBytes = 32, kSaltBytes = 16;
// RFC 7914's own for interactive log-ins.
constexpr std::uint64_t kCost = 16'384, kBlock = 8, kParallel = 1;
constexpr std::uint64_t kMemoryMax = 160U << 20U;

using Hash = std::array<unsigned char, kHashBytes>;

std::string hex_of(std::span<const unsigned char> bytes) { return fmt::format("{:02x}", fmt::join(bytes, "")); }

template <std::size_t N>
Result<std::array<unsigned char, N>> random_bytes() {
    std::array<unsigned char, N> bytes{};
    if (::RAND_bytes(bytes.data(), static_cast<int>(N)) != 1) return fail(Errc::Io, "OpenSSL has no random bytes");
    return bytes;
}

bool sha256(std::string_view text, Hash& hash) {
    unsigned size = 0;
    return ::EVP_Digest(text.data(), text.size(), hash.data(), &size, ::EVP_sha256(), nullptr) == 1 &&
           size == hash.size();
}

bool scrypt(std::string_view text, const wire::Credential& as, Hash& hash) {
    return ::EVP_PBE_scrypt(text.data(), text.size(), reinterpret_cast<const unsigned char*>(as.salt.data()),
                            as.salt.size(), as.cost, as.block, as.parallel, kMemoryMax, hash.data(), hash.size()) == 1;
}

}  // namespace

Result<std::string> random_token() {
    const auto bytes = random_bytes<kTokenBytes>();
    if (!bytes) return error_of(bytes);
    return hex_of(*bytes);
}

Result<std::string> hash_of_token(std::string_view token) {
    Hash hash{};
    if (!sha256(token, hash)) return fail(Errc::Unsupported, "OpenSSL has no SHA-256");
    return "token:sha256:" + hex_of(hash);
}

Result<std::string> hash_of_password(std::string_view password) {
    const auto salt = random_bytes<kSaltBytes>();
    if (!salt) return error_of(salt);
    wire::Credential as{.name = {}, .cost = kCost, .block = kBlock, .parallel = kParallel, .salt = {}, .hash = {}};
    const auto bytes = std::as_bytes(std::span{*salt});
    as.salt.assign(bytes.begin(), bytes.end());
    Hash hash{};
    if (!scrypt(password, as, hash)) return fail(Errc::Unsupported, "OpenSSL has no scrypt");
    return fmt::format("password:scrypt:{}:{}:{}:{}:{}", kCost, kBlock, kParallel, hex_of(*salt), hex_of(hash));
}

void compare_with_nobody(std::string_view secret) {
    const wire::Credential nobody{.name = {},
                                  .cost = kCost,
                                  .block = kBlock,
                                  .parallel = kParallel,
                                  .salt = std::vector<std::byte>(kSaltBytes),
                                  .hash = std::vector<std::byte>(kHashBytes)};
    static_cast<void>(is_secret_of(nobody, secret));
}

bool is_secret_of(const wire::Credential& credential, std::string_view secret) {
    Hash hash{};
    if (!(credential.is_token ? sha256(secret, hash) : scrypt(secret, credential, hash))) return false;
    return credential.hash.size() == hash.size() &&
           ::CRYPTO_memcmp(credential.hash.data(), hash.data(), hash.size()) == 0;
}

}  // namespace mainstay::role
