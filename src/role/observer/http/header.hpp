// Between Beast's requests and the API's, and from its answers to text. Pure.
#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <string>

#include "exchange.hpp"

namespace mainstay::role::http {

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
