// One connection of a client: a request, its answer or a stream of events, the end. Over a unix socket, TCP, or TLS.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "exchange.hpp"
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

// Between Beast's requests and the API's, and from its answers to text. Pure.

using BeastRequest = boost::beast::http::request<boost::beast::http::string_body>;

// The request, or the answer that refuses it: a target, version or method that the API does not take.
[[nodiscard]] std::variant<Request, Answer> request_of(const BeastRequest& message);
// The status line and the fields, with the empty line at their end. The answer to a HEAD is this alone. `chunked`: the
// body has no length that is known (RFC 9112 7.1).
[[nodiscard]] std::string header_of(const Answer& answer, bool chunked = false);
// A piece of a chunked body; an empty one is its end.
[[nodiscard]] std::string chunk_of(std::string piece);
// The refusal of bytes that Beast cannot read as a request; nullopt: the client has gone, nobody hears an answer.
// `has_target`: the request line was whole.
[[nodiscard]] std::optional<Answer> refusal_of(boost::system::error_code why, bool has_target);

}  // namespace mainstay::role::http
