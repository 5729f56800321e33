// The judge combines its parts, each of which has one task and its own state, and passes results between them. The
// sections below name the source file of each function.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "check_schedule.hpp"
#include "check_words.hpp"
#include "draining.hpp"
#include "local_addresses.hpp"
#include "mainstay/base/byte_archive.hpp"
#include "mainstay/base/interned_string.hpp"
#include "mainstay/lvs/firewall_marks.hpp"
#include "mainstay/lvs/judge.hpp"
#include "mainstay/lvs/settings.hpp"
#include "operator_overrides.hpp"
#include "quorum_changes.hpp"
#include "services.hpp"
#include "shared_probes.hpp"
#include "slow_start.hpp"

namespace mainstay::lvs {

class Judge::Impl {
public:
    explicit Impl(Random random) : schedule_{std::move(random)} {}

    void start(config::Config config, const Memory& memory, Moment at, Overrides overrides, const Opening& opening,
               HostFacts host);
    [[nodiscard]] Intents step(const Fact& fact, Moment at);
    [[nodiscard]] Intents command(const ServerCommand& command, Moment at, ServerAnswer& answer);
    [[nodiscard]] Intents reload(config::Config next, Moment at, HostFacts host);
    [[nodiscard]] bool accepts(const std::vector<config::ServiceChange>& changes) const;
    [[nodiscard]] Intents reload(std::vector<config::ServiceChange> changes, Moment at, HostFacts host);
    [[nodiscard]] Intents stop(bool keep) const;

    [[nodiscard]] std::optional<Instant> deadline() const;
    [[nodiscard]] const Services& services() const { return services_; }
    [[nodiscard]] const LineBudget& budget() const { return budget_; }
    [[nodiscard]] const OperatorOverrides& overrides() const { return overrides_; }
    void save(ByteWriter& out);
    [[nodiscard]] bool resume(config::Config config, ByteReader& in);
    [[nodiscard]] std::optional<netlink::MarkTable> mark_table() const {
        return marks_.table(services_.global, services_.configs);
    }

private:
    // judge_state.cpp
    template <class A>
    void archive(A& a);
    [[nodiscard]] bool fits_the_configuration() const;

    // judge_run.cpp
    void make_fresh_states(Moment at, bool first_run_retries, const HostFacts& host);
    [[nodiscard]] ServiceState fresh_state(const config::VirtualServer& service, Moment at, bool first_run_retries,
                                           const HostFacts& host);
    [[nodiscard]] ServerState fresh_server(const config::RealServer& server, Moment at, bool first_run_retries,
                                           const HostFacts& host);
    void log_known_failures(std::size_t service, Intents& out) const;
    void take_up_checks(Instant now);
    void note_unusable();
    struct Standing {
        bool quorum_up = false, sorry_in_use = false;
    };
    [[nodiscard]] std::vector<Standing> settle_quorums();
    void report_opening(const Memory& memory, const std::vector<Standing>& before, Intents out,
                        const std::function<void(const Intents&)>& report);
    void announce_initial(const ServerRef& ref, Intents& out) const;

    // judge_run.cpp: from a deadline to a run, from a result to its checkers
    void on_deadline(Moment at, Intents& out);
    void on_results(const CheckFinished& fact, Moment at, Intents& out);
    void on_finished(const CheckFinished& fact, Moment at, Intents& out);
    void not_run(const CheckerRef& ref, const CheckFinished& fact, bool repeated, Intents& out) const;
    void cancel_checks(ServerState& server, Instant now, Intents& out);
    void tidy() { schedule_.tidy(services_); }

