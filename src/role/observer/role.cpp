#include "mainstay/role/observer/role.hpp"
#include "mainstay/base/lifetime.hpp"

#include <malloc.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <map>
#include <optional>

#include "api_host.hpp"
#include "bus.hpp"
#include "connection_sample.hpp"
#include "delivery_commands.hpp"
#include "dump_writer.hpp"
#include "event_source.hpp"
#include "history.hpp"
#include "mainstay/alert/mailer.hpp"
#include "mainstay/alert/smtp.hpp"
#include "mainstay/base/overloaded.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/kernel/host_facts.hpp"
#include "mainstay/report/document.hpp"
#include "mainstay/report/rate_history.hpp"
#include "record_keeper.hpp"
#include "rest.hpp"
#include "role/common/blocks.hpp"

namespace mainstay::role {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::chrono::milliseconds kLastLookAfter{10};
constexpr std::chrono::seconds kTick{1}, kComplainEvery{60};  // the latter: that a spool or socket cannot be opened
constexpr std::chrono::milliseconds kFlushWithin{3'500}, kFlushLook{5};  // at stop; the supervisor waits longer
constexpr std::size_t kEventsAtOnce = 256;
constexpr std::chrono::seconds kAskForTrafficEvery{10};  // however often metrics are collected
// Reading a large state is dear: while nobody looks it is read this seldom, its counters never, and graphs have gaps.
constexpr std::chrono::minutes kLargeTableEvery{10};
constexpr std::chrono::seconds kLargeSharedFor{1};

class ObserverRole final : public Role {
public:
    explicit ObserverRole(Runtime& runtime)
        : runtime_{runtime},
          tick_{runtime.loop()},
          flush_{runtime.loop()},
          last_look_{runtime.loop()},
          kick_{runtime.loop()} {}

    Result<void> start(config::Config config, bool restarted) override;
    Result<void> prepare(config::Config next) override {
        next_ = std::move(next);
        return {};
    }
    void commit() override;
    void abort() override { next_.reset(); }
    void stop(std::function<void()> done) override;
    void on(const ipc::Message& message, UniqueFd descriptor) override;

private:
    Result<void> map_sources();
    ipc::ObserverStatus resume();
    void open_spool();
    void open_socket();
    void open_history();
    [[nodiscard]] std::string history_folder() const { return runtime_.options().spool_directory + "/history"; }
    void configure();
    bool complain();
    void tick();
    [[nodiscard]] bool is_idle();
    void rest_if_idle();
    void wait_kick();
    void wake();
    void collect();
    bool collect_from(EventSource& source);
    void log_lost(const EventSource& source, std::uint64_t lost, std::uint64_t last);
    void acknowledge();
    void flush_step(Instant deadline, const std::function<void()>& done);
    http::ApiSources api_sources();
    void ask_for_traffic();
    void sample_rates();
    [[nodiscard]] std::optional<report::LvsStatus> lvs_status() {
        return large_.noted(read_status<report::LvsStatus>(lvs_.block));
    }
    [[nodiscard]] std::shared_ptr<const report::DaemonStatus> shared_status();
    report::DaemonStatus status();
    std::vector<Dump> dumps_for(int signal);

    Runtime& runtime_;
    config::Global global_;
    std::optional<config::Config> next_;
    EventSource vrrp_{"vrrp"}, lvs_{"lvs"};
    std::optional<ipc::StateBlock> bfd_block_;  // the bfd role has no event ring
    std::unique_ptr<alert::SmtpTransport> transport_;
    std::optional<alert::Mailer> mailer_;
    WebhookHost webhooks_{runtime_, [this] { wake(); }};
    MailCommands mail_commands_{runtime_, mailer_, [this] { wake(); }};
    WebhookCommands webhook_commands_{runtime_, webhooks_, [this] { wake(); }};
    ApiHost api_{runtime_};
    ObserverBus bus_{runtime_, vrrp_.ring, vrrp_.block};
    asio::steady_timer tick_, flush_, last_look_;
    asio::posix::stream_descriptor kick_;
    report::MailCounters before_;  // of earlier incarnations
    std::uint64_t events_lost_ = 0;
    std::optional<report::Supervision> supervision_;
    Instant traffic_asked_{}, sampled_{};
    std::weak_ptr<const report::DaemonStatus> sent_;
    LargeStates large_;
    report::RateHistory rates_;
    ConnectionSample connections_;
    History history_{[this] { api_.wake_streams(); }};
    HistoryLog history_log_{runtime_.log()};
    RecordKeeper records_{runtime_.loop(), runtime_.log()};
    RestSchedule rest_;
    DumpWriter dump_writer_{runtime_.loop(), runtime_.log()};
    std::map<std::string, vrrp::Counters> cleared_;  // counters at the last clearing, subtracted in the dumps
    WallTime since_;
    Instant complained_{};
    bool wake_queued_ = false;
    Lifetime lifetime_;
};

Result<void> ObserverRole::map_sources() {
    if (auto mapped = vrrp_.map(ipc::inherited::kVrrpRing, ipc::inherited::kVrrpBlock, ipc::inherited::kVrrpMark);
        !mapped)
        return mapped;
    if (auto mapped = lvs_.map(ipc::inherited::kLvsRing, ipc::inherited::kLvsBlock, ipc::inherited::kLvsMark); !mapped)
        return mapped;
    auto block = ipc::StateBlock::map(ipc::inherited::kBfdBlock, false);
    if (!block) return error_of(block, "bfd");
    bfd_block_.emplace(std::move(*block));
    return {};
}

// Continues after the last event that an earlier incarnation has on disk.
ipc::ObserverStatus ObserverRole::resume() {
    const auto bytes = runtime_.previous_state();
    if (!bytes) return {};
    const auto previous = decode<ipc::ObserverStatus>(*bytes);
    if (!previous) {
        runtime_.log().warning("the observer's earlier state is unreadable: {}", previous.error().text());
        return {};
    }
    vrrp_.acknowledge(previous->vrrp_acknowledged);
    lvs_.acknowledge(previous->lvs_acknowledged);
    vrrp_.durable = vrrp_.acknowledged;
    lvs_.durable = lvs_.acknowledged;
    before_.sent = previous->mails_sent;
    before_.failed = previous->mails_failed;
    for (std::size_t i = 0; i < std::min(previous->cleared_instances.size(), previous->cleared_counters.size()); ++i)
        cleared_[previous->cleared_instances[i]] = previous->cleared_counters[i];
    return *previous;
}

Result<void> ObserverRole::start(config::Config config, bool) {
    global_ = config.global;
    since_ = runtime_.wall();
    rest_.worked(runtime_.now());
    if (auto mapped = map_sources(); !mapped) return mapped;
    auto transport = alert::SmtpTransport::make(runtime_.loop());
    if (!transport) return error_of(transport);
    transport_ = std::move(*transport);
    if (auto started = webhooks_.start(resume()); !started) return started;
    bus_.start(config, vrrp_.acknowledged);
    error_code ec;
    kick_.assign(ipc::inherited::kObserverKick, ec);
    if (ec) return fail(Errc::Io, "the event descriptor: " + ec.message(), ec.value());
    wait_kick();
    tick();
    return {};
}

void ObserverRole::commit() {
    if (!next_) return;
    global_ = next_->global;
    bus_.commit(*next_);
    next_.reset();
    rest_.worked(runtime_.now());
    configure();
    wake();
}

void ObserverRole::on(const ipc::Message& message, UniqueFd descriptor) {
    std::visit(Overloaded{
                   [&](const ipc::SupervisionReport& m) { supervision_ = m.now; },
                   [&](const ipc::OperatorAnswered& m) { api_.answered(m, descriptor); },
                   [&](const ipc::ApiSettings& m) { api_.settings(m); },
                   [&](const ipc::ApiFile& m) { api_.file(m, descriptor); },
                   [&](const ipc::WebhookSettings& m) { webhooks_.settings(m); },
                   [&](const ipc::RecordMemory&) { records_.memory(descriptor); },
                   [&](const ipc::DumpRequested& m) {
                       rest_.asked(runtime_.now());
                       dump_writer_.write(std::move(descriptor), dumps_for(m.signal));
                   },
                   [](const auto&) {},
               },
               message);
}

void ObserverRole::configure() {
    if (mailer_) {
        mailer_->configure(global_,
                           {.host_name = kernel::host_name(), .utc_offset_s = kernel::utc_offset_s(runtime_.wall())},
                           mail_settings(runtime_.options()));
    }
}

bool ObserverRole::complain() {
    const Instant now = runtime_.now();
    if (complained_ != Instant{} && now - complained_ < kComplainEvery) return false;
    complained_ = now;
    return true;
}

// Both are retried every second: the folders may appear later. Mails are in memory until then.
void ObserverRole::open_spool() {
    if (mailer_) return;
    const auto& directory = runtime_.options().spool_directory;
    auto spool = alert::Spool::open(directory);
    if (!spool) spool = alert::Spool::in_memory(directory, spool.error());
    for (const auto& problem : spool->problems()) runtime_.log().error("mail spool: {}", problem);
    mailer_.emplace(std::move(*spool), *transport_, runtime_.log_of(LogModule::Mail), [this] { wake(); });
    configure();
}

void ObserverRole::open_socket() {
    const auto opened = api_.open(api_sources());
    if (!opened && complain()) runtime_.log().error("mainstayctl status will not work: {}", opened.error().text());
    api_.look();
}

// An earlier incarnation saw who is master.
void ObserverRole::open_history() {
    if (history_log_.is_open()) return;
    history_log_.open(history_folder(), history_);
    if (!history_log_.is_open()) return;
    for (const auto& entry : history_.newest(kHistoryEntriesMax)) records_.recall(entry.event);
}

void ObserverRole::tick() {
    open_socket();
    open_spool();
    open_history();
    history_log_.sync();
    mailer_->settle_spool();
    webhooks_.tick(global_, kernel::host_name());
    if (const auto* running = runtime_.running())
        webhooks_.close_alerts(
            *running, runtime_.generation(),
            {[this] { return read_status<report::VrrpStatus>(vrrp_.block); }, [this] { return lvs_status(); }});
    configure();  // the host's name or time zone may have changed
    sample_rates();
    collect();
    records_.look(history_folder(), runtime_.now(), runtime_.wall());
    if (large_.was_read()) (void)::malloc_trim(0);  // what that and its answer took
    tick_.expires_after(kTick);
    tick_.async_wait([this](error_code ec) {
        if (!ec) tick();
    });
    rest_if_idle();
}

bool ObserverRole::is_idle() {
    const auto* config = runtime_.running();
    if (api_.was_asked()) rest_.asked(runtime_.now());
    return config != nullptr && !next_ && !needs_observer(*config) && !webhooks_.is_used() && !api_.is_busy() &&
           mailer_->spool().mails().empty() && !mailer_->sending() && history_log_.is_written() && !records_.waits() &&
           rest_.is_due(runtime_.now());
}

// Nothing is taken any more before the last look: what comes later is for the next process.
void ObserverRole::rest_if_idle() {
    if (!is_idle()) return;
    api_.pause();
    last_look_.expires_after(kLastLookAfter);
    last_look_.async_wait([this](error_code ec) {
        if (ec) return;
        if (is_idle() && runtime_.rest(api_.socket())) return api_.leave();
        api_.resume();
    });
}

void ObserverRole::wait_kick() {
    kick_.async_wait(asio::posix::stream_descriptor::wait_read, [this](error_code ec) {
        if (ec) return;
        std::uint64_t count = 0;
        [[maybe_unused]] const auto got = ::read(kick_.native_handle(), &count, sizeof count);
        collect();
        wait_kick();
    });
}

void ObserverRole::wake() {
    if (std::exchange(wake_queued_, true)) return;
    asio::post(runtime_.loop(), lifetime_.guard([this] {
        wake_queued_ = false;
        collect();
    }));
}

// First write to the spool, then acknowledge the event, then send: a crash in between repeats a step and loses nothing.
void ObserverRole::collect() {
    bus_.collect();
    if (!mailer_) return;
    const bool more_vrrp = collect_from(vrrp_);
    const bool more_lvs = collect_from(lvs_);
    history_log_.write(history_);
    acknowledge();
    mailer_->pump(runtime_.now(), runtime_.wall());
    webhooks_.pump();
    if (more_vrrp || more_lvs) wake();  // other handlers run between two batches
}

bool ObserverRole::collect_from(EventSource& source) {
    const auto batch = source.ring->read_after(source.acknowledged, kEventsAtOnce);
    if (batch.events.empty() && batch.lost == 0) return false;
    if (auto taken = mailer_->take(batch.events, runtime_.now(), runtime_.wall()); !taken) {
        if (complain()) runtime_.log().error("events wait for the mail spool: {}", taken.error().text());
        return false;
    }
    rest_.worked(runtime_.now());
    webhooks_.take(batch.events);
    history_.append(source.name, batch.events);
    records_.take(batch.events, runtime_.now());
    if (batch.lost > 0) log_lost(source, batch.lost, batch.last);
    source.acknowledge(batch.last);
    return batch.events.size() == kEventsAtOnce;
}

void ObserverRole::log_lost(const EventSource& source, std::uint64_t lost, std::uint64_t last) {
    events_lost_ += lost;
    const auto what = fmt::format("{} events of the {} process", lost, source.name);
    history_.add_gap({history_.last_time(), runtime_.wall(), what + " were overwritten"});
    runtime_.log().error("{} came faster than they could be mailed and were overwritten", what);
    const auto noticed = mailer_->notice(
        fmt::format("lost.{}.{}.{}", source.name, last, runtime_.wall().unix_us / 1'000'000), what + " were not mailed",
        "They arrived faster than they could be stored; the log contains them", runtime_.now(), runtime_.wall());
    if (!noticed) runtime_.log().error("{}", noticed.error().text());
}

void ObserverRole::acknowledge() {
    const auto counters = mailer_->counters();
    if (counters.unsaved == 0 && webhooks_.all_saved()) {
        vrrp_.durable = vrrp_.acknowledged;
        lvs_.durable = lvs_.acknowledged;
    }
    ipc::ObserverStatus status;
    status.vrrp_acknowledged = vrrp_.durable;
    status.lvs_acknowledged = lvs_.durable;
    status.mails_queued = counters.queued;
    status.mails_sent = before_.sent + counters.sent;
    status.mails_failed = before_.failed + counters.failed;
    webhooks_.put_counters(status);
    for (const auto& [name, from] : cleared_) {
        status.cleared_instances.push_back(name);
        status.cleared_counters.push_back(from);
    }
    runtime_.publish_state([&](std::span<std::byte> room) { return encode_into(room, status); });
}

std::vector<Dump> ObserverRole::dumps_for(int signal) {
    const auto* config = runtime_.running();
    if (config == nullptr) return {};
    const auto vrrp = read_status<report::VrrpStatus>(vrrp_.block);
    const auto bfd = read_status<report::BfdStatus>(bfd_block_);
    const report::DumpSource source{
        .config = *config,
        .vrrp = vrrp && !config->instances.empty() ? &*vrrp : nullptr,
        .cleared = cleared_,
        .json_version_2 = config::value_of(config->global.more->values, config::keyword::json_version) == 2,
        .bfd = bfd ? &*bfd : nullptr,
        .now = runtime_.now(),
        .wall = runtime_.wall(),
        .host_name = kernel::host_name(),
        .net_namespace = runtime_.options().net_namespace};
    auto files = dumps_of(signal, source);
    if (signal == SIGRTMAX - 1 && vrrp) {
        for (const auto& instance : vrrp->router.instances) cleared_[instance.name] = instance.counters;
        if (mailer_) acknowledge();  // this saves the cleared counters
    }
    return files;
}

// The last events (STOP, DELETED) go to the disk at once. Mails not delivered within kFlushWithin stay in the spool.
void ObserverRole::stop(std::function<void()> done) {
    tick_.cancel();
    last_look_.cancel();
    flush_step(runtime_.now() + kFlushWithin, done);
}

void ObserverRole::flush_step(Instant deadline, const std::function<void()>& done) {
    collect();
    records_.finish(history_folder(), runtime_.wall());
    const bool empty = !mailer_ || !mailer_->enabled() || mailer_->spool().mails().empty();
    const bool hopeless = mailer_ && !mailer_->sending() && !mailer_->last_problem().empty();
    if (((empty || hopeless) && webhooks_.finished() && !records_.busy()) || runtime_.now() >= deadline) {
        if (mailer_ && mailer_->spool().unsaved() != 0)
            runtime_.log().error("{} mails are lost: they were not delivered, and the mail spool cannot be written",
                                 mailer_->spool().unsaved());
        bus_.stop();
        api_.close();
        return done();
    }
    flush_.expires_after(kFlushLook);
    flush_.async_wait([this, deadline, done](error_code ec) {
        if (!ec) flush_step(deadline, done);
    });
}

report::DaemonStatus ObserverRole::status() {
    report::DaemonStatus status{.version = MAINSTAY_VERSION,
                                .host_name = kernel::host_name(),
                                .generation = runtime_.generation(),
                                .supervisor_pid = ::getppid(),
                                .observer_pid = ::getpid(),
                                .now = runtime_.wall(),
                                .observer_since = since_,
                                .clock = runtime_.now()};
    status.events_lost = events_lost_;
    status.config_path = runtime_.options().config_path;
    status.config_id = runtime_.options().config_id;
    status.net_namespace = runtime_.options().net_namespace;
    status.settings_path = runtime_.options().settings_path;
    status.supervision = supervision_;
    status.api = api_.status();
    status.webhooks = webhooks_.status();
    status.vrrp = read_status<report::VrrpStatus>(vrrp_.block);
    status.lvs = lvs_status();
    if (status.lvs && !status.lvs->services.empty()) status.unanswered = connections_.unanswered(status.clock);
    status.bfd = read_status<report::BfdStatus>(bfd_block_);
    mail_commands_.describe(status);
    status.mail.sent += before_.sent;
    status.mail.failed += before_.failed;
    return status;
}

// The kernel's counters are read only while somebody asks for them: the first answer lacks them.
void ObserverRole::ask_for_traffic() {
    const Instant now = runtime_.now();
    if (traffic_asked_ != Instant{} && now - traffic_asked_ < kAskForTrafficEvery) return;
    traffic_asked_ = now;
    runtime_.send(ipc::ReadTraffic{});
}

void ObserverRole::sample_rates() {
    const auto* config = runtime_.running();
    const Instant now = runtime_.now();
    if (config == nullptr || config->virtual_servers.empty()) return;
    const bool looked_at = traffic_asked_ != Instant{} && now - traffic_asked_ < 2 * kAskForTrafficEvery;
    if (sampled_ != Instant{} && now - sampled_ < report::kRateSampleEvery) return;
    if (large_.is_last() && !looked_at && now - sampled_ < kLargeTableEvery) return;
    const auto lvs = lvs_status();
    if (!lvs) return;
    sampled_ = now;
    if (!large_.is_last()) ask_for_traffic();
    rates_.add(*lvs, runtime_.wall());
}

// Of a large one there are not several in memory while its answers are being sent.
std::shared_ptr<const report::DaemonStatus> ObserverRole::shared_status() {
    if (auto sent = sent_.lock(); sent && large_.is_last() && runtime_.now() - sent->clock < kLargeSharedFor)
        return sent;
    auto made = std::make_shared<const report::DaemonStatus>(status());
    sent_ = made;
    return made;
}

http::ApiSources ObserverRole::api_sources() {
    return {.status = [this] { return shared_status(); },
            .needs = [this] { return http::roles_needed_by(runtime_.running()); },
            .history = history_,
            .ask = {},
            .mail = &mail_commands_,
            .page_asset = page_asset,
            .traffic_wanted = [this] { ask_for_traffic(); },
            .utc_offset_s = [this] { return kernel::utc_offset_s(runtime_.wall()); },
            .rates = [this](std::string_view service, std::int64_t after) { return rates_.to_json(service, after); },
            .ask_peer = {},
            .webhooks = &webhook_commands_};
}

}  // namespace

RoleTraits observer_traits() {
    return {.capabilities = {},
            .calls = {kernel::CallSet::WriteFiles, kernel::CallSet::Threads, kernel::CallSet::Schedule},
            .kind = Kind::Observer,
            .has_ring = false};
}

std::unique_ptr<Role> make_observer_role(Runtime& runtime) { return std::make_unique<ObserverRole>(runtime); }

}  // namespace mainstay::role
