// OpenSSL's libraries are found with every function that is asked for.
#include "mainstay/wire/openssl.hpp"

#include <doctest/doctest.h>

using namespace mainstay::wire;

TEST_CASE("libcrypto and libssl are loaded with all of their functions") {
    CHECK(crypto_there());
    CHECK(crypto().there);
    CHECK(ssl().there);
    CHECK(tls_there());
#define MAINSTAY_CRYPTO_HAS(name) CHECK(static_cast<bool>(crypto().name));
#define MAINSTAY_SSL_HAS(name) CHECK(static_cast<bool>(ssl().name));
    MAINSTAY_LIBCRYPTO(MAINSTAY_CRYPTO_HAS)
    MAINSTAY_LIBSSL(MAINSTAY_SSL_HAS)
}
