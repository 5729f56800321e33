// Requests to a registry, one after the other, with libcurl.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::cli {

// Set by SIGTERM and SIGINT: every request and pause ends soon.
[[nodiscard]] bool asked_to_stop();
void watch_for_stop();
// False: it was cut short.
bool pause_for(std::chrono::milliseconds time);

struct RegistryTls {
    std::string ca_file, cert_file, key_file;  // empty: the system's CAs, no certificate of our own
};

struct RegistryRequest {
    std::string url;
    std::vector<std::string> headers;  // "X-Consul-Token: ..."
    std::optional<std::string> body;   // of a POST; none: GET
    std::chrono::milliseconds within{10'000};
    // Called with each piece of the answer's body; false ends the request, which is no error. Without it the body is
    // kept.
    std::function<bool(std::string_view)> piece = {};
};
struct RegistryReply {
    int status = 0;
    std::string body;
    std::string index, known_leader, last_contact;  // Consul's headers; empty: absent
    bool cut = false;                               // by `piece`, or the time was over while pieces came
};

class RegistryHttp {
public:
    explicit RegistryHttp(RegistryTls tls);
    ~RegistryHttp();
    RegistryHttp(const RegistryHttp&) = delete;
    RegistryHttp& operator=(const RegistryHttp&) = delete;

    // Errc::Io: no answer; the text says why.
    [[nodiscard]] Result<RegistryReply> perform(const RegistryRequest& request);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// As a part of a path or query.
[[nodiscard]] std::string url_escaped(std::string_view text);

// The first line of a file that only its owner and group may read. Read again for each request: it may be replaced.
[[nodiscard]] Result<std::string> secret_of(const std::string& file);

}  // namespace mainstay::cli
