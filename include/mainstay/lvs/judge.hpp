// What is true of every service: which checks are due, what their results mean for servers and quorum, what has to
// be told to whom. Facts and time in, intents out; no I/O, no clock. The wanted IPVS table follows from its state.
//
// Rules: a checker that is up tolerates `retry` failures, but none in its very first run; a server is up while all
// its checkers are; a service is up while the weight of its living servers makes quorum. A check starts delay_loop
// after the previous one was due, so lateness does not add up; a retry starts delay_before_retry after the failure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "check_queue.hpp"
#include "checker_index.hpp"
#include "desired.hpp"
#include "line_budget.hpp"
#include "mainstay/base/compact_optional.hpp"
#include "mainstay/base/compact_vector.hpp"
#include "mainstay/base/event.hpp"
#include "mainstay/base/interned_string.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/config/validate/service_change.hpp"
#include "mainstay/netlink/mark_table.hpp"
#include "overrides.hpp"
#include "quorum.hpp"
#include "settings.hpp"
#include "table.hpp"

namespace mainstay::lvs {

struct Moment {
    Instant now;
    WallTime wall;  // for people, never compared
};

enum class Outcome : std::uint8_t {
    Passed,
    Failed,    // refused, unreachable, reset
    TimedOut,  // a failure too
    NotRun,    // a local problem (socket, bind): says nothing about the server
};

// ---- facts ----
struct CheckFinished {
    CheckerId checker = 0;
    Outcome outcome = Outcome::Passed;
    std::string reason;  // for people: "connected", "connection refused"
    Micros duration{0};
    std::optional<std::int64_t> weight;  // what a dynamic check that passed asks for; none: the configured one
    std::string words = {};              // keepalived's for a failure: "MD5 digest error to server"
    std::optional<std::uint32_t> weight_percent = {};  // instead of `weight`: so much of the configured one
};
struct DeadlineReached {};
struct ConnectionsCounted {  // what CountConnections asked for, of all of the service's destinations
    std::size_t service = 0;
    struct Destination {
        Endpoint endpoint;
        std::uint64_t active = 0, inactive = 0;
    };
    std::vector<Destination> destinations;
};
struct AddressesChanged {  // the host's, on whatever interface: ha_suspend follows them
    std::set<IpAddress> addresses;
};
using Fact = std::variant<CheckFinished, DeadlineReached, ConnectionsCounted, AddressesChanged>;

// ---- intents, to be carried out in order ----
struct StartCheck {
    CheckerId checker = 0;
    bool operator==(const StartCheck&) const = default;
};
struct CancelCheck {  // its result would be ignored
    CheckerId checker = 0;
    bool operator==(const CancelCheck&) const = default;
};
struct Announce {
    Event event;
    bool operator==(const Announce&) const = default;
};
struct Say {
    LogLine line;
    bool operator==(const Say&) const = default;
};
struct TableChanged {  // what is wanted of this service is no longer what it was
    std::size_t service = 0;
    bool operator==(const TableChanged&) const = default;
};
struct CountConnections {  // servers of this service wait for the end of their connections
    std::size_t service = 0;
    bool operator==(const CountConnections&) const = default;
};
using Intent = std::variant<StartCheck, CancelCheck, Announce, Say, TableChanged, CountConnections>;
using Intents = std::vector<Intent>;

// ---- what a new incarnation needs to go on where a crashed one stopped, and what status shows ----
// There are tens of thousands of servers and checkers: members are ordered without gaps.
using ShortTime = std::chrono::duration<std::uint32_t, std::micro>;  // up to 71 minutes
[[nodiscard]] constexpr ShortTime short_time(Micros time) {
    return ShortTime{static_cast<std::uint32_t>(std::clamp<Micros::rep>(time.count(), 0, ShortTime::max().count()))};
}

struct CheckerState {
    CheckerId id = 0;  // 0: none yet
    Instant due;       // of the next run, or of the running one
    WallTime last_run;
    InternedString last_result;
    CompactOptional<std::optional<std::int64_t>> dynamic_weight;  // asked for by its last success
    ShortTime last_duration{0};
    std::uint32_t retries_used = 0;
    std::uint32_t failures_in_row = 0;
    std::uint32_t rises = 0, falls = 0;  // successes while down, failed rounds while up, in a row
    std::uint32_t url = 0;               // HTTP_GET: the one that is tested next
    bool up = true;
    bool has_run = false;
    bool running = false;
    bool waits = false;              // for its next run, in the queue
    bool first_run_retries = false;  // came by a reload: even its first run tolerates failures
    bool pass_broken = false;        // HTTP_GET: that one failed for good, the pass begins anew after it
    bool first_pass = true;          // HTTP_GET: not all URLs have been tested since the start
    bool operator==(const CheckerState&) const = default;
};
// A server on its way out of the table: weight 0 until its connections are gone or the time is over.
struct DrainState {
    Instant until;
    WallTime until_wall;
    std::optional<std::uint64_t> connections;  // as counted last
    bool over = false;
    bool operator==(const DrainState&) const = default;
};
// Of a server that is neither in the table with all of its weight nor out of it.
struct Between {
    std::int64_t held_weight = 0;                // of Hold::Weight
    std::optional<DrainState> leave;             // drained or disabled, with a drain_timeout
    std::optional<Instant> grows_since;          // slow_start: its weight grows to the full one from then on
    std::optional<std::int64_t> growing_weight;  // and is this now
    bool operator==(const Between&) const = default;
};
inline void grow_no_more(Between& between) { between.grows_since.reset(), between.growing_weight.reset(); }
struct ServerState {
    std::int64_t weight = 1;  // effective
    WallTime since;           // of the last change between alive and not
    CompactOptional<Between> between;
    CompactVector<CheckerState> checkers;
    bool alive = true;
    bool kept = false;       // its checks fail, and min_alive keeps it alive
    Hold hold = Hold::None;  // of its Override
    bool operator==(const ServerState&) const = default;
};
struct LeavingServer {  // no longer configured
    config::RealServer server;
    DrainState leave;
    bool operator==(const LeavingServer&) const = default;
};
struct ServiceState {
    bool quorum_up = false;
    bool sorry_in_use = false;
    std::vector<ServerState> servers;
    std::vector<LeavingServer> leaving;
    bool suspended = false;  // ha_suspend, and none of its addresses is here: no check runs
    bool operator==(const ServiceState&) const = default;
};

struct CheckerMemory {
    config::Checker::Type type = config::Checker::Type::Tcp;
    std::string target;
    CheckerState state;
};
struct ServerMemory {
    Endpoint endpoint;
    bool alive = true;
    WallTime since;
    std::vector<CheckerMemory> checkers;
    bool kept = false;
    std::optional<DrainState> leave;  // its `until` is not read
    std::optional<WallTime> grows_since;
};
struct ServiceMemory {
    ServiceIdentity identity;
    std::vector<netlink::IpvsServiceKey> keys = {};  // of a group
    bool quorum_up = false;
    bool sorry_in_use = false;
    std::vector<ServerMemory> servers;
    std::vector<LeavingServer> leaving;  // likewise
};
using Memory = std::vector<ServiceMemory>;

// Lines per server (activation, first success, shutdown) up to this many servers in all; above it one line per
// service stands for them, and at the end one for all with more services than that. Changes of a server's state are
// told as long as they are not too many (line_budget.hpp).
inline constexpr std::size_t kServersNamedInLogMax = 256;

[[nodiscard]] std::string_view keyword_of(config::Checker::Type type);  // "TCP_CHECK"

// Whether any service's checks depend on the host's addresses (ha_suspend).
[[nodiscard]] bool suspends(const config::Config& config);
[[nodiscard]] bool suspends(const config::VirtualServer& service);

class Judge {
public:
    // Evenly distributed over 0..limit, both included.
    using Random = std::function<Micros(Micros limit)>;

