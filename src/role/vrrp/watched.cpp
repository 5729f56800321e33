#include "watched.hpp"

namespace mainstay::role {

std::vector<vrrp::Fact> facts_of(const ipc::Observations& observations, Links& links) {
    using Seen = ipc::Observation::Kind;
    std::vector<vrrp::Fact> facts;
    for (const auto& seen : observations.list) {
        switch (seen.kind) {
            case Seen::File:
                facts.emplace_back(vrrp::FileFact{seen.name, seen.value});
                break;
            case Seen::Process:
                facts.emplace_back(vrrp::ProcessFact{seen.name, static_cast<std::uint32_t>(seen.value)});
                break;
            case Seen::Link:
                links.set_polled(seen.name, seen.value < 0 ? std::nullopt : std::optional{seen.value != 0});
                facts.emplace_back(links.fact(seen.name));
                break;
        }
    }
    return facts;
}

std::vector<Event> states_after_reload(const config::Global& global, const vrrp::RouterSnapshot& router) {
    std::vector<Event> events;
    if (find_value(global.more->values, "fifo_write_vrrp_states_on_reload") == nullptr) return events;
    for (const auto& i : router.instances)
        if (i.state != vrrp::State::Init)
            events.push_back({.kind = Event::Kind::Instance,
                              .name = i.name,
                              .transition = transition_to(i.state),
                              .priority = i.effective_priority});
    for (const auto& g : router.groups)
        if (g.state != vrrp::State::Init)
            events.push_back({.kind = Event::Kind::Group, .name = g.name, .transition = transition_to(g.state)});
    return events;
}

vrrp::ScriptDone fact_of(const std::string& script, const ipc::ScriptResult& result) {
    using Theirs = ipc::ScriptResult::How;
    using Ours = vrrp::ScriptDone::How;
    const Ours how = result.how == Theirs::Exited      ? Ours::Exited
                     : result.how == Theirs::Signalled ? Ours::Signalled
                     : result.how == Theirs::TimedOut  ? Ours::TimedOut
                                                       : Ours::NotRun;
    return {script, how, result.status};
}

}  // namespace mainstay::role
