// The TLS side of the API's listeners, from the texts of its files.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "mainstay/base/error.hpp"

namespace mainstay::role::http {

struct TlsTexts {  // PEM
    std::string certificate, key, client_ca;
    bool wants_client_ca = false;
};
struct TlsMade {
    std::shared_ptr<boost::asio::ssl::context> context;
    std::string warning;  // the certificate has ended, or is not valid yet; empty: nothing
};
[[nodiscard]] Result<TlsMade> make_tls(const TlsTexts& texts);

}  // namespace mainstay::role::http
