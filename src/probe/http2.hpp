// One request over HTTP/2 (RFC 9113), using nghttp2: bytes in, bytes out, no sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mainstay/base/error.hpp"

struct nghttp2_session;

namespace mainstay::probe {

// The limit for all header fields and trailers of an answer, names and values, in bytes.
inline constexpr std::size_t kHttp2HeadersMax = 16 * 1024;

struct Http2Request {
    std::string method = "GET", scheme = "http", authority, path;
    std::vector<std::pair<std::string, std::string>> fields;  // names in lower case
    std::string body;
    std::uint64_t answer_max = std::uint64_t{1} << 20;  // bytes of the answer's body that are read
};

class Http2Client {
public:
    using Body = std::function<void(std::string_view)>;  // receives the answer's body as it arrives

    [[nodiscard]] static Result<std::unique_ptr<Http2Client>> make(Http2Request request, Body body);
    ~Http2Client();
    Http2Client(const Http2Client&) = delete;
    Http2Client& operator=(const Http2Client&) = delete;

    [[nodiscard]] std::string output();  // the bytes to send now; may be empty
    // Takes bytes from the server. An error describes what is invalid in them.
    [[nodiscard]] Result<void> feed(std::string_view bytes);

    [[nodiscard]] bool done() const { return done_; }      // the answer is complete, cut or has failed
    [[nodiscard]] bool is_cut() const { return is_cut_; }  // its body is longer than answer_max
    // The failure: "the server reset the stream: REFUSED_STREAM"; empty: none.
    [[nodiscard]] const std::string& problem() const { return problem_; }
    [[nodiscard]] std::optional<std::uint16_t> status() const { return status_; }
    // A header field or trailer; the last one of that name.
    [[nodiscard]] std::string field(std::string_view name) const;

private:
    struct Callbacks;
    [[nodiscard]] Result<void> check_beginning(std::string_view bytes);
    Http2Client(Http2Request request, Body body) : request_{std::move(request)}, body_{std::move(body)} {}

    Http2Request request_;
    Body body_;
    nghttp2_session* session_ = nullptr;
    std::int32_t stream_ = -1;
    std::size_t sent_ = 0;  // bytes of the request's body
    std::size_t header_bytes_ = 0;
    std::uint64_t answer_bytes_ = 0;
    std::string beginning_;  // the server's first bytes, until the protocol is known
    std::optional<std::uint16_t> status_;
    std::vector<std::pair<std::string, std::string>> fields_;
    bool done_ = false, is_cut_ = false;
    std::string problem_;
};

}  // namespace mainstay::probe
