// Reports the initial state of each service. For thousands of services this takes longer than the table itself, so the
// table does not wait for it.
#include "judge_text.hpp"
#include "mainstay/lvs/judge.hpp"

namespace mainstay::lvs {

Intents Judge::start(config::Config config, const Memory& memory, Moment at, Overrides overrides) {
    Intents all = begin(std::move(config), memory, at, std::move(overrides));
    opening(memory, [&all](const Intents& some) { all.insert(all.end(), some.begin(), some.end()); });
    return all;
}

// Applies the result of evaluate_quorum() to each service without logging.
void Judge::settle_quorums() {
    before_opening_.reserve(services_.size());
    for (std::size_t i = 0; i < services_.size(); ++i) {
        auto& state = states_[i];
        before_opening_.push_back({state.quorum_up, state.sorry_in_use});
        const bool holds = quorum_holds(quorum_of(services_[i]), weight_of(state), state.quorum_up);
        if (holds && !state.quorum_up) state.sorry_in_use = false;
        if (!holds && services_[i].sorry_server) state.sorry_in_use = true;
        state.quorum_up = holds;
    }
}

void Judge::opening(const Memory& memory, const std::function<void(const Intents&)>& tell) {
    Intents out;
    const auto tell_now = [&] {
        if (!out.empty()) tell(out);
        out.clear();
    };
    if (is_on(global_, "rs_init_notifies")) {
        std::set<std::pair<ServiceIdentity, Endpoint>> known;
        for (const auto& service : memory)
            for (const auto& server : service.servers) known.emplace(service.identity, server.endpoint);
        for (std::size_t v = 0; v < services_.size(); ++v) {
            const auto key = identity_of(services_[v]);
            for (std::size_t s = 0; s < services_[v].real_servers.size(); ++s)
                if (!known.contains({key, services_[v].real_servers[s].endpoint})) announce_initial(v, s, out);
            tell_now();
        }
    }
    const auto before = std::exchange(before_opening_, {});
    for (std::size_t v = 0; v < before.size(); ++v) {
        states_[v].quorum_up = before[v].quorum_up;
        states_[v].sorry_in_use = before[v].sorry_in_use;
        evaluate_quorum(v, Mode::Start, out);
        tell_now();
    }
    for (std::size_t v = 0; v < services_.size(); ++v) {
        say_checks(v, states_[v].suspended ? "Deactivating" : "Activating", out);
        tell_now();
    }
    say_sessions(out);
    tell_now();
}

}  // namespace mainstay::lvs