    explicit Judge(Random random) : random_{std::move(random)} {}

    // What an earlier service stands for in the kernel already is left out, with a line. `memory` is an earlier
    // incarnation's: what did not change is not announced again. Emits no TableChanged: all is new.
    // `overrides`: what operators said, likewise.
    [[nodiscard]] Intents start(config::Config config, const Memory& memory, Moment at, Overrides overrides = {});
    // The same in two parts: after begin() all is as it will be, and opening() makes what there is to tell, of one
    // service after the other. Between them nothing may be stepped.
    [[nodiscard]] Intents begin(config::Config config, const Memory& memory, Moment at, Overrides overrides = {});
    void opening(const Memory& memory, const std::function<void(const Intents&)>& tell);
    [[nodiscard]] Intents step(const Fact& fact, Moment at);
    // Overrides of single servers. A dry run changes nothing and answers what would change.
    [[nodiscard]] Intents command(const ServerCommand& command, Moment at, ServerAnswer& answer);
    // Timers, verdicts and running checks of unchanged checkers are kept. Afterwards the whole wanted table
    // is to be compared with what is there, whatever TableChanged says; it equals it where nothing changed.
    [[nodiscard]] Intents reload(config::Config next, Moment at);
    // The same when only these change, and all else is as it was: the others are not looked at. Whether it takes
    // them: a service becomes no other one for the kernel, and neither begins nor ceases to suspend its checks.
    [[nodiscard]] bool takes(const std::vector<config::ServiceChange>& changes) const;
    [[nodiscard]] Intents change(std::vector<config::ServiceChange> changes, Moment at);
    // What is to be told at the end. `keep`: the table stays in the kernel. Nothing may be stepped afterwards.
    [[nodiscard]] Intents stop(bool keep, Moment at);

