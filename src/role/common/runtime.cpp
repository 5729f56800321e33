#include "mainstay/role/common/runtime.hpp"

#include <linux/capability.h>
#include <malloc.h>
#include <poll.h>
#include <unistd.h>

#include <bit>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <new>
#include <optional>

#include "blocks.hpp"
#include "event_log.hpp"
#include "event_writer.hpp"
#include "mainstay/alert/fifos.hpp"
#include "mainstay/alert/scripts.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/ipc/snapshot.hpp"
#include "mainstay/kernel/clock.hpp"
#include "mainstay/kernel/log_sink.hpp"
#include "mainstay/kernel/process.hpp"
#include "mainstay/kernel/scheduling.hpp"
#include "mainstay/kernel/signals.hpp"
#include "message_table.hpp"
#include "process.hpp"
#include "reach.hpp"
#include "send_queue.hpp"

namespace mainstay::role {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::seconds kHeartbeatEvery{1};
constexpr int kMessagesPerTurn = 64;  // of the supervisor; then heartbeats and everything else have their turn
constexpr std::string_view kSpareName = "mainstayd-spare";  // the process name of a spare
constexpr const char* kNotNow = "the process is starting or stopping";
// Free memory up to this size is not returned to the kernel: for growing lists and batches, page faults would take
// longer than the work itself. Unneeded memory is returned once, after the start; by vrrp, which may have to take over
// now, some seconds after that, after a reload, and after its last event.
constexpr int kKeptFree = 64 << 20;
constexpr int kBeatsUntilTrim = 10;  // seconds
// Messages that wait for a supervisor that does not read: every server of a large configuration changes at once, with
// scripts and FIFO lines.
constexpr std::size_t kUnsentMessagesMax = 200'000;
constexpr std::chrono::seconds kLastWords{3};  // for what waits when the process ends

class Process final : public Runtime {
public:
    Process(const RoleTraits& traits, ipc::RoleStartup startup, UniqueFd control)
        : kind_{traits.kind},
          traits_{traits_of(traits.kind)},
          startup_{std::move(startup)},
          logs_{startup_, traits_.log_module},
          control_{loop_, control.release()},
          unread_{control_, kUnsentMessagesMax},
          heartbeat_{loop_},
          last_words_{loop_},
          tuning_{log_, startup_.process_name, traits_.speaks_in_time ? kernel::Slices::Short : kernel::Slices::Usual} {
    }

    asio::io_context& loop() override { return loop_; }
    Log& log() override { return log_; }
    Log& log_of(LogModule module) override { return logs_.of(module); }
    LogLevels log_levels() const override { return logs_.levels(); }
    Instant now() const override { return kernel::monotonic_now(); }
    WallTime wall() const override { return kernel::wall_now(); }
    std::uint64_t generation() const override { return generation_; }
    const ipc::RoleStartup& options() const override { return startup_; }
    const config::Config* running() const override { return started_ ? &running_.config : nullptr; }
    int ipvs_socket() const override { return ipvs_socket_.get(); }
    // Needs root: call it before the privileges are dropped.
    Result<void> open_ipvs_namespace();

    Result<void> open_shared(const RoleTraits& traits);
    int run(const std::function<std::unique_ptr<Role>(Runtime&)>& make);

    void publish(Event event) override;
    void write_fifo(const Event& event) override;
    void run_script(std::string key, std::vector<std::string> extra, std::string queue,
                    std::function<void(const ipc::ScriptResult&)> done) override;
    void send(const ipc::Message& message, int descriptor = -1) override;
    void still_at_work() override;
    void answer(std::uint64_t request, const OperatorReply& reply) override;
    bool rest(int socket) override;
    Result<std::vector<std::byte>> previous_state() override { return block_->read(); }
    void publish_state(const ipc::StateBlock::Writer& write) override;

private:
    // A prepared configuration, until its Commit or Abort.
    struct Prepared {
        std::uint64_t generation = 0;
        UniqueFd snapshot;                     // from which it was read
        std::optional<RunningConfig> running;  // none: byte for byte the same as the running one
        std::optional<config::Config> first;   // for a role that is not started yet
    };

