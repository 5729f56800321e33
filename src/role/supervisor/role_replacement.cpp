#include "role_replacement.hpp"

#include <signal.h>

#include <boost/asio/post.hpp>

namespace mainstay::role {

RoleReplacement::RoleReplacement(boost::asio::io_context& loop, Log& log, Handlers handlers)
    : loop_{loop}, log_{log}, handlers_{std::move(handlers)}, limit_{loop} {}

void RoleReplacement::next() {
    limit_.cancel();
    if (now_ && !traits_of(*now_).has_spare) handlers_.drop_successor(*now_);
    now_.reset();
    retiring_ = false;
    while (!left_.empty() && !handlers_.runs(left_.back())) left_.pop_back();
    if (left_.empty()) {
        log_.notice("upgrade complete: {} roles run the new program{}{}", done_,
                    problem_.empty() ? "" : "; not replaced: ", problem_);
        const auto over = handlers_.over;
        return over(done_, std::string{problem_});
    }
    const Kind kind = left_.back();
    left_.pop_back();
    now_ = kind;
    limit_.expires_after(kSuccessorWait);
    limit_.async_wait([this, kind](const boost::system::error_code& error) {
        if (error) return;
        successor_lost(kind, "the new process was not ready in time");
        handlers_.drop_successor(kind);
    });
    handlers_.start_successor(kind);
}

void RoleReplacement::successor_ready(Kind kind) {
    if (now_ != kind || retiring_) return;
    if (!handlers_.runs(kind)) return;  // the old process died meanwhile and is being restarted
    retiring_ = true;
    const int pid = handlers_.retire(kind);
    limit_.expires_after(kRetireWait);
    limit_.async_wait([pid](const boost::system::error_code& error) {
        if (!error) ::kill(pid, SIGKILL);
    });
}

void RoleReplacement::successor_lost(Kind kind, const std::string& why) {
    if (now_ != kind || retiring_) return;
    const char* label = traits_of(kind).label;
    log_.error("the {} process is not replaced: {}", label, why);
    problem_ += (problem_.empty() ? "" : "; ") + std::string{label} + ": " + why;
    now_.reset();
    boost::asio::post(loop_, lifetime_.guard([this] {
        if (!now_) next();
    }));
}

bool RoleReplacement::has_left(Kind kind) {
    if (!retiring_ || now_ != kind) return false;
    limit_.cancel();
    return true;
}

void RoleReplacement::committed(Kind kind) {
    if (now_ != kind) return;
    ++done_;
    next();
}

}  // namespace mainstay::role
