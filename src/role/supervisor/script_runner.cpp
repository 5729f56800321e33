#include "script_runner.hpp"

#include <fmt/format.h>

#include <bit>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <deque>
#include <map>

#include "authorization.hpp"
#include "mainstay/alert/script_requests.hpp"
#include "mainstay/base/script_variables.hpp"
#include "mainstay/kernel/scripts.hpp"
#include "mainstay/role/common/kinds.hpp"
#include "script_errors.hpp"
#include "script_guard.hpp"

namespace mainstay::role {

namespace asio = boost::asio;

namespace {

constexpr std::uint64_t kWarningsAtOnce = 64;
constexpr std::size_t kKeyShown = 200;
constexpr std::chrono::milliseconds kPatienceAtStop{300};
constexpr std::size_t kErrorBytesInBatch = std::size_t{32} << 10;
constexpr std::ptrdiff_t kResultsInMessage = 512;

}  // namespace

using How = ipc::ScriptResult::How;

struct ScriptRunner::Impl : std::enable_shared_from_this<ScriptRunner::Impl> {
    struct Job {
        Kind from;
        ipc::RunScript wanted;
    };
    [[nodiscard]] static bool is_check(Kind from, const std::string& queue) {
        return traits_of(from).checks_servers && queue.empty();
    }
    [[nodiscard]] static bool is_firewall(const std::string& queue) { return queue == alert::kFirewallKey; }
    struct Running {
        Kind from;
        std::uint64_t request;
        std::string key, queue;
        bool timed_out = false, limited = false;
        asio::steady_timer timer;  // its timeout, then the pause before SIGKILL
        std::shared_ptr<ScriptErrors> errors = {};
    };
    struct Queue {
        std::deque<Job> waiting;
        int front = 0;  // pid of the script that the queue waits for; 0: none
        std::unique_ptr<asio::steady_timer> patience;
    };

    Impl(asio::io_context& loop_, Log& log_, Deliver deliver_)
        : loop{loop_}, log{log_}, guard{log_}, deliver{std::move(deliver_)} {}

    void start(const Job& job);
    void time_is_up(int pid);
    void next_in(const std::string& name);
    void start_beside(const std::string& name, int pid);
    void answer(Kind from, std::uint64_t request, How how, int status, std::string errors = {});
    [[nodiscard]] std::shared_ptr<ScriptErrors> follow_errors(const Job& job, const kernel::Account& account);
    [[nodiscard]] std::string errors_of(Running& script, bool failed, const kernel::Ended& end);
    void flush();
    void start_checks();
    void name_withheld(const std::string& key);
    void end(bool firewall);  // the firewall's calls, or all other scripts
    [[nodiscard]] const alert::ScriptEntry* entry_of(const std::string& key, bool removed = false) const;
    // Limits warnings that a role can cause at will: the first kWarningsAtOnce are logged, then number 2^n.
    template <class Text>
    void warn_now_and_then(Kind role, Text text) {
        const auto count = ++warnings[role];
        if (count <= kWarningsAtOnce)
            log.warning("{}", text());
        else if (std::has_single_bit(count))
            log.warning("{} ({} such lines so far)", text(), count);
    }

