// Operators whose commands take time: their connections, until the outcome is known. An operator who goes away
// meanwhile gets no answer; the command is carried out all the same.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/message.hpp"

namespace mainstay::role {

class OperatorQueue {
public:
    static constexpr std::size_t kMost = 16;
    // Longer than the longest hand-over: two intervals of RFC 3768's 255 s.
    static constexpr std::chrono::seconds kAnswerWithin{540};

    explicit OperatorQueue(boost::asio::io_context& loop, std::chrono::milliseconds answer_within = kAnswerWithin)
        : answer_within_{answer_within}, limit_{loop} {}

    // Called once with the outcome. `text`: sealed memory for the operator, or -1.
    using Reply = std::move_only_function<void(const ipc::InstanceAnswered& done, int text)>;

    // The number of the request; 0: too many wait already, and the operator has been answered.
    [[nodiscard]] std::uint64_t add(Reply reply);
    [[nodiscard]] std::uint64_t add(UniqueFd client);  // of mainstayctl
    // `text`: sealed memory for the operator, or -1. An unknown number is ignored.
    void answer(const ipc::InstanceAnswered& done, int text);
    void answer_text(std::uint64_t request, std::int32_t exit_code, const std::string& text);
    void refuse(std::uint64_t request, const std::string& problem) { answer({request, kRefused, problem}, -1); }
    void fail_all(const std::string& problem);

private:
    static constexpr std::int32_t kRefused = 2;
    struct Waiting {
        Reply reply;
        std::chrono::steady_clock::time_point until;
    };
    void arm();

    std::chrono::milliseconds answer_within_;
    std::map<std::uint64_t, Waiting> waiting_;  // the oldest first
    std::uint64_t next_ = 1;
    boost::asio::steady_timer limit_;
};

}  // namespace mainstay::role