    // judge_verdict.cpp: from a result to the state of its checker
    void passed(const CheckerRef& ref, const CheckFinished& fact, const CheckRun& run, Moment at, Intents& out);
    void came_up(const CheckerRef& ref, const CheckFinished& fact, bool was_up, Moment at, Intents& out);
    void failed(const CheckerRef& ref, const CheckFinished& fact, const CheckRun& run, Moment at, Intents& out);
    void failed_while_down(const CheckerRef& ref, const CheckFinished& fact, const CheckRun& run, Moment at,
                           Intents& out);
    void fell(const CheckerRef& ref, const CheckFinished& fact, bool retried, Moment at, Intents& out);
    [[nodiscard]] bool needs_more_urls(const CheckerRef& ref, Moment at, Intents& out);
    [[nodiscard]] bool tries_again(const CheckerRef& ref, const CheckRun& run, Moment at);
    [[nodiscard]] RiseFall counts(const CheckerRef& ref) const;
    void log_failure(const CheckerRef& ref, const CheckFinished& fact, bool retried, std::uint32_t retries,
                     Intents& out) const;
    void announce_check(const CheckerRef& ref, const CheckFinished& fact, bool notify, bool mail, Intents& out) const;

    // judge.cpp: the state of a server, and thereby its entry in the table
    void set_alive(const ServerRef& ref, bool alive, Moment at, Intents& out);
    // Makes the effective weight follow the checkers; true when it changed.
    bool reweigh(const ServerRef& ref, Instant now, Intents& out);
    [[nodiscard]] bool is_kept(const ServerRef& ref, Intents& out);
    void log_kept(const ServerRef& ref, std::size_t others, Intents& out) const;
    void release_kept(std::size_t service, Moment at, Intents& out);
    void keep_failing(std::size_t service, bool is_new, Moment at, Intents& out);

    // judge_command.cpp
    void hold(const ServerRef& ref, Hold wanted, std::int64_t weight, Moment at, Intents& out);
    void take_out(const ServerRef& ref, Moment at, Intents& out);
    void bring_back(const ServerRef& ref, Moment at, Intents& out);
    void end_overrides(Moment at, Intents& out);
    [[nodiscard]] Intents carry_out(const ServerCommand& command, Moment at, ServerAnswer& answer);
    void dry_run(const ServerCommand& command, Moment at, ServerAnswer& answer) const;

    // judge_reload.cpp
    [[nodiscard]] bool is_the_same(const config::ServiceChange& change, std::size_t running) const;
    [[nodiscard]] bool can_move(const std::vector<config::ServiceChange>& changes) const;
    struct Previous {  // services that were replaced
        std::vector<config::VirtualServer> configs;
        std::vector<ServiceState> states;
        std::map<ServiceIdentity, std::size_t> by_identity;

        void add(Services::Replaced replaced);
        [[nodiscard]] std::optional<std::size_t> find(const config::VirtualServer& service) const;
    };
    void take_over(const Previous& before, const std::vector<std::size_t>& services, Moment at, Intents& out);
    void report_removed(const Previous& before, const std::vector<std::size_t>& services, Intents& out) const;
    void report_removed_servers(const Previous& before, std::size_t old, std::size_t service, Intents& out) const;
    void report_added(std::size_t service, const Previous& before, Intents& out) const;
    void carry_service(std::size_t service, const Previous& before, std::size_t old, Moment at, Intents& out);
    void report_carried(const ServerRef& ref, const ServerState& old, Moment at, Intents& out);
    void cancel_gone(const Previous& before, Intents& out) const;

    // judge_run.cpp
    [[nodiscard]] std::size_t shut_down_servers(std::size_t number, bool flushes, Intents& out) const;

    // judge_suspend.cpp, and what the log says of a service's checks
    void on_addresses(Moment at, Intents& out);
    void suspend(std::size_t service, Instant now, Intents& out);
    void resume(std::size_t service, Instant now, Intents& out);
    void log_activations(Intents& out, CheckerId since) const;
    void log_sessions(Intents& out, CheckerId since) const;
    void log_checks(std::size_t service, std::string_view verb, Intents& out, CheckerId since = 0) const;

    Services services_;
    CheckSchedule schedule_;
    SharedProbes shared_;
    SlowStart slow_start_;
    Draining draining_;
    OperatorOverrides overrides_;
    FirewallMarks marks_;
    LocalAddresses addresses_;
    LineBudget budget_;
    TextPool reasons_;  // of checks
};

}  // namespace mainstay::lvs
