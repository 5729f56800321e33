// Declarations that the source files of the lvs role share.
#pragma once

#include "mainstay/base/lifetime.hpp"
#include "mainstay/role/lvs/role.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <expected>
#include <optional>
#include <set>
#include <variant>

#include "adoption.hpp"
#include "agreement.hpp"
#include "announcing.hpp"
#include "counters.hpp"
#include "event_driven_checks.hpp"
#include "links.hpp"
#include "mainstay/alert/scripts.hpp"
#include "mainstay/lvs/certificates.hpp"
#include "mainstay/lvs/judge.hpp"
#include "mainstay/lvs/path_checks.hpp"
#include "mainstay/probe/cached_clock.hpp"
#include "mainstay/probe/runner.hpp"
#include "mainstay/record/recorded.hpp"
#include "name_resolver.hpp"
#include "reconciler.hpp"
#include "role/common/blocks.hpp"
#include "role/common/flight_recorder.hpp"
#include "role/common/peer_channel.hpp"
#include "server_files.hpp"
#include "settings_reconciler.hpp"
#include "status.hpp"

namespace mainstay::role {

// The state block serves restarts and status requests. A changed check result is published within kPublishSoon,
// everything else within kPublishLater; writing takes at most a twentieth of the time.
inline constexpr Micros kPublishSoon{100'000};
inline constexpr Micros kPublishLater{2'000'000};
// Changed servers of files and names are taken together if they change within this time.
inline constexpr std::chrono::milliseconds kDiscoveredSoon{10};
// The servers in force of files and names are kept at most this often.
inline constexpr Micros kKeepDiscovered{1'000'000};

// Services that a reload adds or removes one by one; of more, the whole configuration is replaced.
inline constexpr std::size_t kServicesMovedMax = 256;

class LvsRole final : public Role {
public:
    LvsRole(Runtime& runtime, LvsOptions options)
        : runtime_{runtime},
          clock_{boost::asio::use_service<probe::CachedClock>(runtime.loop())},
          options_{std::move(options)},
          judge_{options_.random},
          reconciler_{runtime, options_, [this] { publish_within(kPublishSoon); }},
          runner_{runtime.loop(), runtime.log(),
                  [this](std::uint64_t check, probe::Finding finding) { check_done(check, std::move(finding)); },
                  raise_descriptor_limit(runtime.log())},
          bfd_{runtime.loop(), runtime.log(), [this](const ipc::BfdState& received) { on_bfd_state(received); }},
          names_{runtime.loop(), runtime.log(), [this] { return moment(); }, [this] { discovered_changed(); },
                 [this] { publish_within(kPublishSoon); }},
          files_{runtime.loop(), runtime.log(), [this] { return moment(); }, [this] { discovered_changed(); }},
          discovered_timer_{runtime.loop()},
          keep_timer_{runtime.loop()},
          settings_{runtime.loop(), runtime.log(), options_, [this] { publish(); }},
          agreement_{runtime.log(), reconciler_, options_},
          vrrp_{runtime.loop(), runtime.log(), "VRRP",
                [this](const ipc::Message& received) { on_instance_states(received); }},
          links_{runtime.loop(), runtime.log(), [this] { links_changed(); }},
          marks_{runtime.loop(), runtime.log(), options_.reopen_every},
          announcing_{runtime.loop(),
                      runtime.log(),
                      options_,
                      {.moment = [this] { return moment(); },
                       .readiness = [this](std::size_t service,
                                           std::optional<Instant> fresh) { return readiness(service, fresh); },
                       .changed = [this] { announcing_changed(); }}},
          traffic_timer_{runtime.loop()},
          deadline_timer_{runtime.loop()},
          publisher_{runtime.loop(), {}, [this] { write_state(); }} {}

    Result<void> start(config::Config config, bool restarted) override;
    Result<void> prepare(config::Config next) override;
    [[nodiscard]] bool takes_changes() const override { return true; }
    [[nodiscard]] bool prepare_changes(std::vector<config::ServiceChange> changes) override;
    void commit() override;
    void abort() override { prepared_ = {}, follow(event_driven_.all(judge_)); }
    void commit_unchanged() override {
        reconciler_.audit_soon();
        settings_.reconcile();
        publish_within(kPublishLater);
    }
    void on(const ipc::Message& message, UniqueFd descriptor) override;
    void stop(std::function<void()> done) override;
    void save_state() override { publish(); }

private:
    void connect(ipc::PeerChannel::To other, UniqueFd line) {
        if (other == ipc::PeerChannel::To::Vrrp) return vrrp_.connect(std::move(line));
        bfd_.connect(std::move(line));
    }
    // Called before a configuration is prepared, which needs the observations.
    void observed(const ipc::Observations& seen) {
        auto results = event_driven_.results_of(judge_, seen);
        if (!is_prepared()) follow(std::move(results));
    }
    [[nodiscard]] OperatorReply command(const ipc::ServerQuestion& question);
    void maintain(const ipc::MaintenanceOrder& order);
    void traffic_wanted();
    void discovered(const ipc::ServerFileRead& read, UniqueFd servers);
    void recall_discovered(UniqueFd saved);
    [[nodiscard]] lvs::Moment moment() {
        const Instant now = std::chrono::time_point_cast<Nanos>(clock_.now());
        if (now != moment_.now) moment_ = {now, runtime_.wall()};
        return moment_;
    }
    [[nodiscard]] report::LvsStatus recall();
    void count_connections(const lvs::Intents& intents);
    // The services of the configuration, and after them those of checks along the data path.
    [[nodiscard]] TableReconciler::Wanted wanted() const {
        const std::size_t configured = judge_.services().size();
        return {configured + (path_checks_.is_used() ? 1 : 0), [this, configured](std::size_t service) {
                    return service < configured ? judge_.desired(service) : path_checks_.desired();
                }};
    }
    [[nodiscard]] lvs::Table wanted_of(const std::set<std::size_t>& services) const {
        lvs::Table table;
        for (const std::size_t service : services)
            std::ranges::move(judge_.desired(service), std::back_inserter(table));
        return table;
    }
    [[nodiscard]] lvs::Readiness readiness(std::size_t service, std::optional<Instant> fresh_after) const;
    void configure_announcing();
    void announcing_changed();
    // Puts the tables of active_active services in order that the configuration demands: of those whose addresses are
    // withdrawn, and with `all` also of those that announce none.
    void repair_agreement(bool all);
    void stop_table(std::function<void()> done);
    void step(const lvs::Fact& fact);
    void carry_out_pending();
    void carry_out(const lvs::Intents& intents);
    void change_table(const lvs::Intents& intents);
    void log_and_publish(const lvs::Intents& intents);
    void run_checks(const lvs::Intents& intents);
    void start_check(lvs::CheckerId check, const config::Checker& checker);
    // What such a check asks, or why it is not run.
    [[nodiscard]] std::expected<config::Checker, probe::Finding> along_path(const lvs::PathChecks::Way& way,
                                                                            const config::Checker& checker) const;
    void finish_soon(lvs::CheckerId check, probe::Finding finding);
    void run_script_check(lvs::CheckerId check);
    void on_bfd_state(const ipc::BfdState& received);
    void follow(EventDrivenChecks::Results results);
    void follow_known(lvs::Intents& after);
    void on_instance_states(const ipc::Message& received);
    void watch_links(const config::Config& config);
    [[nodiscard]] lvs::HostFacts host_facts() const;
    void links_changed();
    void on_interface_change();
    void script_done(lvs::CheckerId check, const ipc::ScriptResult& result, Micros duration);
    void check_done(std::uint64_t check, probe::Finding finding);
    void discovered_changed();  // carried out within kDiscoveredSoon
    void take_discovered();
    [[nodiscard]] std::optional<std::vector<config::ServiceChange>> discovered_changes() const;
    [[nodiscard]] lvs::KnownOf known_servers() const;
    [[nodiscard]] std::vector<report::DiscoveredStatus> discovered_status() const;
    // Has the supervisor keep the servers in force over restarts.
    void keep_discovered_soon();
    void keep_discovered();
    // The configuration for the judge, in which names and files are replaced by their servers, and checks along the
    // data path ask the services.
    [[nodiscard]] config::Config with_discovered(config::Config config);
    [[nodiscard]] config::Config with_path_checks(config::Config config);
    // Whether a change of one service is a matter of all: with SNMP all counters are read anew, and checks along the
    // data path have kernel services of their own.
    [[nodiscard]] bool needs_all_services() const { return counts_always_ || path_checks_.is_used(); }
    [[nodiscard]] bool is_prepared() const { return !std::holds_alternative<std::monostate>(prepared_); }
    void commit_all(config::Config next);
    void commit_changes(lvs::AcceptedChanges changes);
    void reload(config::Config next);
    void reloaded(const lvs::Intents& intents);
    void follow_settings(LvsSettings settings, const std::optional<netlink::IpvsTimeouts>& original_timeouts);
    void follow_agreement();
    void follow_path_checks();
    // Sets expire_quiescent_template while an override requests it. Not possible if IPVS runs in a separate network
    // namespace, whose settings cannot be reached from here.
    Result<void> reconcile_expiry() {
        if (runtime_.options().has_ipvs_namespace) return {};
        return settings_.expire_quiescent(judge_.expires_persistence());
    }
    [[nodiscard]] Result<void> expire_first();
    [[nodiscard]] OperatorReply count_left(const lvs::ServerAnswer& answer);
    void create_probes(const config::Config& config);
    void look_at_certificate(std::uint64_t check, probe::Finding& finding);
    // Replaced with each configuration, because its services differ.
    void count_traffic(std::optional<CounterIntervals> intervals) {
        counts_always_ = intervals.has_value();
        if (!intervals && traffic_asked_) intervals = {options_.traffic_every, options_.traffic_every};
        counters_ = make_counters(runtime_, judge_, reconciler_, intervals, [this] { publish_within(kPublishSoon); });
    }
    void forget_traffic();
    void arm_deadline();
    void publish_within(Micros pause) {
        if (started_ && !stopping_) publisher_.within(pause);
    }
    void publish() { publisher_.now(); }
    void write_state();

    Runtime& runtime_;
    probe::CachedClock& clock_;
    lvs::Moment moment_{};
    LvsOptions options_;
    FlightRecorder<record::JudgeRecorder> recorder_{runtime_};
    record::RecordedJudge judge_;
    TableReconciler reconciler_;
    probe::Runner runner_;
    std::unique_ptr<probe::Toolbox> tools_;  // of the running configuration
    lvs::CertificateWatch certificates_;
    BfdStateReceiver bfd_;
    EventDrivenChecks event_driven_;
    NameResolver names_;
    ServerFiles files_;
    ipc::DiscoveredSources discovered_before_;  // of an earlier process, until the start
    boost::asio::steady_timer discovered_timer_, keep_timer_;
    bool discovered_queued_ = false, keep_queued_ = false, kept_any_ = false;
    lvs::PathChecks path_checks_;
    config::Config configured_;  // as configured, with names and files; empty if it has none
    SettingsReconciler settings_;
    Agreement agreement_;
    CheckErrors script_errors_;
    PeerReceiver vrrp_;
    std::map<std::string, bool> masters_;  // last reported states of instances
    LvsLinks links_;
    MarkReconciler marks_;
    Announcing announcing_;
    ipc::MaintenanceOrder maintenance_;
    std::unique_ptr<LvsCounters> counters_;  // with SNMP, and while metrics are collected
    bool counts_always_ = false;             // with SNMP
    bool traffic_asked_ = false;             // within the last LvsOptions::traffic_kept
    boost::asio::steady_timer traffic_timer_;
    std::vector<report::CheckTypeStatus> check_types_;
    // What the next Commit applies: a whole configuration, or only some services.
    std::variant<std::monostate, config::Config, lvs::AcceptedChanges> prepared_;
    config::Global::FlushOnStop flush_on_stop_ = config::Global::FlushOnStop::No;
    std::vector<netlink::IpvsServiceKey> inherited_;  // services set by an earlier incarnation
    std::optional<netlink::IpvsTimeouts> inherited_timeouts_;
    IpvsSysctls::Values inherited_sysctls_;
    boost::asio::steady_timer deadline_timer_;
    std::optional<Instant> armed_;
    PublishPacer publisher_;
    lvs::Intents pending_;
    bool carry_out_queued_ = false;
    bool started_ = false, stopping_ = false, stopped_ = false;
    Lifetime lifetime_;
};

}  // namespace mainstay::role
