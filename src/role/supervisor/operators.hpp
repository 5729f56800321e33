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
#include "mainstay/role/common/identity.hpp"

namespace mainstay::role {

class OperatorQueue {
public:
    // That wait for one process. Of servers an outcome takes moments: many hosts may be drained at once.
    static constexpr std::size_t kMostOfVrrp = 16, kMostOfLvs = 128;
    // How long the process is waited for that carries the command out. For the VRRP process longer than the longest
    // hand-over: two intervals of RFC 3768's 255 s.
    struct Waits {
        std::chrono::milliseconds for_vrrp{540'000}, for_lvs{20'000};
    };

    explicit OperatorQueue(boost::asio::io_context& loop) : OperatorQueue{loop, Waits{}} {}
    OperatorQueue(boost::asio::io_context& loop, Waits waits) : waits_{waits}, limit_{loop} {}

    // Called once with the outcome. `text`: sealed memory for the operator, or -1.
    using Reply = std::move_only_function<void(const ipc::OperatorAnswered& done, int text)>;

    // The number of the question, which it is given; 0: too many wait already, and the operator has been answered.
    [[nodiscard]] std::uint64_t add(ipc::OperatorQuestion& question, Reply reply);
    [[nodiscard]] std::uint64_t add(ipc::OperatorQuestion& question, UniqueFd client);  // of mainstayctl
    // `text`: sealed memory for the operator, or -1. Ignored: a number that is unknown, or that another process was
    // asked.
    void answer(Kind by, const ipc::OperatorAnswered& done, int text);
    void answer_text(std::uint64_t request, std::int32_t exit_code, const std::string& text);
    void refuse(std::uint64_t request, const std::string& problem) { end({request, kRefused, problem}, -1); }
    void fail_all(const std::string& problem);
    void process_died(Kind kind);  // what it was to carry out is not answered any more

private:
    static constexpr std::int32_t kRefused = 2;
    struct Waiting {
        Reply reply;
        Kind by;  // the process that carries it out
        std::chrono::steady_clock::time_point until;
    };
    void end(const ipc::OperatorAnswered& done, int text);
    void arm();
    template <class Condition>
    void refuse_all(const Condition& condition, const std::string& problem);

    Waits waits_;
    std::map<std::uint64_t, Waiting> waiting_;  // the oldest first
    std::uint64_t next_ = 1;
    boost::asio::steady_timer limit_;
};

}  // namespace mainstay::role