    // The addresses as they are, before start() and reload(); never told: nothing is suspended.
    void know_addresses(std::set<IpAddress> addresses) { addresses_ = std::move(addresses), knows_addresses_ = true; }

    // When step(DeadlineReached) is next due; an early call changes nothing.
    [[nodiscard]] std::optional<Instant> deadline() const;

    [[nodiscard]] const std::vector<config::VirtualServer>& services() const { return services_; }
    [[nodiscard]] const std::vector<ServiceState>& states() const { return states_; }
    [[nodiscard]] std::uint64_t lines_left_out() const { return budget_.left_out(); }
    [[nodiscard]] const Overrides& overrides() const { return overrides_; }
    [[nodiscard]] std::optional<Override> override_of(std::size_t service, std::size_t server) const;
    // Whether a server of a service with persistence is drained so that its clients go elsewhere.
    [[nodiscard]] bool expires_persistence() const;
    [[nodiscard]] const config::Checker* checker(CheckerId id) const;  // null: gone
    using Place = CheckerRef;                                          // indices into services()
    [[nodiscard]] std::optional<Place> place(CheckerId id) const;      // none: gone
    // The checks that follow this file or session, sorted.
    [[nodiscard]] std::vector<CheckerId> followers(config::Checker::Type type, std::string_view name) const;
    [[nodiscard]] Table desired(std::size_t service) const;  // several for a group
    // The kernel's services that it stands for; empty when others have all of them.
    [[nodiscard]] std::vector<netlink::IpvsServiceKey> keys(std::size_t service) const;
    [[nodiscard]] Table desired() const;
    // nftables_ipvs: what gives packets to groups their marks; none when the configuration does not ask for it.
    [[nodiscard]] std::optional<netlink::MarkTable> mark_table() const;
    [[nodiscard]] ServiceVerdict verdict(std::size_t service) const;

private:
    using Position = Place;
    struct Previous;  // the configuration and state before a reload, judge_reload.cpp

