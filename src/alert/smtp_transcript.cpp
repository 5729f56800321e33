#include "mainstay/alert/smtp_transcript.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "mail_text.hpp"

namespace mainstay::alert {
namespace {

constexpr std::string_view kMask = "***";
constexpr std::size_t kSecretBytesMin = 4;  // a shorter one would mask every other word

bool is_auth(std::string_view line) {
    constexpr std::string_view kAuth = "AUTH ";
    return line.size() >= kAuth.size() && std::ranges::equal(line.substr(0, kAuth.size()), kAuth, {}, [](char c) {
               return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
           });
}

// "AUTH PLAIN AGJvYgBzZWNyZXQ=" to "AUTH PLAIN ***".
std::string without_response(std::string_view line) {
    const auto mechanism_end = line.find(' ', line.find(' ') + 1);
    return mechanism_end == std::string_view::npos ? std::string{line}
                                                   : fmt::format("{} {}", line.substr(0, mechanism_end), kMask);
}

}  // namespace

void SmtpTranscript::begin(const std::string& user, const std::string& password) {
    const std::lock_guard guard{mutex_};
    partial_.clear();
    asked_for_secret_ = message_was_noted_ = false;
    secrets_.clear();
    if (password.empty()) return;
    const std::string zero(1, '\0');
    secrets_ = {password, base64(password), base64(zero + user + zero + password)};
    std::erase_if(secrets_, [](const std::string& one) { return one.size() < kSecretBytesMin; });
    // The longest first: a part of it must not be masked alone.
    std::ranges::sort(secrets_, std::ranges::greater{}, &std::string::size);
}

void SmtpTranscript::clear() {
    const std::lock_guard guard{mutex_};
    lines_.clear();
}

std::string SmtpTranscript::masked(std::string_view line) const {
    std::string text{line};
    for (const auto& secret : secrets_)
        for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos; at += kMask.size())
            text.replace(at, secret.size(), kMask);
    return text;
}

void SmtpTranscript::add(std::string_view mark, std::string_view line) {
    if (lines_.size() > kTranscriptLinesMax) return;
    if (lines_.size() == kTranscriptLinesMax)
        lines_.emplace_back("* the rest of the dialogue is not shown");
    else
        // Once more at the end: a control character that becomes a blank may have made the password.
        lines_.push_back(fmt::format("{} {}", mark, masked(clean_line(masked(line), kTranscriptLineBytesMax))));
}

void SmtpTranscript::sent(std::string_view bytes) {
    const std::lock_guard guard{mutex_};
    while (!bytes.empty()) {
        const auto end = std::min(bytes.find('\n'), bytes.size());
        auto line = bytes.substr(0, end);
        bytes.remove_prefix(std::min(end + 1, bytes.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (asked_for_secret_)
            add(">", kMask);
        else
            add(">", is_auth(line) ? without_response(line) : line);
    }
    asked_for_secret_ = false;
}

void SmtpTranscript::received(std::string_view bytes) {
    const std::lock_guard guard{mutex_};
    for (const char c : bytes) {
        if (c == '\n') {
            reply_line();
            partial_.clear();
        } else if (c != '\r' && partial_.size() < kTranscriptLineBytesMax) {
            partial_ += c;
        }
    }
}

void SmtpTranscript::reply_line() {
    asked_for_secret_ = partial_.starts_with("334");
    add("<", partial_);
}

void SmtpTranscript::noted(std::string_view text) {
    const std::lock_guard guard{mutex_};
    while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
    add("*", text);
}

void SmtpTranscript::message(std::size_t bytes) {
    const std::lock_guard guard{mutex_};
    if (!std::exchange(message_was_noted_, true)) add(">", fmt::format("(the message, {} bytes)", bytes));
}

std::vector<std::string> SmtpTranscript::after(std::size_t known) const {
    const std::lock_guard guard{mutex_};
    if (known >= lines_.size()) return {};
    return {lines_.begin() + static_cast<std::ptrdiff_t>(known), lines_.end()};
}

}  // namespace mainstay::alert
