#include "mainstay/probe/cached_clock.hpp"

#include <boost/asio/post.hpp>

namespace mainstay::probe {

boost::asio::execution_context::id CachedClock::id;  // NOLINT(cert-err58-cpp): does nothing

CachedClock::CachedClock(boost::asio::execution_context& context)
    : boost::asio::execution_context::service{context}, loop_{static_cast<boost::asio::io_context&>(context)} {}

CachedClock::Time CachedClock::now() {
    if (left_ == 0) {
        read_ = std::chrono::steady_clock::now();
        left_ = kUses;
        // Queued after all handlers of this turn.
        if (!std::exchange(turn_ends_, true)) boost::asio::post(loop_, [this] { turn_ends_ = false, left_ = 0; });
    }
    --left_;
    return read_;
}

}  // namespace mainstay::probe
