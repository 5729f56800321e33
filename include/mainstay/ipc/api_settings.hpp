// The settings of the API in mainstay.toml, [api]: the reader reads them, the supervisor opens the files that they
// name, the observer listens.
#pragma once

#include <string>
#include <vector>

#include "mainstay/base/framed_archive.hpp"

namespace mainstay::ipc {

struct ApiSettings {
    std::vector<std::string> listen;                                   // addresses with ports
    std::string tls_certificate, tls_key, tls_client_ca, credentials;  // files; empty: none
    bool operate = false;                                              // whether the API may change something at all
    std::string peer;                                                  // URL of the other director's API; empty: none
    std::string peer_token, peer_ca;                                   // files; empty: none
    bool operator==(const ApiSettings&) const = default;
};

template <class A>
void fields(A& a, ApiSettings& s) {
    a(s.listen, s.tls_certificate, s.tls_key, s.tls_client_ca, s.credentials, s.operate, s.peer, s.peer_token,
      s.peer_ca);
}

}  // namespace mainstay::ipc
