// After an upgrade the new program replaces the roles one by one: a successor loads everything and waits, the old
// process leaves without releasing anything, the successor goes on from its state block. A role whose successor is lost
// keeps the process that it has.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mainstay/base/log.hpp"
#include "mainstay/role/common/kinds.hpp"

namespace mainstay::role {

inline constexpr std::chrono::seconds kSuccessorWait{30};  // to load the configuration
inline constexpr std::chrono::seconds kRetireWait{1};      // then it is killed; its state is as of a moment ago

class RoleReplacement {
public:
    struct Deeds {
        std::function<bool(Kind)> runs;
        std::function<void(Kind)> start_successor;
        std::function<void(Kind)> drop_successor;
        std::function<int(Kind)> retire;  // asks the old process to leave; its pid
        // All are replaced that can be: how many, and why others are not. Called last: it may end the replacement.
        std::function<void(std::uint32_t done, const std::string& problem)> over;
    };
    RoleReplacement(boost::asio::io_context& loop, Log& log, Deeds deeds);

    void add(Kind kind) { left_.push_back(kind); }  // the last one is replaced first
    void next();
    void successor_ready(Kind kind);
    // The old process goes on, as it is. Called for every spare; only the one that a replacement waits for counts.
    void successor_lost(Kind kind, const std::string& why);
    // True when the old process of this role was asked to leave, and so has.
    [[nodiscard]] bool has_left(Kind kind);
    // The role runs its configuration: the next one is replaced if it was this one's turn.
    void committed(Kind kind);

private:
    boost::asio::io_context& loop_;
    Log& log_;
    Deeds deeds_;
    boost::asio::steady_timer limit_;
    std::vector<Kind> left_;  // the next one at the end
    std::optional<Kind> now_;
    bool retiring_ = false;
    std::uint32_t done_ = 0;
    std::string problem_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // queued handlers look whether this still is
};

}  // namespace mainstay::role
