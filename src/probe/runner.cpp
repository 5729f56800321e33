#include "mainstay/probe/runner.hpp"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <deque>
#include <optional>
#include <unordered_map>

#include "mainstay/probe/cached_clock.hpp"
#include "mainstay/probe/task.hpp"

namespace mainstay::probe {

namespace asio = boost::asio;

// Shared with the running coroutines, which may outlive the Runner by a turn of the loop.
struct Runner::State : std::enable_shared_from_this<Runner::State> {
    State(asio::io_context& the_loop, Log& the_log, Done the_done, std::size_t the_max)
        : loop{the_loop},
          clock{asio::use_service<CachedClock>(the_loop)},
          log{the_log},
          done{std::move(the_done)},
          concurrent_max{the_max} {}

    void launch(std::uint64_t check, Probe what);
    void launch_waiting();
    void ended(std::uint64_t check, const std::shared_ptr<Attempt>& attempt, Finding finding);
    void cancel_all();
    void tell_of_waiting();

    asio::io_context& loop;
    CachedClock& clock;
    Log& log;
    Done done;
    std::size_t concurrent_max;
    std::size_t alive = 0;  // coroutines, the cancelled ones included
    std::unordered_map<std::uint64_t, std::shared_ptr<Attempt>> running;
    std::unordered_map<std::uint64_t, Probe> waiting;
    std::deque<std::uint64_t> order;               // ids of the waiting probes; may contain cancelled ones
    std::optional<CachedClock::Time> short_since;  // since then checks have waited
    CachedClock::Time next_warning{};
    std::function<void()> stopped;
    bool stopping = false;
};

namespace {

constexpr std::chrono::seconds kUnnoticed{1};
constexpr std::chrono::seconds kBetweenWarnings{60};

// The finding is passed through `result`, which keeps its default if an exception is thrown.
asio::awaitable<void> run(Probe what, std::shared_ptr<Attempt> attempt, std::shared_ptr<Finding> result) {
    *result = co_await what.begin(std::move(attempt));
}

}  // namespace

void Runner::State::launch(std::uint64_t check, Probe what) {
    auto attempt = std::make_shared<Attempt>(loop.get_executor());
    auto result = std::make_shared<Finding>();
    running.emplace(check, attempt);
    ++alive;
    std::string name_in_log = what.name;
    spawn(loop.get_executor(), std::move(name_in_log), run(std::move(what), attempt, result),
          [self = shared_from_this(), check, attempt, result](const std::string& name, const std::string& thrown) {
              if (!thrown.empty()) {
                  self->log.error("{} failed with an exception: {}", name, thrown);
                  *result = Finding{lvs::Outcome::NotRun, thrown, {}, {}};
              }
              self->ended(check, attempt, std::move(*result));
          });
}

void Runner::State::ended(std::uint64_t check, const std::shared_ptr<Attempt>& attempt, Finding finding) {
    --alive;
    const auto found = running.find(check);
    if (found != running.end() && found->second == attempt) {
        running.erase(found);
        done(check, std::move(finding));
    }
    launch_waiting();
    if (alive == 0 && stopped) std::exchange(stopped, nullptr)();
}

void Runner::State::launch_waiting() {
    while (alive < concurrent_max && !order.empty()) {
        const std::uint64_t check = order.front();
        order.pop_front();
        auto found = waiting.extract(check);
        if (!found.empty()) launch(check, std::move(found.mapped()));
    }
    tell_of_waiting();
}

// A queue that is gone within a second delays no check by what anybody notices.
void Runner::State::tell_of_waiting() {
    if (waiting.empty()) return short_since.reset();
    const auto now = clock.now();
    if (!short_since) short_since = now;
    if (now - *short_since < kUnnoticed || now < next_warning) return;
    next_warning = now + kBetweenWarnings;
    const bool most = concurrent_max >= kConcurrentChecksMax;
    log.warning(
        "{} health checks wait for others to end, and such have waited for {} s: {} run at a time, {}. Servers are "
        "checked later than delay_loop says, and their failure is noticed later. {}",
        waiting.size(), std::chrono::duration_cast<std::chrono::seconds>(now - *short_since).count(), concurrent_max,
        most ? "which is the most" : "as many as the open descriptors of this process allow",
        most ? "Make connect_timeout shorter, or delay_loop longer"
             : "Raise LimitNOFILE= in the unit, or ulimit -n, and restart the daemon");
}

void Runner::State::cancel_all() {
    waiting.clear();
    const auto attempts = std::exchange(running, {});
    for (const auto& [check, attempt] : attempts) attempt->cancel();
}

Runner::Runner(asio::io_context& loop, Log& log, Done done, std::size_t concurrent_max)
    : state_{std::make_shared<State>(loop, log, std::move(done), concurrent_max)} {}

// Without memory for a list the role ends.
Runner::~Runner() {        // NOLINT(bugprone-exception-escape)
    state_->cancel_all();  // nothing runs any more, so that `done` is not called
}

void Runner::start(std::uint64_t check, Probe what) {
    if (state_->stopping || state_->running.contains(check) || state_->waiting.contains(check)) return;
    if (state_->alive < state_->concurrent_max) return state_->launch(check, std::move(what));
    state_->waiting.emplace(check, std::move(what));
    state_->order.push_back(check);
    state_->tell_of_waiting();
}

void Runner::cancel(std::uint64_t check) {
    state_->waiting.erase(check);
    auto found = state_->running.extract(check);
    if (!found.empty()) found.mapped()->cancel();
}

void Runner::stop(std::function<void()> stopped) {
    state_->stopping = true;
    state_->cancel_all();
    if (state_->alive == 0) {
        asio::post(state_->loop, std::move(stopped));
    } else {
        state_->stopped = std::move(stopped);
    }
}

std::size_t Runner::running() const { return state_->running.size(); }
std::size_t Runner::waiting() const { return state_->waiting.size(); }

}  // namespace mainstay::probe
