// The dialogue with a relay as an operator may see it: "> EHLO lb1", "< 250 ok", "* Connected to ...". What
// authenticates is masked. Written by the thread of a session, read by the loop.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace mainstay::alert {

inline constexpr std::size_t kTranscriptLinesMax = 1'000;
inline constexpr std::size_t kTranscriptLineBytesMax = 512;

class SmtpTranscript {
public:
    // A new session; what comes is masked wherever it holds the password, also in base64.
    void begin(const std::string& user, const std::string& password);
    void clear();  // forgets the lines, before a session begins

    void sent(std::string_view bytes);      // any number of command lines
    void received(std::string_view bytes);  // any piece of the server's replies
    void noted(std::string_view text);      // by libcurl or by ourselves
    void message(std::size_t bytes);        // the message goes out

    // The lines after the first `known` ones.
    [[nodiscard]] std::vector<std::string> after(std::size_t known) const;

private:
    void add(std::string_view mark, std::string_view line);
    void reply_line();
    [[nodiscard]] std::string masked(std::string_view line) const;

    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
    std::vector<std::string> secrets_;
    std::string partial_;             // of a reply
    bool asked_for_secret_ = false;   // the last reply was 334: a part of AUTH is next
    bool message_was_noted_ = false;  // of this session
};

}  // namespace mainstay::alert