    void listen();
    void drain();
    void beat();
    void send_heartbeat();
    void handle(ipc::Received received);
    void give(const ipc::Message& message, UniqueFd descriptor);
    void request(ipc::RunScript wanted, std::function<void(const ipc::ScriptResult&)> done);
    [[nodiscard]] bool has_sent(const ipc::Message& message, int descriptor = -1);
    void prepare(std::uint64_t generation, UniqueFd snapshot);
    [[nodiscard]] Result<Prepared> read_next(std::uint64_t generation, UniqueFd snapshot);
    [[nodiscard]] Result<bool> read_changes(Prepared& next);
    void run(RunningConfig next, std::optional<config::Config> own);
    void commit(std::uint64_t generation);
    void abort(std::uint64_t generation);
    void supervisor_gone();
    void stop();
    void retire();
    void dump(int signal, UniqueFd files);
    void finish(int code);

    Kind kind_;
    const KindTraits& traits_;
    ipc::RoleStartup startup_;
    ProcessLogs logs_;
    kernel::DaemonLog& log_{logs_.own()};
    EventLog event_log_{log_};
    asio::io_context loop_{1};
    LogAgain log_again_{loop_, log_};
    asio::posix::stream_descriptor control_;
    SendQueue unread_;
    SignalRelay signals_{loop_, log_, [this](int signal) { send(ipc::SignalReceived{signal}); }};
    asio::steady_timer heartbeat_, last_words_;
    ProcessTuning tuning_;
    UniqueFd ipvs_socket_;
    std::optional<ipc::StateBlock> block_;
    EventWriter events_{loop_};
    std::unique_ptr<Role> role_;
    RunningConfig running_;
    const RunningConfig* replaced_ = nullptr;  // the old configuration, while a reload is committed
    UniqueFd snapshot_;                        // from which the running one was read
    std::optional<Prepared> prepared_;
    std::uint64_t generation_ = 0;
    ScriptCalls script_calls_;
    std::uint64_t unsent_ = 0;
    Instant last_beat_{};
    bool started_ = false, stopping_ = false, orphan_ = false;
    int exit_code_ = 0, beats_until_trim_ = 0;
};

Result<void> Process::open_shared(const RoleTraits& traits) {
    auto block = ipc::StateBlock::map(ipc::inherited::kOwnBlock, true);
    if (!block) return error_of(block);
    block_.emplace(std::move(*block));
    if (!traits.has_ring) return {};
    return events_.open();
}

Result<void> Process::open_ipvs_namespace() {
    if (!startup_.has_ipvs_namespace) return {};
    const UniqueFd there{ipc::inherited::kIpvsNamespace};
    auto socket = kernel::generic_netlink_in(there.get());
    if (!socket) return error_of(socket, "net_namespace_ipvs");
    ipvs_socket_ = std::move(*socket);
    return {};
}

int Process::run(const std::function<std::unique_ptr<Role>(Runtime&)>& make) {
    if (traits_.has_many_servers) {
        ::mallopt(M_MMAP_THRESHOLD, kKeptFree / 2);  // NOLINT(concurrency-mt-unsafe): there is one thread
        ::mallopt(M_TRIM_THRESHOLD, kKeptFree);      // NOLINT(concurrency-mt-unsafe): there is one thread
        // Only here: other roles log little, and an unbuffered last line before a crash is worth more.
        log_.gather([this] { asio::post(loop_, [this] { log_.flush(); }); });
    }
    role_ = make(*this);
    listen();
    send_heartbeat();
    loop_.run();
    role_.reset();
    return exit_code_;
}

void Process::listen() {
    control_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
        if (error) return;
        drain();
        if (control_.is_open()) listen();
    });
}

