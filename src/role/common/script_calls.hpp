// The scripts whose results a role waits for: their numbers, and who is called with the result.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "mainstay/ipc/message.hpp"

namespace mainstay::role {

class ScriptCalls {
public:
    static constexpr std::size_t kWaitingMax = 65'536;
    using Done = std::function<void(const ipc::ScriptResult&)>;

    // The number of the request; 0: no result is needed. None: too many wait, or `refuse`, and `done` has been called.
    [[nodiscard]] std::optional<std::uint64_t> add(Done done, bool refuse) {
        if (!done) return 0;
        const auto request = next_++;
        if (waiting_.size() >= kWaitingMax || refuse) {
            done({request, ipc::ScriptResult::How::NotRun, EAGAIN});
            return std::nullopt;
        }
        waiting_.emplace(request, std::move(done));
        return request;
    }
    // Results of unknown numbers are ignored.
    void on_results(const ipc::ScriptResults& results) {
        for (const auto& result : results.results)
            if (const auto found = waiting_.extract(result.request); !found.empty()) found.mapped()(result);
    }

private:
    // The pid makes the numbers differ from those of an earlier incarnation, whose script results must match no
    // request.
    std::uint64_t next_ = static_cast<std::uint64_t>(::getpid()) << 32 | 1;
    std::map<std::uint64_t, Done> waiting_;
};

}  // namespace mainstay::role
