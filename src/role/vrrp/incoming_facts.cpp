#include "incoming_facts.hpp"

#include <algorithm>
#include <utility>

#include "mainstay/config/keywords.hpp"
#include "mainstay/kernel/local_address.hpp"
#include "mainstay/vrrp/settings.hpp"

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

std::vector<vrrp::Fact> facts_of(const std::set<std::string>& interfaces, const Links& links) {
    std::vector<vrrp::Fact> facts;
    for (const auto& name : interfaces) facts.emplace_back(links.fact(name));
    return facts;
}

std::vector<Event> states_after_reload(const config::Global& global, const vrrp::RouterSnapshot& router) {
    std::vector<Event> events;
    if (!is_given(global.more->values, config::keyword::fifo_write_vrrp_states_on_reload)) return events;
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

vrrp::ScriptDone fact_of(const vrrp::RunScript& run, const ipc::ScriptResult& result) {
    using Theirs = ipc::ScriptResult::How;
    using Ours = vrrp::ScriptDone::How;
    const Ours how = result.how == Theirs::Exited      ? Ours::Exited
                     : result.how == Theirs::Signalled ? Ours::Signalled
                     : result.how == Theirs::TimedOut  ? Ours::TimedOut
                                                       : Ours::NotRun;
    return {run.script, how, result.status, run.run};
}

void WaitingFacts::add(vrrp::Fact fact) {
    if (auto* host = std::get_if<vrrp::HostFacts>(&fact); host != nullptr) {
        for (auto& link : host->interfaces) add(std::move(link));
        for (auto& source : host->sources) add(std::move(source));
        return;
    }
    const auto* link = std::get_if<vrrp::InterfaceFact>(&fact);
    if (link == nullptr) return facts_.push_back(std::move(fact));
    const auto last = std::find_if(facts_.rbegin(), facts_.rend(), [&](const vrrp::Fact& waiting) {
        const auto* other = std::get_if<vrrp::InterfaceFact>(&waiting);
        return other != nullptr && other->name == link->name;
    });
    const auto* before = last == facts_.rend() ? nullptr : std::get_if<vrrp::InterfaceFact>(&*last);
    // Merge only if neither the link nor its state changed: a link that was down for a moment has lost its routes.
    if (before != nullptr && before->index == link->index && before->appearance == link->appearance &&
        before->up == link->up)
        *last = std::move(fact);
    else
        facts_.push_back(std::move(fact));
}

bool WaitingFacts::has_interfaces() const {
    return std::ranges::any_of(
        facts_, [](const vrrp::Fact& fact) { return std::holds_alternative<vrrp::InterfaceFact>(fact); });
}

std::vector<vrrp::Fact> gathered(std::vector<vrrp::Fact> facts) {
    std::vector<vrrp::Fact> all;
    vrrp::HostFacts host;
    std::set<std::string> names;  // in it
    const auto close = [&] {
        if (!host.interfaces.empty() || !host.sources.empty()) all.emplace_back(std::exchange(host, {}));
        names.clear();
    };
    for (auto& fact : facts) {
        if (auto* source = std::get_if<vrrp::SourceFact>(&fact); source != nullptr) {
            host.sources.push_back(std::move(*source));
        } else if (auto* link = std::get_if<vrrp::InterfaceFact>(&fact); link != nullptr) {
            if (names.contains(link->name)) close();
            names.insert(link->name);
            host.interfaces.push_back(std::move(*link));
        } else {
            close();
            all.push_back(std::move(fact));
        }
    }
    close();
    return all;
}

std::vector<vrrp::Fact> WaitingFacts::take() { return std::exchange(facts_, {}); }

std::vector<vrrp::SourceFact> VrrpSources::look(const config::Config& config) {
    std::vector<vrrp::SourceFact> facts;
    const auto before = std::exchange(here_, {});
    for (const auto& instance : config.instances) {
        if (instance.unicast_peers.empty() || !instance.source) continue;
        const std::pair source{*instance.source, vrrp::advert_device(instance)};
        if (here_.contains(source)) continue;
        const auto known = before.find(source);
        const bool was_here = known != before.end() && known->second;
        const bool here = was_here || kernel::can_send_from(source.first, source.second);
        here_.emplace(source, here);
        if (known == before.end() || known->second != here) facts.push_back({source.first, source.second, here});
    }
    return facts;
}

}  // namespace mainstay::role
