#include "mainstay/probe/tcp_check.hpp"

#include "connect.hpp"

namespace mainstay::probe {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

TcpAttempt::TcpAttempt(const asio::any_io_executor& executor) : state_{std::make_shared<State>(executor)} {}
TcpAttempt::~TcpAttempt() = default;

void TcpAttempt::cancel() {
    state_->cancelled = true;
    state_->close();
    state_->watchdog.cancel();
}

TcpCheck tcp_check_of(const config::Checker& checker) {
    return {checker.target, checker.bind, checker.bind_if, checker.connect_timeout};
}

asio::awaitable<Finding> tcp_check(TcpCheck check, std::shared_ptr<TcpAttempt> attempt) {
    const auto started = Clock::now();
    const auto state = attempt->state();
    Finding finding = co_await connect(std::move(check), state);
    state->close();
    finding.duration = std::chrono::duration_cast<Micros>(Clock::now() - started);
    co_return finding;
}

}  // namespace mainstay::probe
