// The parts of HTTP/1.0 and 1.1 (RFC 9112) that HTTP_GET needs: the request, and an incremental parser of the answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mainstay/base/error.hpp"

namespace mainstay::wire {

inline constexpr std::size_t kHttpRequestMax = 2047;
inline constexpr std::size_t kHttpHeaderMax = 4095;  // including the empty line at its end

struct HttpRequest {
    std::string path;
    std::string host;              // the value of the Host header
    std::string protocol = "1.0";  // "1.0", "1.0C" (with Connection: close), "1.1" (likewise)
};
// Errc::Invalid if it is longer than kHttpRequestMax or contains a line break.
[[nodiscard]] Result<std::string> http_request(const HttpRequest& request);

// Finds the end of a chunked body (RFC 9112 7.1) without storing it.
class ChunkWalk {
public:
    void feed(std::string_view bytes, std::string* data = nullptr);  // to which what the chunks hold is added
    [[nodiscard]] bool ended() const { return at_ == At::End; }

private:
    enum class At : std::uint8_t { Size, Extension, Data, DataEnd, Trailer, TrailerLine, End, Broken } at_ = At::Size;
    void size_digit(char c);
    void line_ended();

    std::uint64_t left_ = 0;  // bytes left of the current chunk
    bool digits_ = false;     // at least one digit of its size has been read
};

// What the chunks of such a body hold, as far as it is well-formed.
[[nodiscard]] std::string unchunked(std::string_view body);

// Parses an answer as it arrives. It stores the header, at most kHttpHeaderMax bytes, and passes the body on.
class HttpReader {
public:
    // Returns the part of `bytes` that belongs to the body, in total at most Content-Length bytes; a view into `bytes`.
    // Empty after the header has exceeded its limit.
    [[nodiscard]] std::string_view feed(std::string_view bytes);

    [[nodiscard]] bool header_ended() const { return ended_; }
    [[nodiscard]] bool header_too_long() const { return too_long_; }
    // The header as far as it has been received.
    [[nodiscard]] std::string_view header() const { return header_; }
    // The three digits after the first space of the status line, if a space follows them. Valid after the header.
    [[nodiscard]] std::optional<std::uint16_t> status() const { return status_; }
    [[nodiscard]] std::optional<std::uint64_t> content_length() const { return content_length_; }
    // True when the answer is complete according to its own length (Content-Length or chunks), before the connection
    // ends.
    [[nodiscard]] bool whole() const;
    // Its body consists of chunks, which feed() passes on as they are. Valid after the header.
    [[nodiscard]] bool chunked() const { return chunked_; }
    // The value of Content-Length, any upper or lower case; it is only reported, not a limit.
    [[nodiscard]] std::optional<std::uint64_t> declared_length() const { return declared_length_; }
    [[nodiscard]] std::uint64_t body_received() const { return body_received_; }  // beyond Content-Length too

private:
    void read_header();
    void read_field(std::string_view line);
    [[nodiscard]] std::string_view body(std::string_view bytes);

    std::string header_;
    bool ended_ = false, too_long_ = false;
    std::optional<std::uint16_t> status_;
    std::optional<std::uint64_t> content_length_, declared_length_;
    std::uint64_t body_received_ = 0;
    bool chunked_ = false;
    ChunkWalk chunks_;
};

}  // namespace mainstay::wire
