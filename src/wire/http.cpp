#include "mainstay/wire/http.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "mainstay/base/text.hpp"

namespace mainstay::wire {
namespace {

constexpr std::string_view kHeaderEnd = "\r\n\r\n";
constexpr std::string_view kContentLength = "Content-Length:";  // keepalived: in this case only
constexpr std::size_t kStatusDigits = 3;

bool one_line(std::string_view text) { return text.find_first_of(std::string_view{"\r\n\0", 3}) == text.npos; }

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

// The value of a header field, whose name is case-insensitive; none if it is another field.
std::optional<std::string_view> field(std::string_view line, std::string_view name) {
    if (line.size() < name.size() || !same_letters(line.substr(0, name.size()), name)) return std::nullopt;
    line.remove_prefix(name.size());
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    return line.substr(0, line.find_last_not_of(" \t") + 1);
}

std::optional<std::uint64_t> number_of(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

// None if it is not a number: the header is then ignored.
std::optional<std::uint64_t> length_of(std::string_view line) {
    if (!line.starts_with(kContentLength)) return std::nullopt;
    const auto value = field(line, kContentLength);
    return value ? number_of(*value) : std::nullopt;
}

// The last transfer coding delimits the body.
bool ends_chunked(std::string_view codings) {
    constexpr std::string_view kChunked = "chunked";
    return codings.size() >= kChunked.size() &&
           same_letters(codings.substr(codings.size() - kChunked.size()), kChunked);
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
    if (chunked_) chunks_.feed(bytes);
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
        else
            read_field(line);
        rest.remove_prefix(std::min(end + 2, rest.size()));
    }
}

void HttpReader::read_field(std::string_view line) {
    if (!content_length_) content_length_ = length_of(line);
    if (const auto length = field(line, kContentLength); length && !declared_length_)
        declared_length_ = number_of(*length);
    if (const auto codings = field(line, "Transfer-Encoding:")) chunked_ = ends_chunked(*codings);
}

// RFC 9112 6.3: some answers have no body; chunked encoding overrides Content-Length.
bool HttpReader::whole() const {
    constexpr std::uint16_t kNoContent = 204, kNotModified = 304;
    if (!ended_) return false;
    if (status_ == kNoContent || status_ == kNotModified) return true;
    if (chunked_) return chunks_.ended();
    return declared_length_ && body_received_ >= *declared_length_;
}

void ChunkWalk::size_digit(char c) {
    const int digit = is_digit(c)            ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    constexpr std::uint64_t kMost = std::uint64_t{1} << 60U;  // before it, one more digit still fits
    if (digit >= 0 && left_ < kMost) {
        left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
        digits_ = true;
    } else {
        at_ = digits_ && digit < 0 ? At::Extension : At::Broken;
    }
}

void ChunkWalk::line_ended() {
    switch (at_) {
        case At::Size:
        case At::Extension:
            at_ = !digits_ ? At::Broken : left_ == 0 ? At::Trailer : At::Data;
            digits_ = false;
            return;
        case At::DataEnd:
            at_ = At::Size;
            return;
        case At::Trailer:
            at_ = At::End;
            return;
        case At::TrailerLine:
            at_ = At::Trailer;
            return;
        default:
            return;
    }
}

void ChunkWalk::feed(std::string_view bytes, std::string* data) {
    while (!bytes.empty()) {
        if (at_ == At::End || at_ == At::Broken) return;
        if (at_ == At::Data) {
            const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
            left_ -= step;
            if (data != nullptr) data->append(bytes.substr(0, step));
            bytes.remove_prefix(step);
            if (left_ == 0) at_ = At::DataEnd;
            continue;
        }
        const char c = bytes.front();
        bytes.remove_prefix(1);
        if (c == '\n')
            line_ended();
        else if (c == '\r')
            continue;
        else if (at_ == At::Size)
            size_digit(c);
        else if (at_ == At::Trailer)
            at_ = At::TrailerLine;
        else if (at_ == At::DataEnd)
            at_ = At::Broken;
    }
}

std::string unchunked(std::string_view body) {
    std::string data;
    ChunkWalk{}.feed(body, &data);
    return data;
}

}  // namespace mainstay::wire
