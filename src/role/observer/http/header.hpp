// Between Beast's messages and the API's requests and answers. Pure.
#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

#include "exchange.hpp"

namespace mainstay::role::http {

using BeastRequest = boost::beast::http::request<boost::beast::http::string_body>;
using BeastResponse = boost::beast::http::response<boost::beast::http::string_body>;

// The request, or the answer that refuses it: a target, version or method that the API does not take.
[[nodiscard]] std::variant<Request, Answer> request_of(const BeastRequest& message);
// `head`: without the body, of which the header gives the size. The answer's body is moved.
[[nodiscard]] BeastResponse response_of(Answer& answer, bool head);
// The refusal of bytes that Beast cannot read as a request; nullopt: the client has gone, nobody hears an answer.
// `has_target`: the request line was whole.
[[nodiscard]] std::optional<Answer> refusal_of(boost::system::error_code why, bool has_target);

}  // namespace mainstay::role::http