    asio::io_context& loop;
    Log& log;
    ScriptGuard guard;
    Deliver deliver;
    alert::ScriptTable table;
    alert::ScriptTable table_before;  // the old table, see entry_of()
    std::map<int, Running> running;
    std::map<std::string, Queue> queues;
    std::deque<Job> checks;  // MISC_CHECKs that wait for their turn
    bool checks_posted = false;
    std::map<Kind, ipc::ScriptResults> results;
    std::size_t error_bytes = 0;  // in `results`
    std::size_t followed = 0;     // scripts whose stderr is read
    ReportedErrors reported;
    std::map<Kind, std::uint64_t> warnings;
    bool flush_posted = false;
    std::chrono::seconds notify_wait{10};
    bool hurried = false;
    int network_namespace = -1;
    std::vector<std::string> pass_environment;
    int umask = -1;
    // Variables that scripts do not get are named in the log at the first script that fails, once the settings are
    // known.
    enum class Withheld : std::uint8_t { NotKnown, ToName, Named } withheld = Withheld::NotKnown;
};

void ScriptRunner::Impl::answer(Kind from, std::uint64_t request, How how, int status, std::string errors) {
    if (request == 0) return;
    if (error_bytes + errors.size() > kErrorBytesInBatch) errors.clear();  // a message has a largest size
    error_bytes += errors.size();
    results[from].results.push_back({request, how, status, std::move(errors)});
    if (std::exchange(flush_posted, true)) return;
    asio::post(loop, [self = weak_from_this()] {
        if (const auto alive = self.lock()) alive->flush();
    });
}

void ScriptRunner::Impl::flush() {
    flush_posted = false;
    error_bytes = 0;
    for (auto& [from, batch] : std::exchange(results, {})) {
        auto& all = batch.results;
        for (; all.size() > kResultsInMessage; all.erase(all.begin(), all.begin() + kResultsInMessage))
            deliver(from, {{all.begin(), all.begin() + kResultsInMessage}});
        deliver(from, batch);
    }
}

std::shared_ptr<ScriptErrors> ScriptRunner::Impl::follow_errors(const Job& job, const kernel::Account& account) {
    if (is_firewall(job.wanted.queue) || followed >= kErrorsFollowedMax) return {};
    auto pipe = kernel::ErrorPipe::make(account);
    if (!pipe) {
        log.debug("script {}: what it writes to stderr is lost: {}", job.wanted.key, pipe.error().text());
        return {};
    }
    return ScriptErrors::follow(loop, std::move(*pipe));
}

// The end of what it wrote to stderr, when it failed.
std::string ScriptRunner::Impl::errors_of(Running& script, bool failed, const kernel::Ended& end) {
    if (!script.errors) return {};
    --followed;
    const auto text = script.errors->finish();
    script.errors.reset();
    if (!failed) reported.passed(script.key);
    if (!failed || text.empty()) return {};
    if (reported.is_news(script.key, text))
        log.warning("script {} failed ({}); its last lines on stderr: {}", script.key,
                    script.timed_out ? "timed out" : kernel::text_of(end), text);
    return text;
}

// Of a removed object only the table of before: in the new one another object may have its name. A role that has not
// committed yet asks for what was in that one, too.
const alert::ScriptEntry* ScriptRunner::Impl::entry_of(const std::string& key, bool removed) const {
    if (const auto found = table.find(key); !removed && found != table.end()) return &found->second;
    const auto before = table_before.find(key);
    return before == table_before.end() ? nullptr : &before->second;
}

void ScriptRunner::Impl::start(const Job& job) {
    const auto* entry = entry_of(job.wanted.key, job.wanted.removed);
    if (entry == nullptr) {
        warn_now_and_then(job.from, [&] {
            return fmt::format("script {} is not in the configuration: not run", job.wanted.key.substr(0, kKeyShown));
        });
        return answer(job.from, job.wanted.request, How::NotRun, 0);
    }
    if (running.size() >= (is_check(job.from, job.wanted.queue) ? kChecksRunningMax : kScriptsRunningMax)) {
        warn_now_and_then(job.from, [&] {
            return fmt::format("script {} is not run: {} scripts are running already", job.wanted.key, running.size());
        });
        return answer(job.from, job.wanted.request, How::NotRun, EAGAIN);
    }
    const auto path = guard.path_to_run(job.wanted.key, *entry);
    if (!path) return answer(job.from, job.wanted.request, How::NotRun, EPERM);
    kernel::ScriptProcess process{*path,         entry->argv,       {entry->uid, entry->gid},
                                  entry->groups, network_namespace, pass_environment};
    process.umask = umask;
    process.argv.insert(process.argv.end(), job.wanted.extra.begin(), job.wanted.extra.end());
    auto errors = follow_errors(job, process.account);
    if (errors) process.errors = errors->script_end();
    const auto pid = kernel::spawn_script(process);
    if (!pid) {
        log.warning("script {}: {}", job.wanted.key, pid.error().text());
        return answer(job.from, job.wanted.request, How::NotRun, pid.error().sys_errno());
    }
    auto& now_running = running
                            .emplace(*pid, Running{job.from, job.wanted.request, job.wanted.key, job.wanted.queue,
                                                   false, false, asio::steady_timer{loop}})
                            .first->second;
    if ((now_running.errors = std::move(errors))) ++followed;
    if (!job.wanted.queue.empty()) queues[job.wanted.queue].front = *pid;
    if (entry->timeout == Micros{0}) return;
    now_running.limited = true;
    now_running.timer.expires_after(entry->timeout);
    now_running.timer.async_wait([self = weak_from_this(), id = *pid](const boost::system::error_code& error) {
        const auto alive = self.lock();
        if (!error && alive) alive->time_is_up(id);
    });
}

// Thousands of MISC_CHECKs may be due at the same time; starting a few per turn of the loop keeps a vrrp_script on
// time.
void ScriptRunner::Impl::start_checks() {
    if (checks.empty()) return;
    for (std::size_t i = 0; i < kChecksPerTurn && !checks.empty(); ++i) {
        const Job job = std::move(checks.front());
        checks.pop_front();
        start(job);
    }
    checks_posted = true;  // the rest, and checks that arrive in this turn, are started in the next one
    asio::post(loop, [self = weak_from_this()] {
        const auto alive = self.lock();
        if (!alive) return;
        alive->checks_posted = false;
        alive->start_checks();
    });
}

void ScriptRunner::Impl::time_is_up(int pid) {
    const auto found = running.find(pid);
    if (found == running.end()) return;
    Running& script = found->second;
    const bool second_time = std::exchange(script.timed_out, true);
    kernel::terminate_group(pid, second_time);
    script.timer.expires_after(second_time ? kKillAgain : kKillAfterTerm);
    script.timer.async_wait([self = weak_from_this(), pid](const boost::system::error_code& error) {
        const auto alive = self.lock();
        if (!error && alive) alive->time_is_up(pid);
    });
}

// A script that ran under keepalived may miss a variable, a token for example: names, never values.
void ScriptRunner::Impl::name_withheld(const std::string& key) {
    if (withheld != Withheld::ToName) return;
    withheld = Withheld::Named;
    const auto names = kernel::withheld_from_scripts(pass_environment);
    if (names.empty()) return;
    log.notice(
        "script {} failed. Scripts do not get these variables of the daemon: {}; pass_environment in [scripts] of "
        "mainstay.toml names those that they shall get",
        key, listed_variables(names));
}

// Starts the next script of a queue, unless the running one is still within notify_wait. A call of the firewall's waits
// for the one before it, which has a limit of its own: a set cannot go before the rules that use it.
void ScriptRunner::Impl::next_in(const std::string& name) {
    Queue& queue = queues[name];
    while (queue.front == 0 && !queue.waiting.empty()) {
        const Job job = std::move(queue.waiting.front());
        queue.waiting.pop_front();
        start(job);
    }
    queue.patience.reset();
    if (queue.waiting.empty()) {
        if (queue.front == 0) queues.erase(name);
        return;
    }
    if (is_firewall(name)) return;
    queue.patience =
        std::make_unique<asio::steady_timer>(loop, hurried ? kPatienceAtStop : std::chrono::milliseconds{notify_wait});
    queue.patience->async_wait(
        [self = weak_from_this(), name, pid = queue.front](const boost::system::error_code& error) {
            const auto alive = self.lock();
            if (!error && alive) alive->start_beside(name, pid);
        });
}

void ScriptRunner::Impl::start_beside(const std::string& name, int pid) {
    const auto found = queues.find(name);
    if (found == queues.end() || found->second.front != pid) return;
    if (hurried)
        log.warning("a notify script of {} is still running at the stop: the next one starts in parallel", name);
    else
        log.warning("a notify script of {} has been running for {} s: the next one starts in parallel", name,
                    notify_wait.count());
    found->second.front = 0;
    next_in(name);
}

ScriptRunner::ScriptRunner(asio::io_context& loop, Log& log, Deliver deliver)
    : impl_{std::make_shared<Impl>(loop, log, std::move(deliver))} {}
ScriptRunner::~ScriptRunner() = default;

void ScriptRunner::set_table(alert::ScriptTable table) {
    impl_->table_before = std::exchange(impl_->table, std::move(table));
}

bool ScriptRunner::has(const std::string& key) const { return impl_->table.contains(key); }

bool ScriptRunner::has_limit(const std::string& key) const {
    const auto* entry = impl_->entry_of(key);
    return entry != nullptr && entry->timeout != Micros{0};
}

void ScriptRunner::set_notify_wait(std::chrono::seconds wait) { impl_->notify_wait = wait; }

void ScriptRunner::set_pass_environment(std::vector<std::string> patterns) {
    impl_->pass_environment = std::move(patterns);
    if (impl_->withheld == Impl::Withheld::NotKnown) impl_->withheld = Impl::Withheld::ToName;
}

void ScriptRunner::set_umask(int mask) { impl_->umask = mask; }

void ScriptRunner::set_network_namespace(int fd) { impl_->network_namespace = fd; }

void ScriptRunner::run(Kind from, const ipc::RunScript& wanted) {
    if (Impl::is_check(from, wanted.queue)) {
        if (impl_->checks.size() >= kScriptsRunningMax) {
            impl_->warn_now_and_then(from, [&] {
                return fmt::format("script {} is not run: {} scripts are queued before it", wanted.key,
                                   impl_->checks.size());
            });
            return impl_->answer(from, wanted.request, How::NotRun, EAGAIN);
        }
        impl_->checks.push_back({from, wanted});
        if (!impl_->checks_posted) impl_->start_checks();
        return;
    }
    const bool in_order = Impl::is_firewall(wanted.queue) || impl_->notify_wait.count() > 0;
    if (wanted.queue.empty() || !in_order) return impl_->start({from, wanted});
    auto& queue = impl_->queues[wanted.queue];
    if (queue.waiting.size() >= kQueueMax) {
        impl_->warn_now_and_then(from, [&] {
            return fmt::format("script {} is dropped: {} scripts are queued before it", wanted.key,
                               queue.waiting.size());
        });
        return impl_->answer(from, wanted.request, How::NotRun, 0);
    }
    queue.waiting.push_back({from, wanted});
    // While a script runs, the patience timer runs from the moment when the first one was queued behind it.
    if (queue.front == 0 || !queue.patience) impl_->next_in(wanted.queue);
}

Result<void> ScriptRunner::check(Kind from, const ipc::RunScript& wanted) const {
    const auto* entry = impl_->entry_of(wanted.key, wanted.removed);
    if (entry == nullptr) return {};
    const auto owner =
        entry->requested_by != alert::Requester::Nobody ? entry->requested_by : alert::requester_of_script(wanted.key);
    const auto own = traits_of(from).requester;
    if (own != owner || own == alert::Requester::Nobody) return fail(Errc::Permission, "it belongs to another role");
    const auto arguments = alert::script_arguments(wanted.key, wanted.queue, wanted.extra);
    return arguments ? Result<void>{} : error_of(arguments);
}

bool ScriptRunner::ended(const kernel::Ended& process) {
    const auto found = impl_->running.find(process.pid);
    if (found == impl_->running.end()) return false;
    auto script = std::move(found->second);
    impl_->running.erase(found);
    // A MISC_CHECK's other statuses may be weights.
    const bool failed =
        process.signalled || (Impl::is_check(script.from, script.queue) ? process.status == 1 : process.status != 0);
    if (failed && !Impl::is_firewall(script.queue)) impl_->name_withheld(script.key);
    const How how = script.timed_out ? How::TimedOut : process.signalled ? How::Signalled : How::Exited;
    impl_->answer(script.from, script.request, how, process.status, impl_->errors_of(script, failed, process));
    const auto queue = impl_->queues.find(script.queue);
    if (queue != impl_->queues.end() && queue->second.front == process.pid) {
        queue->second.front = 0;
        impl_->next_in(script.queue);
    }
    return true;
}

std::vector<ipc::HandedScript> ScriptRunner::hand_over() const {
    std::vector<ipc::HandedScript> list;
    for (auto& [pid, script] : impl_->running) {
        // Nobody reads their stderr after the exec: from here on they write what nobody waits for.
        if (std::exchange(script.errors, {})) --impl_->followed;
        const bool limited = script.timed_out || script.limited;
        list.push_back({pid,
                        static_cast<std::uint8_t>(script.from),
                        script.request,
                        script.key,
                        script.queue,
                        {},
                        script.timed_out,
                        limited ? std::chrono::time_point_cast<Instant::duration>(script.timer.expiry()) : Instant{}});
    }
    for (const auto& job : impl_->checks)
        list.push_back({0,
                        static_cast<std::uint8_t>(job.from),
                        job.wanted.request,
                        job.wanted.key,
                        {},
                        job.wanted.extra,
                        false,
                        Instant{}});
    for (const auto& [name, queue] : impl_->queues)
        for (const auto& job : queue.waiting)
            list.push_back({0, static_cast<std::uint8_t>(job.from), job.wanted.request, job.wanted.key, name,
                            job.wanted.extra, false, Instant{}});
    return list;
}

void ScriptRunner::adopt(const std::vector<ipc::HandedScript>& scripts) {
    for (const auto& script : scripts) {
        const auto from = static_cast<Kind>(script.from);
        if (script.pid == 0 && script.queue.empty()) {
            run(from, {script.request, script.key, {}, script.extra});
            continue;
        }
        if (script.pid == 0) {
            impl_->queues[script.queue].waiting.push_back(
                {from, {script.request, script.key, script.queue, script.extra}});
            continue;
        }
        const bool limited = script.due != Instant{};
        auto& running =
            impl_->running
                .emplace(script.pid, Impl::Running{from, script.request, script.key, script.queue, script.timed_out,
                                                   limited, asio::steady_timer{impl_->loop}})
                .first->second;
        if (!script.queue.empty()) impl_->queues[script.queue].front = script.pid;
        if (!limited) continue;
        running.timer.expires_at(std::chrono::time_point_cast<std::chrono::steady_clock::duration>(script.due));
        running.timer.async_wait(
            [self = impl_->weak_from_this(), id = script.pid](const boost::system::error_code& error) {
                const auto alive = self.lock();
                if (!error && alive) alive->time_is_up(id);
            });
    }
    std::vector<std::string> names;
    for (const auto& [name, queue] : impl_->queues) names.push_back(name);
    for (const auto& name : names) impl_->next_in(name);
}

std::size_t ScriptRunner::running() const { return impl_->running.size(); }

void ScriptRunner::hurry() {
    impl_->hurried = true;
    std::vector<std::string> names;
    for (const auto& [name, queue] : impl_->queues) names.push_back(name);
    for (const auto& name : names) impl_->next_in(name);
}

void ScriptRunner::Impl::end(bool firewall) {
    for (const auto& [pid, script] : running) {
        if (is_firewall(script.queue) != firewall) continue;
        if (!script.queue.empty())
            warn_now_and_then(script.from, [&] {
                return fmt::format("script {} did not end in time at the stop: killed", script.key);
            });
        kernel::terminate_group(pid, true);
    }
    for (const auto& [name, queue] : queues)
        for (const auto& job : queue.waiting)
            if (is_firewall(name) == firewall)
                warn_now_and_then(job.from, [&] {
                    return fmt::format("script {} is not run because the daemon stops", job.wanted.key);
                });
    std::erase_if(queues, [&](const auto& queue) { return is_firewall(queue.first) == firewall; });
}

void ScriptRunner::end_notify_scripts() { impl_->end(false); }

void ScriptRunner::end_all() {
    impl_->end(false);
    impl_->end(true);
}

bool ScriptRunner::changes_firewall() const { return impl_->queues.contains(alert::kFirewallKey); }

}  // namespace mainstay::role
