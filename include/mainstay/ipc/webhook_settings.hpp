// Where events are posted, from mainstay.toml: the reader reads it, the observer posts. Holds secrets.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mainstay/base/framed_archive.hpp"

namespace mainstay::ipc {

struct Webhook {
    std::string name, url, ca_file;
    bool cloud_events = false;  // else Alertmanager's body
    std::uint8_t kinds = 0;     // bit k: events of Event::Kind k; 0: of all
    std::uint32_t keep_seconds = 259200;
    std::vector<std::string> headers;
    std::string problem;  // not empty: why nothing may be sent; events wait
    bool operator==(const Webhook&) const = default;
};
struct WebhookSettings {
    std::vector<Webhook> webhooks;
    bool operator==(const WebhookSettings&) const = default;
};

template <class A>
void fields(A& a, Webhook& w) {
    a(w.name, w.url, w.ca_file, w.cloud_events, w.kinds, w.keep_seconds, w.headers, w.problem);
}
template <class A>
void fields(A& a, WebhookSettings& s) {
    a(s.webhooks);
}

}  // namespace mainstay::ipc
