#include "mainstay/kernel/error_pipe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "mainstay/base/text.hpp"

namespace mainstay::kernel {
namespace {

constexpr std::size_t kReadAtOnce = std::size_t{64} << 10;  // as much as a pipe holds
constexpr std::size_t kRawBytesKept = 2'048;                // empty lines and what is replaced included
constexpr std::string_view kSeparator = " | ", kCut = "...";

std::string printable(std::string_view line) {
    std::string out;
    while (!line.empty()) {
        const std::size_t length = std::max<std::size_t>(utf8_length(line), 1);
        const auto first = static_cast<unsigned char>(line.front());
        if (length > 1 || (first >= 0x20 && first < 0x7F))
            out += line.substr(0, length);
        else
            out += first == '\t' ? ' ' : '?';
        line.remove_prefix(length);
    }
    return out;
}

std::string without_beginning(const std::string& text) {
    std::size_t from = text.size() - (kErrorBytesKept - kCut.size());
    while (from < text.size() && continues_utf8(text[from])) ++from;
    return std::string{kCut} + text.substr(from);
}

}  // namespace

std::string last_lines(std::string_view written) {
    std::vector<std::string> lines;  // the last one first
    while (!written.empty() && lines.size() < kErrorLinesKept) {
        const auto end = written.find_last_not_of("\r\n");
        if (end == std::string_view::npos) break;
        written = written.substr(0, end + 1);
        const auto before = written.find_last_of("\r\n");
        const auto line = before == std::string_view::npos ? written : written.substr(before + 1);
        if (line.find_first_not_of(" \t") != std::string_view::npos) lines.push_back(printable(line));
        written = written.substr(0, before == std::string_view::npos ? 0 : before);
    }
    std::string text;
    for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
        if (!text.empty()) text += kSeparator;
        text += *line;
    }
    return text.size() > kErrorBytesKept ? without_beginning(text) : text;
}

Result<ErrorPipe> ErrorPipe::make(const Account& owner) {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_system("pipe for a script's errors", errno);
    UniqueFd reading{ends[0]};
    const UniqueFd writing{ends[1]};
    const std::string path = "/proc/self/fd/" + std::to_string(writing.get());
    UniqueFd both{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
    if (!both) return fail_system("open " + path, errno);
    if (::fcntl(reading.get(), F_SETFL, O_NONBLOCK) != 0) return fail_system("fcntl of a pipe", errno);
    // Another account could not open it again. It may be ours, then there is nothing to change.
    if (::geteuid() == 0 && ::fchown(both.get(), owner.uid, owner.gid) != 0) return fail_system("fchown a pipe", errno);
    return ErrorPipe{std::move(both), std::move(reading)};
}

std::size_t ErrorPipe::take() {
    if (!reading_end_) return 0;
    std::array<char, kReadAtOnce> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): read() fills it
    const ssize_t got = ::read(reading_end_.get(), buffer.data(), buffer.size());
    if (got <= 0) return 0;
    kept_.append(buffer.data(), static_cast<std::size_t>(got));
    if (kept_.size() > kRawBytesKept) kept_.erase(0, kept_.size() - kRawBytesKept);
    return static_cast<std::size_t>(got);
}

void ErrorPipe::release() {
    if (script_end_) ::fcntl(script_end_.get(), F_SETFL, O_NONBLOCK);  // of the script's descriptor, too: it is shared
    script_end_.reset();
    reading_end_.reset();
}

}  // namespace mainstay::kernel
