// GRPC_CHECK: whether grpc.health.v1.Health/Check answers SERVING. HTTP/2 by prior knowledge, or with TLS by ALPN.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>

#include "mainstay/probe/attempt.hpp"
#include "mainstay/probe/finding.hpp"
#include "mainstay/probe/toolbox.hpp"

namespace mainstay::probe {

struct GrpcCheck {
    Connection connection;
    std::string service;  // the service to check; empty: the server as a whole
    std::string authority, path;
    std::string not_possible;              // what this host lacks: the check is not run
    std::shared_ptr<const TlsClient> tls;  // null: no TLS
    TlsWish wish;
};
[[nodiscard]] GrpcCheck grpc_check_of(const config::Checker& checker, Toolbox& tools);

[[nodiscard]] boost::asio::awaitable<Finding> grpc_check(GrpcCheck check, std::shared_ptr<Attempt> attempt);

}  // namespace mainstay::probe
