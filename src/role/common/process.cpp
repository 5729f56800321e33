#include "process.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <utility>
#include <variant>

#include "event_log.hpp"
#include "mainstay/config/keyword_values.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/kernel/clock.hpp"
#include "mainstay/kernel/process.hpp"
#include "mainstay/kernel/scheduling.hpp"
#include "mainstay/kernel/signals.hpp"

namespace mainstay::role {
namespace {

constexpr std::chrono::milliseconds kLogAgain{20};  // the queue of a log socket may hold ten lines only

}  // namespace

ProcessLogs::ProcessLogs(const ipc::RoleStartup& startup, LogModule own)
    : own_{own}, level_{startup.log_level}, log_{log_options_of(startup)} {
    if (own == LogModule::Observer)
        for (const LogModule module : {LogModule::Mail, LogModule::Webhook, LogModule::Api})
            modules_.try_emplace(module, log_, level_);
    set(startup.log_levels);
}

Log& ProcessLogs::of(LogModule module) {
    const auto found = modules_.find(module);
    if (found == modules_.end()) return log_;
    return found->second;
}

void ProcessLogs::set(const LogLevels& levels) {
    levels_ = levels;
    level_ = level_of(levels, own_, level_);
    log_.set_level(level_);
    for (auto& [module, log] : modules_) log.set_level(level_of(levels, module, level_));
}

LogAgain::LogAgain(boost::asio::io_context& loop, kernel::DaemonLog& log) : log_{log}, timer_{loop} {
    log_.retry([this] {
        timer_.expires_after(kLogAgain);
        timer_.async_wait([this](const boost::system::error_code& error) {
            if (!error) log_.flush();
        });
    });
}

namespace {

constexpr int kLowestRealTime = 1, kHighestRealTime = 99;
constexpr std::int64_t kLeastRealTimeUs = 2;  // keepalived: 1 becomes 2

}  // namespace

ProcessOptions process_options(const config::Global& global, Kind kind) {
    ProcessOptions options;
    const KindTraits& traits = traits_of(kind);
    if (traits.keywords == nullptr) return options;
    const auto& values = global.more->values;
    const config::ProcessKeywords& keywords = *traits.keywords;
    if (config::flag(values, config::keyword::process_names)) options.name = traits.process_names;
    for (const auto& keyword : {keywords.old_process_name, keywords.process_name})  // the current one takes precedence
        if (const auto name = config::first_word(values, keyword); !name.empty()) options.name = name;

    options.nice = static_cast<int>(config::value_of(values, keywords.priority).value_or(0));
    options.no_swap = config::flag(values, keywords.no_swap);
    if (!keywords.rt_priority)
        options.rt_priority = global.vrrp_rt_priority;
    else if (const auto wanted = config::value_of(values, *keywords.rt_priority))
        options.rt_priority = static_cast<int>(*wanted);
    if (options.rt_priority) options.rt_priority = std::clamp(*options.rt_priority, kLowestRealTime, kHighestRealTime);
    options.cpus = config::value_of(values, keywords.cpu_affinity).value_or(config::IntegerList{});
    for (const auto& keyword : {keywords.rlimit_rtime, keywords.rlimit_rttime})
        if (const auto limit = config::value_of(values, keyword))
            options.rt_limit = Micros{std::max(*limit, kLeastRealTimeUs)};
    // keepalived: -1 means a rise without a ceiling.
    const auto ceiling = config::value_of(values, config::keyword::max_auto_priority).value_or(0);
    options.auto_ceiling = ceiling < 0 ? kHighestRealTime : static_cast<int>(ceiling);
    options.auto_delay = Micros{config::value_or_default(values, config::keyword::min_auto_priority_delay)};
    return options;
}

int raised_priority(const ProcessOptions& options, int now, Micros late) {
    if (options.auto_ceiling == 0 || late < options.auto_delay || now >= options.auto_ceiling) return now;
    return now + 1;
}

void ProcessTuning::apply(ProcessOptions next) {
    const auto warn = [this](const Result<void>& done, const char* what) {
        if (!done) log_.warning("{}: {}", what, done.error().text());
    };
    if (next.name != now_.name) kernel::set_process_name(next.name.empty() ? own_name_ : next.name);
    if (next.nice != now_.nice) warn(kernel::set_nice(next.nice), "process priority");
    if (next.no_swap != now_.no_swap) warn(kernel::lock_memory(next.no_swap), "no_swap");
    if (next.cpus != now_.cpus) warn(kernel::set_cpus(next.cpus), "cpu_affinity");
    if (!limited_ || next.rt_limit != now_.rt_limit) warn(kernel::limit_real_time(next.rt_limit), "rlimit_rttime");
    const bool changed = next.rt_priority != now_.rt_priority || (!limited_ && slices_ == kernel::Slices::Short);
    limited_ = true;
    now_ = std::move(next);
    if (changed) set_priority(now_.rt_priority.value_or(0));
}

void ProcessTuning::set_priority(int priority) {
    const auto set = priority == 0 ? kernel::set_normal_scheduling(slices_) : kernel::set_realtime(priority);
    if (!set) return log_.warning("rt_priority {}: {}", priority, set.error().text());
    priority_ = priority;
}

void ProcessTuning::look(Micros late) {
    if (const auto times = kernel::real_time_used_up(); times != 0) {
        log_.warning(
            "computed for longer than {} us without blocking and left the real-time class meanwhile; raise "
            "rlimit_rttime if this happens often",
            now_.rt_limit.count());
        set_priority(priority_);
    }
    const int raised = raised_priority(now_, priority_, late);
    if (raised == priority_) return;
    set_priority(raised);
    log_.notice("was {} us late: real-time priority raised to {}", late.count(), raised);
}

bool confine(const std::string& user, std::span<const unsigned> capabilities, const kernel::Reach& reach,
             std::span<const kernel::CallSet> calls, Log& log) {
    auto account = kernel::find_account(user);
    const auto dropped = account ? kernel::drop_privileges(*account, capabilities) : Result<void>{error_of(account)};
    if (!dropped) {
        log.error("cannot drop privileges: {}", dropped.error().text());
        return false;
    }
    if (const auto within = kernel::restrict_reach(reach); !within && within.error().code() != Errc::Unsupported) {
        log.error("cannot restrict paths: {}", within.error().text());
        return false;
    }
    const auto restricted = kernel::restrict_system_calls(calls);
    if (restricted) return true;
    // A kernel or a build without seccomp is accepted; a filter that fails to load is not.
    if (restricted.error().code() == Errc::Unsupported) {
        log.warning("system calls are not restricted: {}", restricted.error().text());
        return true;
    }
    log.error("cannot restrict system calls: {}", restricted.error().text());
    return false;
}

int out_of_memory(Log& log) {
    const auto limit = kernel::own_address_space_limit();
    log.error("out of memory{}", limit == 0 ? std::string{} : fmt::format(" (limited to {} MB)", limit >> 20));
    return kExitOutOfMemory;
}

namespace {

constexpr int kStartupWaitMs = 10'000;

}  // namespace

Result<ipc::RoleStartup> receive_startup(int fd) {
    pollfd wait{fd, POLLIN, 0};
    if (::poll(&wait, 1, kStartupWaitMs) != 1) return fail(Errc::Timeout, "no RoleStartup from the supervisor");
    auto got = ipc::receive_message(fd);
    if (!got) return error_of(got);
    if (!got->has_value() || std::holds_alternative<ipc::Closed>(**got))
        return fail(Errc::State, "the supervisor has died");
    auto& message = std::get<ipc::Received>(**got).message;
    if (!std::holds_alternative<ipc::RoleStartup>(message))
        return fail(Errc::Invalid, "the first message is not a RoleStartup");
    return std::get<ipc::RoleStartup>(std::move(message));
}

namespace {

constexpr int kSignalsPerTurn = 16;  // real-time signals queue up

}  // namespace

SignalRelay::SignalRelay(boost::asio::io_context& loop, Log& log, std::function<void(int)> hand_on)
    : log_{log}, hand_on_{std::move(hand_on)}, queue_{loop} {
    auto queue = kernel::queue_signals(kernel::asking_signals());
    if (!queue) {
        log_.warning("signals to this process are ignored: {}", queue.error().text());
        return;
    }
    queue_.assign(queue->release());
    listen();
}

void SignalRelay::listen() {
    queue_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
        if (error) return;
        take();
        listen();
    });
}

void SignalRelay::take() {
    for (int taken = 0; taken < kSignalsPerTurn; ++taken) {
        const auto signal = kernel::next_signal(queue_.native_handle());
        if (!signal) return;
        if (may_ask_.take(kernel::monotonic_now()))
            hand_on_(*signal);
        else
            log_.debug("signal {} is ignored: there are too many", *signal);
    }
}

void size_netlink_buffer(int fd, const config::Global& global, const config::BufferKeywords& keywords, Log& log) {
    const auto& values = global.more->values;
    const auto bytes = config::value_of(values, keywords.size).value_or(0);
    if (fd < 0 || bytes == 0) return;
    const bool force = config::flag(values, keywords.force);
    const auto sized = kernel::size_buffer(fd, static_cast<int>(std::min<std::int64_t>(bytes, INT_MAX)), force);
    if (!sized) log.warning("{}: {}", keywords.size.text, sized.error().text());
}

}  // namespace mainstay::role