void Process::drain() {
    for (int taken = 0; taken < kMessagesPerTurn && control_.is_open(); ++taken) {
        auto got = ipc::receive_message(control_.native_handle());
        if (!got) {
            log_.error("{}", got.error().text());
            if (got.error().code() != Errc::Invalid && got.error().code() != Errc::Unsupported)
                return supervisor_gone();
            continue;
        }
        if (!got->has_value()) return;
        if (std::holds_alternative<ipc::Closed>(**got)) return supervisor_gone();
        handle(std::get<ipc::Received>(std::move(**got)));
    }
}

void Process::beat() {
    // Of a supervisor that is paused they would fill the queue; a lost one is harmless.
    if (control_.is_open() && unread_.empty())
        (void)ipc::send_message(control_.native_handle(), ipc::Heartbeat{log_.lost_by_reader()});
    last_beat_ = now();
}

void Process::still_at_work() {
    if (now() - last_beat_ >= kHeartbeatEvery) beat();
}

void Process::send_heartbeat() {
    beat();
    heartbeat_.expires_after(kHeartbeatEvery);
    heartbeat_.async_wait([this](const boost::system::error_code& error) {
        if (error || !control_.is_open()) return;
        const auto late = std::chrono::steady_clock::now() - heartbeat_.expiry();
        tuning_.look(std::chrono::duration_cast<Micros>(late));
        event_log_.tick(wall());
        if (beats_until_trim_ == 1) (void)::malloc_trim(0);
        if (beats_until_trim_ > 0) --beats_until_trim_;
        send_heartbeat();
    });
}

void Process::send(const ipc::Message& message, int descriptor) { (void)has_sent(message, descriptor); }

bool Process::has_sent(const ipc::Message& message, int descriptor) {
    if (!control_.is_open()) return false;
    const auto sent = unread_.send(message, descriptor);
    if (sent) return true;
    if (std::has_single_bit(++unsent_))
        log_.warning("a message to the supervisor was lost ({} so far): {}", unsent_, sent.error().text());
    return false;
}

void Process::handle(ipc::Received received) {
    auto& [message, descriptor] = received;
    if (const auto* next = std::get_if<ipc::Prepare>(&message)) return prepare(next->generation, std::move(descriptor));
    if (const auto* now = std::get_if<ipc::Commit>(&message)) return commit(now->generation);
    if (const auto* refused = std::get_if<ipc::Abort>(&message)) return abort(refused->generation);
    if (std::holds_alternative<ipc::Stop>(message)) return stop();
    if (std::holds_alternative<ipc::Retire>(message)) return retire();
    if (const auto* ended = std::get_if<ipc::ScriptResults>(&message)) return script_calls_.on_results(*ended);
    if (const auto* wanted = std::get_if<ipc::DumpRequested>(&message))
        return dump(wanted->signal, std::move(descriptor));
    if (const auto* order = std::get_if<ipc::LogLevelOrder>(&message)) return logs_.set(order->levels);
    give(message, std::move(descriptor));
}

void Process::give(const ipc::Message& message, UniqueFd descriptor) {
    using enum MessageRow::Given;
    const auto given = row_of(message).given;
    if (given == Never) return log_.warning("an unexpected message from the supervisor was ignored");
    const bool now = given == Always || (!stopping_ && (given == UntilStop || (given == Running) == started_));
    if (now) return role_->on(message, std::move(descriptor));
    if (const auto question = ipc::operator_question(message))
        std::visit([this](const auto& asked) { answer(asked.request, {2, kNotNow, {}}); }, *question);
}

void Process::prepare(std::uint64_t generation, UniqueFd snapshot) {
    prepared_.reset();
    auto next = read_next(generation, std::move(snapshot));
    if (!next) {
        log_.error("configuration {} cannot be prepared: {}", generation, next.error().text());
        return send(ipc::Prepared{generation, next.error().text()});
    }
    prepared_ = std::move(*next);
    send(ipc::Prepared{generation, {}});
}

