// The services of one configuration, their states, and the index of their checkers. The parts of the judge read and
// change it; it contains no decisions.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "mainstay/lvs/checker_index.hpp"
#include "mainstay/lvs/desired.hpp"
#include "mainstay/lvs/facts.hpp"
#include "mainstay/lvs/service_state.hpp"

namespace mainstay::lvs {

class FirewallMarks;

class Services {
public:
    config::Global global;
    std::vector<config::VirtualServer> configs;
    std::vector<ServiceState> states;  // parallel to configs
    CheckerIndex checkers;
    std::size_t server_count = 0;

    // Replaces the configuration; the states stay unchanged. A kernel service that an earlier configured service uses
    // already is left out, with a log line.
    void configure(config::Config config, FirewallMarks& marks, Intents& out);
    // Replaces, adds and removes services; returns the former ones. `fresh` makes the state of one that changes or
    // comes. The changes are those of running_indexes().
    struct Replaced {
        config::VirtualServer config;
        ServiceState state;
    };
    using Fresh = std::function<ServiceState(const config::VirtualServer&)>;
    [[nodiscard]] std::vector<Replaced> change(std::vector<config::ServiceChange> changes, const Fresh& fresh);
    // Rebuilds the index of checkers. Those without an id are new and get one.
    void index_checkers();
    // New checkers from now on have an id of at least this value.
    [[nodiscard]] CheckerId next_id() const { return next_id_; }

    [[nodiscard]] std::size_t size() const { return configs.size(); }
    // Whether services or their addresses were left out, because earlier ones have them.
    [[nodiscard]] bool has_left_out() const { return left_out_; }
    [[nodiscard]] ServerState& state_at(const ServerRef& ref) { return states[ref.service].servers[ref.server]; }
    [[nodiscard]] const ServerState& state_at(const ServerRef& ref) const {
        return states[ref.service].servers[ref.server];
    }
    [[nodiscard]] const config::RealServer& config_at(const ServerRef& ref) const {
        return configs[ref.service].real_servers[ref.server];
    }
    [[nodiscard]] CheckerState& checker_state(const CheckerRef& ref) { return state_at(ref).checkers[ref.checker]; }
    [[nodiscard]] const CheckerState& checker_state(const CheckerRef& ref) const {
        return state_at(ref).checkers[ref.checker];
    }
    [[nodiscard]] const config::Checker& checker_at(const CheckerRef& ref) const {
        return config_at(ref).checkers[ref.checker];
    }
    [[nodiscard]] std::string name(std::size_t service) const;   // "[10.0.0.1]:tcp:80"
    [[nodiscard]] std::string name(const ServerRef& ref) const;  // "[10.0.0.11]:tcp:80"
    [[nodiscard]] bool names_servers() const;                    // in the log

    [[nodiscard]] std::vector<netlink::IpvsServiceKey> keys(std::size_t service) const;
    [[nodiscard]] ServiceVerdict verdict(std::size_t service) const;
    [[nodiscard]] Table desired(std::size_t service) const;

private:
    template <class A>
    friend void fields(A& archive, Services& services);  // judge_state.cpp

    [[nodiscard]] Replaced exchange(std::size_t service, config::VirtualServer config, ServiceState state);
    [[nodiscard]] std::vector<Replaced> rebuild(std::vector<config::ServiceChange> changes, const Fresh& fresh);

    std::map<std::size_t, std::vector<netlink::IpvsServiceKey>> group_keys_;  // by service; of the others: key_of()
    CheckerId next_id_ = 1;
    bool left_out_ = false;
};

}  // namespace mainstay::lvs
