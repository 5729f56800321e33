// Where mails go, from mainstay.toml: the reader reads it, the observer delivers. Holds a password.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mainstay/base/framed_archive.hpp"

namespace mainstay::ipc {

struct MailRelay {
    std::string host;
    std::uint16_t port = 25;
    std::uint8_t tls = 0;  // config::MailRelay::Tls
    bool operator==(const MailRelay&) const = default;
};
struct MailSettings {
    std::vector<MailRelay> relays;  // in the order of preference; empty: the configuration's smtp_server
    std::string ca_file;            // empty: the system's authorities
    std::string user, password;     // for relays with TLS; no user: no AUTH
    bool operator==(const MailSettings&) const = default;
};

template <class A>
void fields(A& a, MailRelay& m) {
    a(m.host, m.port, m.tls);
}
template <class A>
void fields(A& a, MailSettings& m) {
    a(m.relays, m.ca_file, m.user, m.password);
}

}  // namespace mainstay::ipc
