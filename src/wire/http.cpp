#include "mainstay/wire/http.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace mainstay::wire {
namespace {

constexpr std::string_view kHeaderEnd = "\r\n\r\n";
constexpr std::string_view kContentLength = "Content-Length:";  // keepalived: in this case only
constexpr std::size_t kStatusDigits = 3;

bool one_line(std::string_view text) { return text.find_first_of(std::string_view{"\r\n\0", 3}) == text.npos; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<std::uint16_t> status_of(std::string_view line) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    const std::string_view rest = line.substr(space + 1);
    if (rest.size() <= kStatusDigits || rest[kStatusDigits] != ' ') return std::nullopt;
    std::uint16_t status = 0;
    for (const char c : rest.substr(0, kStatusDigits)) {
        if (!is_digit(c)) return std::nullopt;
        status = static_cast<std::uint16_t>(status * 10 + (c - '0'));
    }
    return status;
}

// None when it is no number: the header then bounds nothing.
std::optional<std::uint64_t> length_of(std::string_view line) {
    if (!line.starts_with(kContentLength)) return std::nullopt;
    line.remove_prefix(kContentLength.size());
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    line = line.substr(0, line.find_last_not_of(" \t") + 1);
    std::uint64_t length = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), length);
    if (error != std::errc{} || end != line.data() + line.size()) return std::nullopt;
    return length;
}

}  // namespace

Result<std::string> http_request(const HttpRequest& request) {
    if (!one_line(request.path) || !one_line(request.host))
        return fail(Errc::Invalid, "HTTP request: a path and a host are one line each");
    std::string text = "GET " + request.path + (request.protocol == "1.1" ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
    text += "User-Agent: KeepAliveClient\r\n";
    if (request.protocol != "1.0") text += "Connection: close\r\n";
    text += "Host: " + request.host + "\r\n\r\n";
    if (text.size() > kHttpRequestMax) {
        return fail(Errc::Invalid, "HTTP request: " + std::to_string(text.size()) + " bytes, at most " +
                                       std::to_string(kHttpRequestMax));
    }
    return text;
}

std::string_view HttpReader::feed(std::string_view bytes) {
    if (too_long_) return {};
    if (ended_) return body(bytes);
    const std::size_t before = header_.size();
    header_.append(bytes.substr(0, kHttpHeaderMax - before));
    // The end may have begun in an earlier piece.
    const std::size_t end = header_.find(kHeaderEnd, before < kHeaderEnd.size() ? 0 : before - kHeaderEnd.size() + 1);
    if (end == std::string::npos) {
        too_long_ = header_.size() == kHttpHeaderMax;
        return {};
    }
    ended_ = true;
    header_.resize(end + kHeaderEnd.size());
    read_header();
    return body(bytes.substr(header_.size() - before));
}

std::string_view HttpReader::body(std::string_view bytes) {
    const std::uint64_t before = body_received_;
    body_received_ += bytes.size();
    if (!content_length_) return bytes;
    if (before >= *content_length_) return {};
    return bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), *content_length_ - before)));
}

void HttpReader::read_header() {
    std::string_view rest = header_;
    bool first = true;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find("\r\n"), rest.size());
        const std::string_view line = rest.substr(0, end);
        if (std::exchange(first, false))
            status_ = status_of(line);
        else if (!content_length_)
            content_length_ = length_of(line);
        rest.remove_prefix(std::min(end + 2, rest.size()));
    }
}

}  // namespace mainstay::wire
