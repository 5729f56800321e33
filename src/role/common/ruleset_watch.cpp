#include "ruleset_watch.hpp"

#include "cancel.hpp"

namespace mainstay::role {

namespace {

constexpr std::chrono::milliseconds kLookAfter{100};

}  // namespace

void RulesetWatch::start(kernel::Nftables& nftables) {
    if (changes_) return;
    changes_.emplace(loop_, nftables.change_fd());
    wait(nftables);
}

void RulesetWatch::stop() {
    cancel_quietly(timer_);
    if (changes_) changes_->release();
    changes_.reset();
}

void RulesetWatch::wait(kernel::Nftables& nftables) {
    changes_->async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [this, &nftables](const boost::system::error_code& error) {
                             if (error) return;
                             nftables.forget_changes();
                             if (!std::exchange(armed_, true)) {
                                 timer_.expires_after(kLookAfter);
                                 timer_.async_wait([this](const boost::system::error_code& stopped) {
                                     armed_ = false;
                                     if (!stopped) look_();
                                 });
                             }
                             wait(nftables);
                         });
}

}  // namespace mainstay::role
