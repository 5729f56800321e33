// A probe of any kind, ready to run. A new kind of check takes one coroutine and one line in probe_of().
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "attempt.hpp"
#include "finding.hpp"
#include "toolbox.hpp"

namespace mainstay::probe {

struct Probe {
    // Called once, when the probe starts: nothing is connected or allocated before.
    using Begin = std::function<boost::asio::awaitable<Finding>(std::shared_ptr<Attempt>)>;

    std::string name;  // for the log: "TCP_CHECK 10.0.0.1:80"
    Begin begin;
};

// `url`: for HTTP_GET and SSL_GET, the index of the URL to test. None for kinds that are not probed: scripts, files,
// BFD sessions.
[[nodiscard]] std::optional<Probe> probe_of(const config::Checker& checker, std::uint32_t url, Toolbox& tools);

}  // namespace mainstay::probe
