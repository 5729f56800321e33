// Drives the judge with deadlines and check results, and carries out its intents: the table first, then log lines and
// events, then the checks.
#include "mainstay/role/lvs/role.hpp"

#include <linux/capability.h>

#include <boost/asio/post.hpp>

#include "adoption.hpp"
#include "mainstay/base/overloaded.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/kernel/local_address.hpp"
#include "role_impl.hpp"

namespace mainstay::role {
namespace {

// Checks that are due within one slot start together, at most this late. Not a multiple of a kernel tick: kernels that
// sample processor time at each tick would account none to work that runs right after it.
constexpr Nanos kDeadlineSlot{21'000'000};

bool changes_service(const lvs::Intents& intents) {
    return std::ranges::any_of(intents, [](const lvs::Intent& intent) {
        return std::holds_alternative<lvs::TableChanged>(intent) || std::holds_alternative<lvs::Announce>(intent);
    });
}

}  // namespace

Result<void> LvsRole::start(config::Config config, bool restarted) {
    const report::LvsStatus before = restarted ? recall() : report::LvsStatus{};
    const bool adopts = !restarted && runtime_.options().adopt;
    const bool flush_first = config.global.lvs_flush && !restarted && !adopts;
    flush_on_stop_ = config.global.lvs_flush_on_stop;
    event_driven_.configure(config);
    watch_links(config);
    if (restarted) announcing_.inherit(before.announced, links_.addresses());
    auto settings = settings_of(config);
    const auto counted = counter_intervals(config, runtime_.options().snmp);
    create_probes(config);
    const lvs::Memory memory =
        adopts ? adopt_table(options_, config, moment().wall, runtime_.log()) : memory_of(before);
    names_.recall(config, memory, discovered_before_);
    files_.recall(config, memory, discovered_before_);
    discovered_before_ = {};
    const auto write_table = [&] {
        started_ = true;
        reconciler_.start(wanted(), std::exchange(inherited_, {}), flush_first);
        marks_.set_desired(judge_.mark_table());
        settings_.hold_sysctls(true);  // until follow_agreement()
        follow_settings(std::move(settings), inherited_timeouts_);
        configure_announcing();
        follow_path_checks();
        follow_agreement();
        announcing_.update();
        repair_agreement(false);  // of what a crashed process announced and this one does not
    };
    judge_.record(recorder_.open());
    // The table is written before the reports, unless files and sessions, which are known already, decide about it.
    judge_.start(with_discovered(std::move(config)), memory, moment(), overrides_of(before),
                 {.settled =
                      [&] {
                          if (event_driven_.all(judge_).empty()) write_table();
                      },
                  .report = [this](const lvs::Intents& some) { log_and_publish(some); }},
                 host_facts());
    if (!started_) {
        lvs::Intents follow_up;
        follow_known(follow_up);
        write_table();
        log_and_publish(follow_up);
    }
    arm_deadline();
    count_traffic(counted);
    publish();
    return {};
}

// IPVS settings outside the table: timeouts, the sync daemon, the expiry of persistence.
void LvsRole::follow_settings(LvsSettings settings, const std::optional<netlink::IpvsTimeouts>& original_timeouts) {
    settings_.inherit(std::exchange(inherited_sysctls_, {}));
    settings_.configure(std::move(settings), original_timeouts);
    static_cast<void>(reconcile_expiry());  // its reconciler logs it, and retries
    on_interface_change();
    for (const auto& [name, master] : masters_) settings_.instance_is(name, master);
}

report::LvsStatus LvsRole::recall() {
    auto bytes = runtime_.previous_state();
    if (!bytes) {
        runtime_.log().warning("the state of the crashed process is missing: {}", bytes.error().text());
        return {};
    }
    auto status = decode_lvs_block(*bytes);
    if (!status) {
        runtime_.log().warning("the state of the crashed process cannot be read: {}", status.error().text());
        return {};
    }
    for (const auto& service : status->services) {
        if (service.group.empty()) inherited_.push_back(service.key);
        inherited_.insert(inherited_.end(), service.group_keys.begin(), service.group_keys.end());
    }
    check_types_ = status->check_types;
    inherited_timeouts_ = status->original_timeouts;
    inherited_sysctls_ = original_sysctls_of(*status);
    return std::move(*status);
}

void LvsRole::stop(std::function<void()> done) {
    if (std::exchange(stopping_, true)) return;
    bfd_.close();
    keep_discovered();
    discovered_timer_.cancel();
    keep_timer_.cancel();
    names_.stop();
    files_.stop();
    deadline_timer_.cancel();
    publisher_.stop();
    counters_.reset();
    traffic_timer_.cancel();
    if (!started_) return boost::asio::post(runtime_.loop(), std::move(done));
    carry_out_pending();
    announcing_.stop([this, done = std::move(done)]() mutable { stop_table(std::move(done)); });
}

void LvsRole::stop_table(std::function<void()> done) {
    const auto intents = judge_.stop(options_.keep_ipvs_at_stop, moment());
    stopped_ = !options_.keep_ipvs_at_stop;  // for SNMP, whose process outlives this one
    write_state();
    reconciler_.stop(options_.keep_ipvs_at_stop, flush_on_stop_);
    marks_.stop(options_.keep_ipvs_at_stop);
    settings_.stop();
    vrrp_.close();
    links_.close();
    log_and_publish(intents);
    runner_.stop(std::move(done));
}

// The consequences of all results in one turn of the loop are carried out together: thousands of servers that fail at
// the same time need a few plans, not thousands.
void LvsRole::step(const lvs::Fact& fact) {
    auto intents = judge_.step(fact, moment());
    pending_.insert(pending_.end(), std::make_move_iterator(intents.begin()), std::make_move_iterator(intents.end()));
    arm_deadline();
    if (pending_.empty() || std::exchange(carry_out_queued_, true)) return;
    boost::asio::post(runtime_.loop(), lifetime_.guard([this] { carry_out_pending(); }));
}

// Before anything that gives services another number, and before the end.
void LvsRole::carry_out_pending() {
    carry_out_queued_ = false;
    carry_out(std::exchange(pending_, {}));
}

void LvsRole::carry_out(const lvs::Intents& intents) {
    const bool may_announce = announcing_.is_used() && changes_service(intents);
    if (may_announce) announcing_.withdraw();
    change_table(intents);
    log_and_publish(intents);
    if (stopping_) return;
    if (may_announce) {
        repair_agreement(false);
        announcing_.update();
    }
    run_checks(intents);
    count_connections(intents);
    arm_deadline();
}

// Without IPVS in this namespace nothing can be announced in it: the configuration check has said so.
void LvsRole::configure_announcing() {
    if (!runtime_.options().has_ipvs_namespace) announcing_.configure(judge_.services());
}

lvs::Readiness LvsRole::readiness(std::size_t service, std::optional<Instant> fresh_after) const {
    const auto known = lvs::readiness_of(judge_.services()[service], judge_.states()[service], fresh_after);
    if (known != lvs::Readiness::Ready) return known;
    if (reconciler_.has_all()) return lvs::Readiness::Ready;
    const auto keys = judge_.keys(service);
    const auto all = [&](auto is) { return std::ranges::all_of(keys, is); };
    // What waits for a repair is no reason to withdraw, but one not to announce.
    const bool programmed =
        all([this](const auto& key) { return reconciler_.is_as_wanted(key); }) ||
        (all([this](const auto& key) { return reconciler_.is_usable(key); }) && !announcing_.is_withdrawn(service));
    return programmed ? lvs::Readiness::Ready : lvs::Readiness::NotProgrammed;
}

// The kernel is asked once the table has its desired state.
void LvsRole::count_connections(const lvs::Intents& intents) {
    for (const auto& intent : intents) {
        const auto* wanted = std::get_if<lvs::CountConnections>(&intent);
        if (wanted == nullptr) continue;
        auto counted = reconciler_.connections(judge_.desired(wanted->service));
        clock_.forget();
        if (!counted) continue;  // draining still ends at its time limit
        step(lvs::ConnectionsCounted{wanted->service, std::move(*counted)});
        publish_within(kPublishLater);
    }
}

// All changes of one step go to the kernel as one plan: the sorry server is added before the last server is removed.
void LvsRole::change_table(const lvs::Intents& intents) {
    std::set<std::size_t> services;
    for (const auto& intent : intents)
        if (const auto* changed = std::get_if<lvs::TableChanged>(&intent)) services.insert(changed->service);
    if (services.empty()) return;
    reconciler_.update(wanted_of(services));
    clock_.forget();
    publish_within(kPublishSoon);
}

void LvsRole::log_and_publish(const lvs::Intents& intents) {
    for (const auto& intent : intents) {
        if (const auto* written = std::get_if<lvs::WriteLog>(&intent)) {
            runtime_.log().line(written->line);
        } else if (const auto* announced = std::get_if<lvs::Announce>(&intent)) {
            runtime_.publish(announced->event);
        }
    }
}

// A check that never ends must show: nothing else would publish the state while it runs.
void LvsRole::run_checks(const lvs::Intents& intents) {
    bool started = false;
    for (const auto& intent : intents) {
        if (const auto* wanted = std::get_if<lvs::StartCheck>(&intent)) {
            const auto* checker = judge_.checker(wanted->checker);
            if (checker == nullptr) continue;
            start_check(wanted->checker, *checker);
            started = true;
        } else if (const auto* cancelled = std::get_if<lvs::CancelCheck>(&intent)) {
            runner_.cancel(cancelled->checker);
        }
    }
    if (started) publish_within(kPublishLater);
}

void LvsRole::start_check(lvs::CheckerId check, const config::Checker& checker) {
    const auto place = judge_.place(check);
    if (!place) return;
    if (checker.type == config::Checker::Type::Misc) return run_script_check(check);
    const auto& state = judge_.states()[place->service].servers[place->server].checkers[place->checker];
    const auto start = [&](const config::Checker& asked) {
        if (auto probe = probe::probe_of(asked, state.url, *tools_)) runner_.start(check, std::move(*probe));
    };
    const auto* way = path_checks_.way_of(checker);
    if (way == nullptr) return start(checker);
    auto along = along_path(*way, checker);
    if (!along) return finish_soon(check, std::move(along.error()));
    start(*along);
}

// The supervisor kills the script at its timeout. The result is queued, because run_script() may answer at once.
void LvsRole::run_script_check(lvs::CheckerId check) {
    const auto place = judge_.place(check);
    if (!place) return;
    const auto& service = judge_.services()[place->service];
    const Instant began = runtime_.now();
    auto done = lifetime_.guard([this, check, began](const ipc::ScriptResult& result) {
        const auto took = std::chrono::duration_cast<Micros>(runtime_.now() - began);
        boost::asio::post(runtime_.loop(),
                          lifetime_.guard([this, check, result, took] { script_done(check, result, took); }));
    });
    runtime_.run_script(alert::misc_check_key(service, service.real_servers[place->server], place->checker), {}, {},
                        std::move(done));
}

void LvsRole::on_bfd_state(const ipc::BfdState& received) {
    runtime_.log().info("Received BFD event: instance {} is in state {}", received.name, received.up ? "Up" : "Down");
    follow(event_driven_.results_of(judge_, received));
}

void LvsRole::follow(EventDrivenChecks::Results results) {
    if (!started_ || stopping_) return;
    for (auto& result : results) step(std::move(result));
    if (!results.empty()) publish_within(kPublishSoon);
}

// Known states of files and sessions are applied before the first table is written.
void LvsRole::follow_known(lvs::Intents& after) {
    for (const auto& result : event_driven_.all(judge_)) {
        auto intents = judge_.step(result, moment());
        after.insert(after.end(), std::make_move_iterator(intents.begin()), std::make_move_iterator(intents.end()));
    }
}

// May be called before the start: the channel is connected before there is a configuration.
void LvsRole::on_instance_states(const ipc::Message& received) {
    const auto* states = std::get_if<ipc::InstanceStates>(&received);
    if (states == nullptr || stopping_) return;
    for (const auto& instance : states->instances) {
        masters_[instance.name] = instance.master;
        if (started_) settings_.instance_is(instance.name, instance.master);
    }
}

void LvsRole::watch_links(const config::Config& config) {
    if (config::sync_daemon(config) || lvs::suspends(config) || config::announces(config)) links_.open(config.global);
}

lvs::HostFacts LvsRole::host_facts() const {
    lvs::HostFacts known{.addresses = {}, .files = event_driven_.files()};
    if (links_.is_open()) known.addresses = links_.addresses();
    return known;
}

void LvsRole::links_changed() {
    if (stopping_ || !started_) return;
    on_interface_change();
    step(lvs::AddressesChanged{links_.addresses()});
}

// If IPVS runs in a separate network namespace, the sync daemon's interface is not visible from here.
void LvsRole::on_interface_change() {
    const auto& sync = settings_.sync_daemon();
    if (!sync || !links_.is_open() || runtime_.options().has_ipvs_namespace) return;
    settings_.interface_is(links_.index_of(sync->interface));
}

void LvsRole::script_done(lvs::CheckerId check, const ipc::ScriptResult& result, Micros duration) {
    const auto* checker = judge_.checker(check);
    if (checker == nullptr) return;
    if (result.errors.empty())
        script_errors_.erase(check);
    else
        script_errors_[check] = result.errors;
    auto verdict = verdict_of(result, checker->misc_dynamic);
    check_done(check, {verdict.outcome, std::move(verdict.reason), duration, std::move(verdict.words), verdict.weight});
}

void LvsRole::check_done(std::uint64_t check, probe::Finding finding) {
    if (stopping_) return;
    if (finding.certificate) look_at_certificate(check, finding);
    if (const auto* checker = judge_.checker(check))
        count_check(check_types_, lvs::keyword_of(checker->type), finding.outcome, finding.duration);
    step(lvs::CheckFinished{check, finding.outcome, std::move(finding.reason), finding.duration, finding.weight,
                            std::move(finding.words), finding.weight_percent});
    publish_within(kPublishLater);
}

void LvsRole::create_probes(const config::Config& config) {
    tools_ = std::make_unique<probe::Toolbox>(config);
    for (const auto& problem : tools_->problems()) runtime_.log().error("{}", problem);
}

void LvsRole::look_at_certificate(std::uint64_t check, probe::Finding& finding) {
    const auto place = judge_.place(check);
    if (!place) return;
    const auto& service = judge_.services()[place->service];
    const auto& server = service.real_servers[place->server];
    const auto days =
        config::value_of(server.checkers[place->checker].more->values, config::keyword::cert_expiry_warning);
    if (!days) return;
    const auto judged = certificates_.look(
        service, server, judge_.states()[place->service].servers[place->server].alive,
        {finding.certificate->fingerprint, finding.certificate->subject, finding.certificate->not_after},
        static_cast<std::uint32_t>(*days), runtime_.wall());
    if (!judged.remark.empty()) finding.reason += "; " + judged.remark;
    log_and_publish(judged.intents);
}

void LvsRole::arm_deadline() {
    const auto deadline = judge_.deadline();
    // An earlier wake-up that is armed already is left alone: the judge ignores it and this arms the right one.
    if (stopping_ || !deadline || (armed_ && *armed_ <= *deadline)) return;
    armed_ = deadline;
    // Checks that are due within a slot start together: thousands per second share their wake-ups.
    const Nanos since_boot = deadline->time_since_epoch();
    deadline_timer_.expires_at(*deadline + (kDeadlineSlot - since_boot % kDeadlineSlot) % kDeadlineSlot);
    deadline_timer_.async_wait(lifetime_.when_due([this] {
        if (stopping_) return;
        armed_.reset();
        clock_.forget();
        step(lvs::DeadlineReached{});
        // An override with a time may have been the last one that asked for it.
        if (!judge_.expires_persistence()) static_cast<void>(reconcile_expiry());
    }));
}

void LvsRole::write_state() {
    recorder_.check();
    auto status = status_of(judge_, reconciler_.state(), runtime_.generation());
    status.original_timeouts = settings_.original_timeouts();
    put_original_sysctls(settings_.original_sysctls(), status);
    agreement_.look(judge_);
    status.check_types = check_types_;
    status.oldest_check = judge_.oldest_running_check();
    status.announced = announcing_.status();
    status.discovered = discovered_status();
    status.stopped = stopped_;
    status.maintenance = shown_maintenance(maintenance_);
    if (counters_) status.traffic = counters_->lend();
    std::erase_if(script_errors_, [this](const auto& one) { return judge_.checker(one.first) == nullptr; });
    OtherTableOf other_table_of;  // the usual case has none: tens of thousands of services are not looked up for it
    if (!reconciler_.has_all())
        other_table_of = [this](const netlink::IpvsServiceKey& key) { return reconciler_.other_table(key); };
    runtime_.publish_state([&](std::span<std::byte> room) {
        return write_status(
            room, status, judge_, moment(),
            [this](const config::VirtualServer& service) { return agreement_.of(service); }, script_errors_,
            other_table_of);
    });
    if (counters_) counters_->take_back(std::move(status.traffic));
    clock_.forget();
}

RoleTraits lvs_traits() {
    return {.capabilities = {CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE},
            .calls = {kernel::CallSet::Threads, kernel::CallSet::Schedule},
            .kind = Kind::Lvs,
            .has_ring = true};
}

std::unique_ptr<Role> make_lvs_role(Runtime& runtime, LvsOptions options) {
    return std::make_unique<LvsRole>(runtime, std::move(options));
}

void LvsRole::on(const ipc::Message& message, UniqueFd descriptor) {
    std::visit(Overloaded{
                   [&](const ipc::ServerQuestion& m) { runtime_.answer(m.request, command(m)); },
                   [&](const ipc::MaintenanceOrder& m) { maintain(m); },
                   [&](const ipc::PeerChannel& m) { connect(m.to, std::move(descriptor)); },
                   [&](const ipc::Observations& m) { observed(m); },
                   [&](const ipc::ServerFileRead& m) { discovered(m, std::move(descriptor)); },
                   [&](const ipc::DiscoveryMemory&) { recall_discovered(std::move(descriptor)); },
                   [&](const ipc::ReadTraffic&) { traffic_wanted(); },
                   [](const auto&) {},
               },
               message);
}

// The kernel's counters are read while somebody collects metrics: each collection asks for them again.

void LvsRole::traffic_wanted() {
    if (!started_ || stopping_) return;
    if (!std::exchange(traffic_asked_, true) && !counts_always_) count_traffic(std::nullopt);
    traffic_timer_.expires_after(options_.traffic_kept);
    traffic_timer_.async_wait(lifetime_.when_due([this] {
        if (!stopping_) forget_traffic();
    }));
}

// Old counters must not be shown as the current ones.
void LvsRole::forget_traffic() {
    traffic_asked_ = false;
    if (counts_always_) return;
    counters_.reset();
    publish_within(kPublishLater);
}

// The lvs role's checks along the data path (check_data_path): their kernel services, and from where they ask.

config::Config LvsRole::with_path_checks(config::Config config) {
    // Packets of this namespace do not meet services of another one: the configuration check has said so.
    if (!runtime_.options().has_ipvs_namespace) path_checks_.apply(config.virtual_servers);
    return config;
}

void LvsRole::follow_path_checks() {
    if (runtime_.options().has_ipvs_namespace) return;
    settings_.accept_own_addresses(path_checks_.uses(Family::V4));
}

// A check that cannot go its way says nothing of its server.
std::expected<config::Checker, probe::Finding> LvsRole::along_path(const lvs::PathChecks::Way& way,
                                                                   const config::Checker& checker) const {
    const auto not_run = [](std::string why) {
        return std::unexpected{probe::found(lvs::Outcome::NotRun, std::move(why))};
    };
    if (!reconciler_.is_as_wanted(way.key))
        return not_run(fmt::format("IPVS has no service for its mark {:#x}", way.key.fwmark));
    if (way.key.family == Family::V4 && !settings_.accepts_own_addresses())
        return not_run("net.ipv4.conf.all.accept_local cannot be set");
    config::Checker asked = checker;
    if (checker.bind->has_value()) return asked;
    // By itself a socket would ask this host's own address from that address.
    const auto& server = way.server.endpoint.address;
    const auto source =
        kernel::source_towards(server, [this](const IpAddress& own) { return path_checks_.is_of_service(own); });
    if (!source && source.error().code() == Errc::NotFound) return not_run(source.error().text());
    if (!source)
        return std::unexpected{probe::found(lvs::Outcome::Failed,
                                            fmt::format("no way to {}{}", server.to_string(), source.error().text()))};
    asked.bind = std::optional{Endpoint{*source, 0}};
    return asked;
}

// Queued, because the judge is in the middle of a step when checks begin.
void LvsRole::finish_soon(lvs::CheckerId check, probe::Finding finding) {
    boost::asio::post(runtime_.loop(),
                      lifetime_.guard([this, check, finding]() mutable { check_done(check, std::move(finding)); }));
}

}  // namespace mainstay::role
