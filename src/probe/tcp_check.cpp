#include "checks.hpp"

#include "connect.hpp"

namespace mainstay::probe {

namespace asio = boost::asio;

asio::awaitable<Finding> tcp_check(Connection check, std::shared_ptr<Attempt> attempt) {
    const auto state = attempt->state();
    Finding finding = co_await make_connection(std::move(check), state);
    state->close();
    finding.duration = std::chrono::duration_cast<Micros>(clock_of(*state).now() - state->begun);
    co_return finding;
}

}  // namespace mainstay::probe