    void adopt_config(config::Config config, Intents& out);
    [[nodiscard]] bool is_mapped(const config::VirtualServer& service) const;
    void take_marks(const std::vector<config::VirtualServer>& services);
    [[nodiscard]] std::vector<netlink::IpvsServiceKey> kernel_keys(const config::VirtualServer& service) const;
    void recall_marks(const Memory& memory);
    void make_fresh_states(Moment at, bool first_run_retries);
    [[nodiscard]] ServiceState fresh_state(const config::VirtualServer& service, Moment at,
                                           bool first_run_retries) const;
    void recall(const Memory& memory, Moment at);
    void recall_service(std::size_t service, const ServiceMemory& memory, Moment at);
    void settle_quorums();
    void index_checkers();
    void enqueue_all(Instant now);
    void say_activations(Intents& out, CheckerId since) const;
    void say_sessions(Intents& out, CheckerId since = 0) const;
    void say_checks(std::size_t service, std::string_view verb, Intents& out, CheckerId since = 0) const;
    [[nodiscard]] bool suspended_now(const config::VirtualServer& service) const;
    void on_addresses(Moment at, Intents& out);
    void suspend(std::size_t service, Instant now, Intents& out);
    void resume(std::size_t service, Instant now, Intents& out);

    void on_deadline(Moment at, Intents& out);
    void on_results(const CheckFinished& fact, Moment at, Intents& out);
    void on_finished(const CheckFinished& fact, Moment at, Intents& out);
    struct Run {
        bool first = false;
        Instant began;  // when it was due
    };
    void passed(const Position& where, const CheckFinished& fact, const Run& run, Moment at, Intents& out);
    void failed(const Position& where, const CheckFinished& fact, const Run& run, Moment at, Intents& out);
    void fell(const Position& where, const CheckFinished& fact, bool retried, Moment at, Intents& out);
    void schedule(const Position& where, Instant due);
    void set_alive(const Position& where, bool alive, Moment at, Intents& out);
    [[nodiscard]] bool pass_goes_on(const Position& where, Intents& out);
    // Makes the effective weight follow the checkers; true when it changed.
    bool reweigh(const Position& where, Instant now, Intents& out);
    void announce_check(const Position& where, const CheckFinished& fact, bool notify, bool mail, Intents& out) const;
    [[nodiscard]] bool tries_again(const Position& where, const Run& run, Moment at);
    void announce_initial(std::size_t service, std::size_t server, Intents& out) const;

    enum class Mode : std::uint8_t { Running, Start, Reload };
    void evaluate_quorum(std::size_t service, Mode mode, Intents& out);
    void quorum_gained(std::size_t service, std::int64_t weight, Mode mode, Intents& out);
    void quorum_lost(std::size_t service, std::int64_t weight, Mode mode, Intents& out);

    // overrides, judge_command.cpp
    void apply_overrides(std::size_t service);
    [[nodiscard]] std::vector<Place> matching(const ServerPattern& pattern, ServerAnswer& answer) const;
    [[nodiscard]] std::vector<OverrideKey> held_strangers(const ServerPattern& pattern) const;
    [[nodiscard]] std::optional<std::string> remark_on_expiry() const;
    void hold(const Position& where, Hold hold, std::int64_t weight, Moment at, Intents& out);
    void take_out(const Position& where, Moment at, Intents& out);
    void bring_back(const Position& where, Moment at, Intents& out);
    void dry_run(const ServerCommand& command, Moment at, ServerAnswer& answer) const;
    [[nodiscard]] std::string state_text(std::size_t service, std::size_t server) const;
    // slow_start, drain_timeout and min_alive, judge_gradual.cpp
    using ServerRef = std::pair<std::size_t, std::size_t>;  // service and server
    void begin_growth(const Position& where, Instant now, Intents& out);
    bool grow_one(ServerRef ref, Instant now);
    void grow(Moment at, Intents& out);
    void begin_leave(const Position& where, Moment at, Intents& out);
    void leave_after_reload(std::size_t service, const config::VirtualServer& old_config, const ServiceState& old_state,
                            Moment at, Intents& out);
    void look_at_leaving(Moment at, Intents& out);
    void on_counted(const ConnectionsCounted& fact, Intents& out);
    void end_leave(std::size_t service, const std::string& name, DrainState& leave, Intents& out) const;
    [[nodiscard]] bool forget_left(std::size_t service);
    void arm_gradual(Instant now);
    [[nodiscard]] bool is_kept(const Position& where, Intents& out);
    void say_kept(const Position& where, std::size_t others, Intents& out) const;
    void release_kept(std::size_t service, Moment at, Intents& out);
    void keep_again(std::size_t service, const config::VirtualServer& before, Moment at, Intents& out);
    // share_probe, judge_shared.cpp
    void group_checkers();
    void start_with(CheckerId leader);
    void unlead(CheckerId leader, Instant now);
    void unlead_gone(Instant now);
    void start_run(CheckerId id, Moment at, Intents& out);