Result<Process::Prepared> Process::read_next(std::uint64_t generation, UniqueFd snapshot) {
    Prepared next{.generation = generation, .snapshot = std::move(snapshot), .running = {}, .first = {}};
    const auto changes = read_changes(next);
    if (!changes) return error_of(changes);
    if (*changes) return next;
    auto config = ipc::read_snapshot(next.snapshot.get());
    if (!config) return error_of(config, "snapshot");
    next.running = to_run(*config, traits_.shows_configuration);
    if (!started_)
        next.first = std::move(*config);
    else if (auto ready = role_->prepare(std::move(*config)); !ready)
        return error_of(ready);
    return next;
}

// Most reloads change a few of thousands of services: only those are decoded. False: something else changed as well, or
// the role needs the whole configuration.
Result<bool> Process::read_changes(Prepared& next) {
    if (!started_ || !snapshot_ || !role_->takes_changes()) return false;
    auto changes = ipc::changed_services(snapshot_.get(), next.snapshot.get());
    if (!changes) return error_of(changes, "snapshot");
    if (!*changes) return false;
    if ((*changes)->empty()) return true;
    RunningConfig running = running_;
    for (const auto& change : **changes) running.scripts.change(change);
    if (!role_->prepare_changes(std::move(**changes))) return false;
    next.running = std::move(running);
    return true;
}

void Process::commit(std::uint64_t generation) {
    if (!prepared_ || prepared_->generation != generation)
        return log_.error("configuration {} was committed without having been prepared", generation);
    Prepared next = *std::exchange(prepared_, {});
    generation_ = generation;
    if (started_ && traits_.logs_reloads) log_.info("Reloading");
    snapshot_ = std::move(next.snapshot);
    if (next.running)
        run(std::move(*next.running), std::move(next.first));
    else
        role_->commit_unchanged();
    if (!stopping_) send(ipc::Committed{generation});
}

void Process::run(RunningConfig next, std::optional<config::Config> own) {
    const RunningConfig before = std::exchange(running_, std::move(next));
    if (!started_ && startup_.spare) kernel::set_process_name(startup_.process_name);
    tuning_.apply(process_options(running_.config.global, kind_));
    const bool first = !std::exchange(started_, true);
    if (!first) {
        replaced_ = &before;  // events of removed objects run its scripts
        role_->commit();
        replaced_ = nullptr;
    } else if (const auto ran = role_->start(std::move(*own), startup_.restarted); !ran) {
        log_.error("cannot start: {}", ran.error().text());
        stopping_ = true;
        return finish(ran.error().code() == Errc::Permission ? 4 : 1);
    }
    // Not after each reload: returning the memory and faulting it in again takes longer than the reload.
    if (traits_.is_short_of_time)
        beats_until_trim_ = kBeatsUntilTrim;
    else if (first)
        (void)::malloc_trim(0);
}

void Process::abort(std::uint64_t generation) {
    if (!prepared_ || prepared_->generation != generation) return;
    const Prepared forgotten = *std::exchange(prepared_, {});
    if (forgotten.running && started_) role_->abort();
}

void Process::publish(Event event) {
    event.at = wall();
    event_log_.write(event);
    events_.write(event);
    if (traits_.is_short_of_time) beats_until_trim_ = kBeatsUntilTrim;
    if (!event.notify) return;
    const bool removed = event.removed && replaced_ != nullptr;
    for (auto& call : (removed ? *replaced_ : running_).scripts.calls(event))
        request({0, std::move(call.key), std::move(call.queue), std::move(call.extra), removed}, {});
    write_fifo(event);
}

void Process::write_fifo(const Event& event) {
    if (!alert::fifos(running_.config.global).empty()) send(ipc::FifoLine{alert::fifo_line(event)});
}

void Process::run_script(std::string key, std::vector<std::string> extra, std::string queue,
                         std::function<void(const ipc::ScriptResult&)> done) {
    request({0, std::move(key), std::move(queue), std::move(extra)}, std::move(done));
}

