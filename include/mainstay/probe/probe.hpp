// One try of a check, ready to run, whatever its kind. A new kind is one more coroutine and one more line in probe_of.
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
    // Called once, when its turn has come: nothing is connected or allocated for it before.
    using Begin = std::function<boost::asio::awaitable<Finding>(std::shared_ptr<Attempt>)>;

    std::string name;  // for the log: "TCP_CHECK 10.0.0.1:80"
    Begin begin;
};

// `url`: of HTTP_GET and SSL_GET, the one that is tested, from 0. Nothing for kinds whose result comes by another way:
// scripts, files, BFD sessions.
[[nodiscard]] std::optional<Probe> probe_of(const config::Checker& checker, std::uint32_t url, Toolbox& tools);

}  // namespace mainstay::probe