    void carry_over(const Previous& before, Moment at, Intents& out);
    void carry_service(std::size_t service, const Previous& before, std::size_t old, Moment at, Intents& out);
    void tell_removed(const Previous& before, Intents& out) const;
    void tell_removed_servers(const Previous& before, std::size_t old, std::size_t service, Intents& out) const;
    void tell_added(std::size_t service, const Previous& before, Intents& out) const;
    void resume_checks(const Previous& before, Moment at, Intents& out);
    void cancel_gone(const Previous& before, Intents& out) const;

    [[nodiscard]] CheckerState& state_at(const Position& p) {
        return states_[p.service].servers[p.server].checkers[p.checker];
    }
    [[nodiscard]] const config::Checker& config_at(const Position& p) const {
        return services_[p.service].real_servers[p.server].checkers[p.checker];
    }
    [[nodiscard]] RiseFall counts(const Position& where) const;
    [[nodiscard]] std::string server_text(std::size_t service, std::size_t server) const;
    [[nodiscard]] std::string service_text(std::size_t service) const;
    [[nodiscard]] CheckerId id_at(const Position& p) const {
        return states_[p.service].servers[p.server].checkers[p.checker].id;
    }
    [[nodiscard]] bool is_stale(const CheckQueue::Entry& entry) const;
    void tidy_queue();
    [[nodiscard]] bool names_servers() const { return server_count_ <= kServersNamedInLogMax; }

    Random random_;
    LineBudget budget_;
    Overrides overrides_;
    config::Global global_;
    std::vector<config::VirtualServer> services_;
    std::map<std::size_t, std::vector<netlink::IpvsServiceKey>> group_keys_;  // by service; of the others: key_of()
    std::vector<ServiceState> states_;
    CheckerIndex positions_;
    CheckQueue queue_;                                 // of the checkers that wait for their next run
    TextPool reasons_;                                 // of checks
    std::set<std::pair<Instant, ServerRef>> growing_;  // when each weight takes its next step
    std::set<std::size_t> leaving_;                    // services with servers on their way out
    std::optional<Instant> look_at_leaving_at_;
    std::vector<std::vector<CheckerId>> shared_;                 // checkers that one probe can answer for
    std::unordered_map<CheckerId, std::size_t> shares_;          // index into shared_
    std::unordered_map<CheckerId, std::vector<CheckerId>> led_;  // who waits for the result of another's run
    struct Standing {
        bool quorum_up = false, sorry_in_use = false;
    };
    std::vector<Standing> before_opening_;  // beside services_, between begin() and opening()
    std::size_t server_count_ = 0;
    std::set<IpAddress> addresses_;
    bool knows_addresses_ = false;
    std::map<std::pair<ServiceIdentity, Family>, std::uint32_t> marks_;  // of groups that nftables maps
    CheckerId next_id_ = 1;
};

}  // namespace mainstay::lvs