void Process::request(ipc::RunScript wanted, std::function<void(const ipc::ScriptResult&)> done) {
    const auto number = script_calls_.add(std::move(done), orphan_);
    if (!number) return;
    wanted.request = *number;
    if (!has_sent(wanted)) script_calls_.not_sent(*number);
}

void Process::publish_state(const ipc::StateBlock::Writer& write) {
    const auto published = block_->publish(write);
    if (!published) log_.error("state is not saved for a restart: {}", published.error().text());
}

// A role without a supervisor stops in order: no master is better than one that is not supervised.
void Process::supervisor_gone() {
    if (orphan_) return;
    orphan_ = true;
    if (!stopping_) log_.error("the supervisor has died: stopping");
    boost::system::error_code ignored;
    control_.close(ignored);
    unread_.clear();
    stop();
}

void Process::stop() {
    if (std::exchange(stopping_, true)) return;
    if (!started_) return finish(0);
    role_->stop([this] {
        send(ipc::Stopped{});
        finish(0);
    });
}

// For an upgrade: exits without releasing addresses or services, which the successor takes over.
void Process::retire() {
    if (std::exchange(stopping_, true)) return;
    if (started_) role_->save_state();
    events_.write_all();
    finish(0);
}

bool Process::rest(int socket) {
    pollfd waits{control_.native_handle(), POLLIN, 0};
    if (!control_.is_open() || stopping_ || ::poll(&waits, 1, 0) != 0) return false;
    stopping_ = true;
    send(ipc::Rests{}, socket);
    finish(0);
    return true;
}

void Process::dump(int signal, UniqueFd files) {
    if (!started_) return;
    role_->save_state();
    if (traits_.makes_dumps) return role_->on(ipc::DumpRequested{signal}, std::move(files));
    send(ipc::DumpRequested{signal});
}

void Process::answer(std::uint64_t request, const OperatorReply& reply) {
    ipc::OperatorAnswered answer{request, reply.exit_code, reply.problem};
    const auto memfd = ipc::make_sealed_memfd("answer", std::as_bytes(std::span{reply.text}));
    if (!memfd && answer.problem.empty()) answer.problem = memfd.error().text();
    send(answer, memfd && answer.problem.empty() ? memfd->get() : -1);
}

void Process::finish(int code) {
    events_.kick();
    log_.flush();
    exit_code_ = code;
    last_words_.expires_after(kLastWords);
    last_words_.async_wait([this](const boost::system::error_code&) {
        events_.write_all();
        loop_.stop();
    });
    unread_.when_empty([this] { events_.when_written([this] { loop_.stop(); }); });
}

}  // namespace

int run_role(const RoleTraits& traits, const std::function<std::unique_ptr<Role>(Runtime&)>& make) {
    kernel::ignore_unused_signals();
    UniqueFd control{ipc::inherited::kControl};
    auto startup = receive_startup(control.get());
    if (!startup) {
        (void)std::fprintf(stderr, "this process is started by mainstayd itself: %s\n", startup.error().text().c_str());
        return 1;
    }
    kernel::set_process_name(startup->spare ? kSpareName : startup->process_name);
    Process process{traits, std::move(*startup), std::move(control)};
    auto opened = process.open_shared(traits);
    if (opened) opened = process.open_ipvs_namespace();
    if (!opened) {
        process.log().error("cannot start: {}", opened.error().text());
        return 1;
    }
    if (traits.while_root) traits.while_root(process.options(), process.log());
    auto kept = traits.capabilities;
    if (process.options().may_schedule) kept.push_back(CAP_SYS_NICE);
    if (process.options().may_lock) kept.push_back(CAP_IPC_LOCK);
    const auto reach = reach_of(traits.kind, process.options());
    if (!confine(process.options().user, kept, reach, traits.calls, process.log())) return kExitUnconfined;
    try {
        return process.run(make);
    } catch (const std::bad_alloc&) {
        return out_of_memory(process.log());
    }
}

}  // namespace mainstay::role
