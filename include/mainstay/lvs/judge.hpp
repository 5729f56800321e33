// What is true of every service: which checks are due, what their results mean for servers and quorum, what has to
// be told to whom. Facts and time in, intents out; no I/O, no clock. The wanted IPVS table follows from its state.
//
// Rules: a checker that is up tolerates `retry` failures, but none in its very first run; a server is up while all
// its checkers are; a service is up while the weight of its living servers makes quorum. A check starts delay_loop
// after the previous one was due, so lateness does not add up; a retry starts delay_before_retry after the failure.
#pragma once

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

#include "mainstay/base/event.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/lvs/desired.hpp"
#include "mainstay/lvs/quorum.hpp"
#include "mainstay/lvs/table.hpp"

namespace mainstay::lvs {

// Never reused within a process: the result of a check that a reload removed finds nobody.
using CheckerId = std::uint64_t;

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
};
struct DeadlineReached {};
using Fact = std::variant<CheckFinished, DeadlineReached>;

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
using Intent = std::variant<StartCheck, CancelCheck, Announce, Say, TableChanged>;
using Intents = std::vector<Intent>;

// ---- what a new incarnation needs to go on where a crashed one stopped, and what status shows ----
struct CheckerState {
    bool acts = true;  // false: a type that is not run; taken as up
    bool up = true;
    bool has_run = false;
    bool running = false;
    bool first_run_retries = false;  // came by a reload: even its first run tolerates failures
    std::uint32_t retries_used = 0;
    std::uint32_t failures_in_row = 0;
    Instant due;  // of the next run, or of the running one
    std::string last_result;
    WallTime last_run;
    Micros last_duration{0};
    std::optional<std::int64_t> dynamic_weight;  // asked for by its last success
    std::uint32_t url = 0;                       // HTTP_GET: the one that is tested next
    bool pass_broken = false;                    // HTTP_GET: that one failed for good, the pass begins anew after it
    bool operator==(const CheckerState&) const = default;
};
struct ServerState {
    bool alive = true;
    std::int64_t weight = 1;  // effective
    WallTime since;           // of the last change between alive and not
    std::vector<CheckerState> checkers;
    bool operator==(const ServerState&) const = default;
};
struct ServiceState {
    bool quorum_up = false;
    bool sorry_in_use = false;
    std::vector<ServerState> servers;
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
};
struct ServiceMemory {
    netlink::IpvsServiceKey key;
    bool quorum_up = false;
    bool sorry_in_use = false;
    std::vector<ServerMemory> servers;
};
using Memory = std::vector<ServiceMemory>;

// Lines per server (activation, first success, shutdown) up to this many servers in all; above it one line per
// service stands for them. Changes of a server's state are always told.
inline constexpr std::size_t kServersNamedInLogMax = 256;

[[nodiscard]] std::string_view keyword_of(config::Checker::Type type);  // "TCP_CHECK"

class Judge {
public:
    // Evenly distributed over 0..limit, both included.
    using Random = std::function<Micros(Micros limit)>;

    explicit Judge(Random random) : random_{std::move(random)} {}

    // Services without a kernel identity (a group) and doubles are left out, with a line. `memory` is an earlier
    // incarnation's: what did not change is not announced again. Emits no TableChanged: all is new.
    [[nodiscard]] Intents start(config::Config config, const Memory& memory, Moment at);
    [[nodiscard]] Intents step(const Fact& fact, Moment at);
    // Timers, verdicts and running checks of unchanged checkers are kept. Afterwards the whole wanted table
    // is to be compared with what is there, whatever TableChanged says; it equals it where nothing changed.
    [[nodiscard]] Intents reload(config::Config next, Moment at);
    // What is to be told at the end. `keep`: the table stays in the kernel. Nothing may be stepped afterwards.
    [[nodiscard]] Intents stop(bool keep, Moment at);

    // When step(DeadlineReached) is next due; an early call changes nothing.
    [[nodiscard]] std::optional<Instant> deadline() const;

    [[nodiscard]] const std::vector<config::VirtualServer>& services() const { return services_; }
    [[nodiscard]] const std::vector<ServiceState>& states() const { return states_; }
    [[nodiscard]] const config::Checker* checker(CheckerId id) const;  // null: gone
    struct Place {                                                     // indices into services()
        std::size_t service = 0, server = 0, checker = 0;
    };
    [[nodiscard]] std::optional<Place> place(CheckerId id) const;  // none: gone
    [[nodiscard]] ServiceTable desired(std::size_t service) const;
    [[nodiscard]] Table desired() const;

private:
    using Position = Place;
    struct Previous;  // the configuration and state before a reload, judge_reload.cpp
    using Ids = std::vector<std::vector<std::vector<CheckerId>>>;  // beside states_: [service][server][checker]

    void adopt_config(config::Config config, Intents& out);
    void make_fresh_states(Moment at, bool first_run_retries);
    void recall(const Memory& memory);
    void recall_service(std::size_t service, const ServiceMemory& memory);
    void index_checkers();
    void enqueue_all(Instant now);
    void say_activations(Intents& out) const;
    void say_not_run(Intents& out) const;

    void on_deadline(Moment at, Intents& out);
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
    bool reweigh(const Position& where, Intents& out);
    void announce_check(const Position& where, Outcome outcome, bool notify, bool mail, Intents& out) const;

    enum class Mode : std::uint8_t { Running, Start, Reload };
    void evaluate_quorum(std::size_t service, Mode mode, Intents& out);
    void quorum_gained(std::size_t service, std::int64_t weight, Mode mode, Intents& out);
    void quorum_lost(std::size_t service, std::int64_t weight, Mode mode, Intents& out);

    void carry_over(const Previous& before, Moment at, Intents& out);
    void carry_service(std::size_t service, const Previous& before, std::size_t old, Moment at, Intents& out);
    void tell_removed(const Previous& before, Intents& out) const;
    void cancel_gone(const Previous& before, Intents& out) const;

    [[nodiscard]] CheckerState& state_at(const Position& p) {
        return states_[p.service].servers[p.server].checkers[p.checker];
    }
    [[nodiscard]] const config::Checker& config_at(const Position& p) const {
        return services_[p.service].real_servers[p.server].checkers[p.checker];
    }
    [[nodiscard]] std::string server_text(std::size_t service, std::size_t server) const;
    [[nodiscard]] std::string service_text(std::size_t service) const;
    [[nodiscard]] ServiceVerdict verdict(std::size_t service) const;
    [[nodiscard]] CheckerId id_at(const Position& p) const { return ids_[p.service][p.server][p.checker]; }
    [[nodiscard]] bool names_servers() const { return server_count_ <= kServersNamedInLogMax; }

    Random random_;
    config::Global global_;
    std::vector<config::VirtualServer> services_;
    std::vector<ServiceState> states_;
    Ids ids_;
    std::unordered_map<CheckerId, Position> positions_;
    std::set<std::pair<Instant, CheckerId>> queue_;  // checkers that wait for their next run
    std::size_t server_count_ = 0;
    CheckerId next_id_ = 1;
};

}  // namespace mainstay::lvs
