// Drives the judge with deadlines and check results, and carries its intents out: the table first, then what there is
// to tell, then the checks.
#include "mainstay/role/lvs_role.hpp"

#include <linux/capability.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <optional>
#include <random>

#include "bfd_line.hpp"
#include "lvs_block.hpp"
#include "lvs_counters.hpp"
#include "lvs_descriptors.hpp"
#include "lvs_followed.hpp"
#include "lvs_links.hpp"
#include "lvs_mark_keeper.hpp"
#include "lvs_names.hpp"
#include "lvs_settings_keeper.hpp"
#include "lvs_status.hpp"
#include "lvs_table_keeper.hpp"
#include "mainstay/alert/scripts.hpp"
#include "mainstay/lvs/certificates.hpp"
#include "mainstay/lvs/judge.hpp"
#include "mainstay/probe/runner.hpp"
#include "mainstay/probe/turn_clock.hpp"
#include "publish_pacer.hpp"
#include "script_verdict.hpp"

namespace mainstay::role {
namespace {

// The state block is for crashes and for people: a change of a verdict is there within the first, everything else
// within the second; and writing it never takes more than a twentieth of the time.
constexpr Micros kPublishSoon{100'000};
constexpr Micros kPublishLater{2'000'000};
constexpr int kPublishShare = 20;
// No check begins later than that for it. Not a multiple of a kernel's tick: where processor time is told by samples at
// each tick, what runs right behind it would seem to take none.
constexpr Nanos kDeadlineSlot{21'000'000};

class LvsRole final : public Role {
public:
    LvsRole(Runtime& runtime, LvsOptions options)
        : runtime_{runtime},
          clock_{boost::asio::use_service<probe::TurnClock>(runtime.loop())},
          options_{std::move(options)},
          judge_{options_.random},
          keeper_{runtime.loop(), runtime.log(), options_, [this] { publish_within(kPublishSoon); }},
          runner_{runtime.loop(), runtime.log(),
                  [this](std::uint64_t check, probe::Finding finding) { check_done(check, std::move(finding)); },
                  raise_descriptor_limit()},
          bfd_{runtime.loop(), runtime.log(), [this](const ipc::BfdState& told) { bfd_told(told); }},
          names_{runtime.loop(), runtime.log(), [this] { names_changed(); }},
          settings_{runtime.loop(), runtime.log(), options_, [this] { publish(); }},
          vrrp_{runtime.loop(), runtime.log(), "VRRP", [this](const ipc::Message& told) { vrrp_told(told); }},
          links_{runtime.loop(), runtime.log(), [this] { links_changed(); }},
          marks_{runtime.loop(), runtime.log(), options_.reopen_every},
          deadline_timer_{runtime.loop()},
          publisher_{runtime.loop(), kPublishShare, [this] { write_state(); }} {}

    Result<void> start(config::Config config, bool restarted) override;
    Result<void> prepare(config::Config next) override;
    void commit() override;
    void abort() override { next_.reset(); }
    [[nodiscard]] bool keeps_unchanged() const override { return true; }
    void commit_unchanged() override { publish_within(kPublishLater); }
    void connect(ipc::Line::To other, UniqueFd line) override {
        if (other == ipc::Line::To::Vrrp) return vrrp_.connect(std::move(line));
        bfd_.connect(std::move(line));
    }
    void observed(const ipc::Observations& seen) override { follow(followed_.told(judge_, seen)); }
    void stop(std::function<void()> done) override;
    ServerReply servers(const ipc::ServerQuestion& question) override;
    void save_state() override { publish(); }

private:
    [[nodiscard]] lvs::Moment moment() {
        const Instant now = std::chrono::time_point_cast<Nanos>(clock_.now());
        if (now != moment_.now) moment_ = {now, runtime_.wall()};
        return moment_;
    }
    [[nodiscard]] ipc::LvsStatus recall();
    void count_connections(const lvs::Intents& intents);
    [[nodiscard]] LvsTableKeeper::Wanted wanted() const {
        return {judge_.services().size(), [this](std::size_t service) { return judge_.desired(service); }};
    }
    void step(const lvs::Fact& fact);
    void carry_out_pending();
    void carry_out(const lvs::Intents& intents);
    void change_table(const lvs::Intents& intents);
    void tell(const lvs::Intents& intents);
    void run_checks(const lvs::Intents& intents);
    void start_check(lvs::CheckerId check, const config::Checker& checker);
    void run_script_check(lvs::CheckerId check);
    void bfd_told(const ipc::BfdState& told);
    void follow(Followed::Results results);
    void vrrp_told(const ipc::Message& told);
    void watch_links(const config::Config& config);
    void links_changed();
    void interface_told();
    void script_done(lvs::CheckerId check, const ipc::ScriptResult& result, Micros duration);
    void check_done(std::uint64_t check, probe::Finding finding);
    void names_changed();
    // What the judge is to hear of this configuration.
    [[nodiscard]] config::Config with_names(config::Config config);
    void reload(config::Config next);
    void equip(const config::Config& config);
    void look_at_certificate(std::uint64_t check, probe::Finding& finding);
    // Anew with each configuration: its services are others.
    void count_traffic(std::optional<CounterIntervals> intervals) {
        counters_ = make_counters(runtime_, judge_, keeper_, intervals, [this] { publish_within(kPublishSoon); });
    }
    void arm_deadline();
    void publish_within(Micros pause) {
        if (started_ && !stopping_) publisher_.within(pause);
    }
    void publish() { publisher_.now(); }
    void write_state();

    Runtime& runtime_;
    probe::TurnClock& clock_;
    lvs::Moment moment_{};
    LvsOptions options_;
    lvs::Judge judge_;
    LvsTableKeeper keeper_;
    probe::Runner runner_;
    std::unique_ptr<probe::Toolbox> tools_;  // of the configuration that runs
    lvs::CertificateWatch certificates_;
    BfdListener bfd_;
    Followed followed_;
    Names names_;
    config::Config configured_;  // with the names; the judge has their servers. Empty where there are none
    LvsSettingsKeeper settings_;
    LineListener vrrp_;
    std::map<std::string, bool> masters_;  // instances, as told last
    LvsLinks links_;
    LvsMarkKeeper marks_;
    std::unique_ptr<LvsCounters> counters_;  // with SNMP only
    std::optional<config::Config> next_;
    config::Global::FlushOnStop flush_on_stop_ = config::Global::FlushOnStop::No;
    std::vector<netlink::IpvsServiceKey> inherited_;  // what an earlier incarnation had put in
    std::optional<netlink::IpvsTimeouts> inherited_timeouts_;
    boost::asio::steady_timer deadline_timer_;
    std::optional<Instant> armed_;
    PublishPacer publisher_;
    lvs::Intents pending_;
    bool carry_out_queued_ = false;
    bool started_ = false, stopping_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // queued handlers look whether the role still is
};

Result<void> LvsRole::start(config::Config config, bool restarted) {
    const ipc::LvsStatus before = restarted ? recall() : ipc::LvsStatus{};
    const bool flush_first = config.global.lvs_flush && !restarted;
    flush_on_stop_ = config.global.lvs_flush_on_stop;
    followed_.configure(config);
    watch_links(config);
    auto settings = settings_of(config);
    const auto counted = counter_intervals(config, runtime_.options().snmp);
    equip(config);
    const lvs::Memory memory = memory_of(before);
    names_.recall(config, memory);
    const auto intents = judge_.begin(with_names(std::move(config)), memory, moment(), overrides_of(before));
    started_ = true;
    keeper_.start(wanted(), std::exchange(inherited_, {}), flush_first);
    marks_.want(judge_.mark_table());
    settings_.configure(std::move(settings), inherited_timeouts_);
    interface_told();
    for (const auto& [name, master] : masters_) settings_.told(name, master);
    tell(intents);
    judge_.opening(memory, [this](const lvs::Intents& some) { tell(some); });
    arm_deadline();
    follow(followed_.all(judge_));
    count_traffic(counted);
    publish();
    return {};
}

ipc::LvsStatus LvsRole::recall() {
    auto bytes = runtime_.previous_state();
    if (!bytes) {
        runtime_.log().warning("the state of the crashed predecessor is not there: {}", bytes.error().text());
        return {};
    }
    auto status = decode_lvs_block(*bytes);
    if (!status) {
        runtime_.log().warning("the state of the crashed predecessor cannot be read: {}", status.error().text());
        return {};
    }
    for (const auto& service : status->services) {
        if (service.group.empty()) inherited_.push_back(service.key);
        inherited_.insert(inherited_.end(), service.group_keys.begin(), service.group_keys.end());
    }
    inherited_timeouts_ = status->original_timeouts;
    return std::move(*status);
}

Result<void> LvsRole::prepare(config::Config next) {
    next_ = std::move(next);
    return {};
}

void LvsRole::commit() {
    if (!next_ || stopping_) return;
    carry_out_pending();
    flush_on_stop_ = next_->global.lvs_flush_on_stop;
    followed_.configure(*next_);
    watch_links(*next_);
    auto settings = settings_of(*next_);
    equip(*next_);
    reload(with_names(std::move(*std::exchange(next_, std::nullopt))));
    settings_.configure(std::move(settings));
    interface_told();
    for (const auto& [name, master] : masters_) settings_.told(name, master);
}

void LvsRole::reload(config::Config next) {
    const auto counted = counter_intervals(next, runtime_.options().snmp);
    const auto intents = judge_.reload(std::move(next), moment());
    keeper_.replace(wanted());
    clock_.forget();
    marks_.want(judge_.mark_table());
    tell(intents);
    run_checks(intents);
    arm_deadline();
    follow(followed_.all(judge_));
    count_traffic(counted);
    publish_within(kPublishSoon);
}

config::Config LvsRole::with_names(config::Config config) {
    const bool named = std::ranges::any_of(config.virtual_servers,
                                           [](const auto& service) { return !lvs::named_servers(service).empty(); });
    names_.follow(config);
    configured_ = named ? config : config::Config{};
    if (named) return names_.effective(std::move(config));
    return config;  // moved, whole: a conditional expression would copy it
}

void LvsRole::names_changed() {
    if (!started_ || stopping_) return;
    carry_out_pending();
    reload(names_.effective(configured_));
}

void LvsRole::stop(std::function<void()> done) {
    if (std::exchange(stopping_, true)) return;
    bfd_.close();
    names_.stop();
    deadline_timer_.cancel();
    publisher_.stop();
    counters_.reset();
    if (!started_) return boost::asio::post(runtime_.loop(), std::move(done));
    carry_out_pending();
    const auto intents = judge_.stop(options_.keep_ipvs_at_stop, moment());
    keeper_.stop(options_.keep_ipvs_at_stop, flush_on_stop_);
    marks_.stop(options_.keep_ipvs_at_stop);
    settings_.stop();
    vrrp_.close();
    links_.close();
    tell(intents);
    runner_.stop(std::move(done));
}

// What the results of one turn of the loop lead to is carried out together: thousands of servers that fail at a time
// are some plans, not thousands.
void LvsRole::step(const lvs::Fact& fact) {
    auto intents = judge_.step(fact, moment());
    pending_.insert(pending_.end(), std::make_move_iterator(intents.begin()), std::make_move_iterator(intents.end()));
    arm_deadline();
    if (pending_.empty() || std::exchange(carry_out_queued_, true)) return;
    boost::asio::post(runtime_.loop(), [this, alive = std::weak_ptr{alive_}] {
        if (!alive.expired()) carry_out_pending();
    });
}

// Before anything that gives services another number, and before the end.
void LvsRole::carry_out_pending() {
    carry_out_queued_ = false;
    carry_out(std::exchange(pending_, {}));
}

void LvsRole::carry_out(const lvs::Intents& intents) {
    change_table(intents);
    tell(intents);
    if (stopping_) return;
    run_checks(intents);
    count_connections(intents);
    arm_deadline();
}

// The kernel is asked once the table is as it is wanted.
void LvsRole::count_connections(const lvs::Intents& intents) {
    for (const auto& intent : intents) {
        const auto* wanted = std::get_if<lvs::CountConnections>(&intent);
        if (wanted == nullptr) continue;
        auto counted = keeper_.connections(judge_.desired(wanted->service));
        clock_.forget();
        if (!counted) continue;  // the time limit remains
        step(lvs::ConnectionsCounted{wanted->service, std::move(*counted)});
        publish_within(kPublishLater);
    }
}

Role::ServerReply LvsRole::servers(const ipc::ServerQuestion& question) {
    using Verb = lvs::ServerCommand::Verb;
    if (question.verb > static_cast<std::uint8_t>(Verb::Weight)) return {2, "this daemon does not know that word", {}};
    const lvs::ServerCommand command{.verb = static_cast<Verb>(question.verb),
                                     .which = question.which,
                                     .weight = question.weight,
                                     .dry_run = question.dry_run,
                                     .by = question.by};
    carry_out_pending();
    lvs::ServerAnswer answer;
    carry_out(judge_.command(command, moment(), answer));
    if (answer.changed != 0 && !question.dry_run) publish();  // it is to survive whatever comes next
    std::string text;
    for (const auto& line : answer.lines) text += line + "\n";
    const bool would_change = question.dry_run && answer.changed != 0;
    return {answer.problem.empty() ? (would_change ? 1 : 0) : 2, std::move(answer.problem), std::move(text)};
}

// All that one step changes goes to the kernel as one plan: so the sorry server enters before the last server leaves.
void LvsRole::change_table(const lvs::Intents& intents) {
    std::vector<std::size_t> services;
    for (const auto& intent : intents) {
        if (const auto* changed = std::get_if<lvs::TableChanged>(&intent)) services.push_back(changed->service);
    }
    if (services.empty()) return;
    std::ranges::sort(services);
    services.erase(std::unique(services.begin(), services.end()), services.end());
    lvs::Table changed;
    for (const std::size_t service : services) std::ranges::move(judge_.desired(service), std::back_inserter(changed));
    keeper_.update(std::move(changed));
    clock_.forget();
    publish_within(kPublishSoon);
}

void LvsRole::tell(const lvs::Intents& intents) {
    for (const auto& intent : intents) {
        if (const auto* said = std::get_if<lvs::Say>(&intent)) {
            runtime_.log().line(said->line);
        } else if (const auto* announced = std::get_if<lvs::Announce>(&intent)) {
            runtime_.publish(announced->event);
        }
    }
}

void LvsRole::run_checks(const lvs::Intents& intents) {
    for (const auto& intent : intents) {
        if (const auto* started = std::get_if<lvs::StartCheck>(&intent)) {
            const auto* checker = judge_.checker(started->checker);
            if (checker == nullptr) continue;
            start_check(started->checker, *checker);
        } else if (const auto* cancelled = std::get_if<lvs::CancelCheck>(&intent)) {
            runner_.cancel(cancelled->checker);
        }
    }
}

void LvsRole::start_check(lvs::CheckerId check, const config::Checker& checker) {
    const auto place = judge_.place(check);
    if (!place) return;
    if (checker.type == config::Checker::Type::Misc) return run_script_check(check);
    const auto& state = judge_.states()[place->service].servers[place->server].checkers[place->checker];
    if (auto probe = probe::probe_of(checker, state.url, *tools_)) runner_.start(check, std::move(*probe));
}

// The supervisor ends it at its time limit. Its result is queued, because it may be answered from within the call.
void LvsRole::run_script_check(lvs::CheckerId check) {
    const auto place = judge_.place(check);
    if (!place) return;
    const auto& service = judge_.services()[place->service];
    const Instant began = runtime_.now();
    auto done = [this, alive = std::weak_ptr{alive_}, check, began](const ipc::ScriptResult& result) {
        if (alive.expired()) return;
        const auto took = std::chrono::duration_cast<Micros>(runtime_.now() - began);
        boost::asio::post(runtime_.loop(), [this, alive, check, result, took] {
            if (!alive.expired()) script_done(check, result, took);
        });
    };
    runtime_.run_script(alert::misc_check_key(service, service.real_servers[place->server], place->checker), {}, {},
                        std::move(done));
}

void LvsRole::bfd_told(const ipc::BfdState& told) {
    runtime_.log().info("Received BFD event: instance {} is in state {}", told.name, told.up ? "Up" : "Down");
    follow(followed_.told(judge_, told));
}

void LvsRole::follow(Followed::Results results) {
    if (!started_ || stopping_) return;
    for (auto& result : results) step(std::move(result));
    if (!results.empty()) publish_within(kPublishSoon);
}

// Also before the start: a line is laid before there is a configuration.
void LvsRole::vrrp_told(const ipc::Message& told) {
    const auto* states = std::get_if<ipc::InstanceStates>(&told);
    if (states == nullptr || stopping_) return;
    for (const auto& instance : states->instances) {
        masters_[instance.name] = instance.master;
        if (started_) settings_.told(instance.name, instance.master);
    }
}

void LvsRole::watch_links(const config::Config& config) {
    if (config::sync_daemon(config) || lvs::suspends(config)) links_.open(config.global);
    if (links_.is_open()) judge_.know_addresses(links_.addresses());
}

void LvsRole::links_changed() {
    if (stopping_ || !started_) return;
    interface_told();
    step(lvs::AddressesChanged{links_.addresses()});
}

// In a network namespace of IPVS's own the daemon has an interface that cannot be seen from here.
void LvsRole::interface_told() {
    const auto& sync = settings_.sync_daemon();
    if (!sync || !links_.is_open() || runtime_.options().has_ipvs_namespace) return;
    settings_.interface_is(links_.index_of(sync->interface));
}

void LvsRole::script_done(lvs::CheckerId check, const ipc::ScriptResult& result, Micros duration) {
    const auto* checker = judge_.checker(check);
    if (checker == nullptr) return;
    auto verdict = verdict_of(result, checker->misc_dynamic);
    check_done(check, {verdict.outcome, std::move(verdict.reason), duration, {}, verdict.weight});
}

void LvsRole::check_done(std::uint64_t check, probe::Finding finding) {
    if (stopping_) return;
    if (finding.certificate) look_at_certificate(check, finding);
    step(lvs::CheckFinished{check, finding.outcome, std::move(finding.reason), finding.duration, finding.weight,
                            std::move(finding.words), finding.weight_percent});
    publish_within(kPublishLater);
}

void LvsRole::equip(const config::Config& config) {
    tools_ = std::make_unique<probe::Toolbox>(config);
    for (const auto& problem : tools_->problems()) runtime_.log().error("{}", problem);
}

void LvsRole::look_at_certificate(std::uint64_t check, probe::Finding& finding) {
    const auto place = judge_.place(check);
    if (!place) return;
    const auto& service = judge_.services()[place->service];
    const auto& server = service.real_servers[place->server];
    const auto days =
        config::value_of<std::int64_t>(server.checkers[place->checker].more->values, "cert_expiry_warning");
    if (!days) return;
    const auto judged = certificates_.look(
        service, server, judge_.states()[place->service].servers[place->server].alive,
        {finding.certificate->fingerprint, finding.certificate->subject, finding.certificate->not_after},
        static_cast<std::uint32_t>(*days), runtime_.wall());
    if (!judged.remark.empty()) finding.reason += "; " + judged.remark;
    tell(judged.told);
}

void LvsRole::arm_deadline() {
    const auto deadline = judge_.deadline();
    // An earlier wake-up that is armed already is left alone: the judge ignores it and this arms the right one.
    if (stopping_ || !deadline || (armed_ && *armed_ <= *deadline)) return;
    armed_ = deadline;
    // Checks that are due within a slot begin together: thousands a second share their wake-ups.
    const Nanos since_boot = deadline->time_since_epoch();
    deadline_timer_.expires_at(*deadline + (kDeadlineSlot - since_boot % kDeadlineSlot) % kDeadlineSlot);
    deadline_timer_.async_wait([this, alive = std::weak_ptr{alive_}](const boost::system::error_code& error) {
        if (error || alive.expired() || stopping_) return;
        armed_.reset();
        clock_.forget();
        step(lvs::DeadlineReached{});
    });
}

void LvsRole::write_state() {
    auto status = status_of(judge_, keeper_.state(), runtime_.generation());
    status.original_timeouts = settings_.original_timeouts();
    if (counters_) status.traffic = counters_->traffic();
    runtime_.publish_state([&](std::span<std::byte> room) { return write_status(room, status, judge_, moment()); });
    clock_.forget();
}

}  // namespace

RoleTraits lvs_traits() {
    return {.capabilities = {CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE}, .kind = Kind::Lvs, .has_ring = true};
}

std::unique_ptr<Role> make_lvs_role(Runtime& runtime, LvsOptions options) {
    return std::make_unique<LvsRole>(runtime, std::move(options));
}

}  // namespace mainstay::role
