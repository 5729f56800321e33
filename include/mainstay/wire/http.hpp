// As much of HTTP/1.0 and 1.1 (RFC 9112) as HTTP_GET needs: its request, and an answer read piece by piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mainstay/base/error.hpp"

namespace mainstay::wire {

inline constexpr std::size_t kHttpRequestMax = 2047;
inline constexpr std::size_t kHttpHeaderMax = 4095;  // with the empty line that ends it

struct HttpRequest {
    std::string path;
    std::string host;              // as it is to stand in the Host line
    std::string protocol = "1.0";  // "1.0", "1.0C" (with Connection: close), "1.1" (likewise)
};
// Invalid when it is longer than kHttpRequestMax or holds a line end.
[[nodiscard]] Result<std::string> http_request(const HttpRequest& request);

// Follows the chunks of a body (RFC 9112 7.1) to their end, without keeping any of it.
class ChunkWalk {
public:
    void feed(std::string_view bytes);
    [[nodiscard]] bool ended() const { return at_ == At::End; }

private:
    enum class At : std::uint8_t { Size, Extension, Data, DataEnd, Trailer, TrailerLine, End, Broken } at_ = At::Size;
    void size_digit(char c);
    void line_ended();

    std::uint64_t left_ = 0;  // of the chunk
    bool digits_ = false;     // its size has begun
};

// An answer as it arrives. Holds at most kHttpHeaderMax bytes; the body is handed on, not kept.
class HttpReader {
public:
    // The part of `bytes` that belongs to the body, at most Content-Length of them in all; a view into `bytes`.
    // Nothing once the header has proved too long.
    [[nodiscard]] std::string_view feed(std::string_view bytes);

    [[nodiscard]] bool header_ended() const { return ended_; }
    [[nodiscard]] bool header_too_long() const { return too_long_; }
    // What has come of a header that has not ended; after it, all of it.
    [[nodiscard]] std::string_view header() const { return header_; }
    // The three digits after the first space of the status line, when another space follows them. After the header.
    [[nodiscard]] std::optional<std::uint16_t> status() const { return status_; }
    [[nodiscard]] std::optional<std::uint64_t> content_length() const { return content_length_; }
    // All of the answer has come, by what it says of its own length: the connection's end is not needed to know it.
    [[nodiscard]] bool whole() const;
    // By Content-Length, written in any case; it bounds nothing.
    [[nodiscard]] std::optional<std::uint64_t> told_length() const { return told_length_; }
    [[nodiscard]] std::uint64_t body_received() const { return body_received_; }  // beyond Content-Length too

private:
    void read_header();
    void read_field(std::string_view line);
    [[nodiscard]] std::string_view body(std::string_view bytes);

    std::string header_;
    bool ended_ = false, too_long_ = false;
    std::optional<std::uint16_t> status_;
    std::optional<std::uint64_t> content_length_, told_length_;
    std::uint64_t body_received_ = 0;
    bool chunked_ = false;
    ChunkWalk chunks_;
};

}  // namespace mainstay::wire
