// One connection of a client: a request, its answer or a stream of events, the end. Over a unix socket, TCP, or TLS.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <functional>
#include <memory>
#include <variant>

#include "server.hpp"

namespace mainstay::role::http {

// Who asks, from the request's header fields; or the answer that refuses it.
using Identify = std::function<std::variant<Caller, Answer>(const Request&)>;

[[nodiscard]] std::shared_ptr<Connection> make_connection(boost::asio::local::stream_protocol::socket socket,
                                                          std::shared_ptr<Service> service, Identify identify);
[[nodiscard]] std::shared_ptr<Connection> make_connection(boost::asio::ip::tcp::socket socket,
                                                          std::shared_ptr<Service> service, Identify identify);
// The context may be replaced for later connections meanwhile.
[[nodiscard]] std::shared_ptr<Connection> make_connection(boost::asio::ip::tcp::socket socket,
                                                          const std::shared_ptr<boost::asio::ssl::context>& tls,
                                                          std::shared_ptr<Service> service, Identify identify);

}  // namespace mainstay::role::http
