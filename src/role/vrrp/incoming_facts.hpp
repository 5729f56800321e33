// Facts for the vrrp machine that do not come from packets: of the watcher, of source addresses, and those that arise
// while intents are carried out.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "links.hpp"
#include "mainstay/base/event.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/vrrp/facts.hpp"

namespace mainstay::role {

// Converts the watcher's observations to facts of the vrrp machine, and lists the FIFO lines of a reload.

// Links that are polled change what `links` says of them.
[[nodiscard]] std::vector<vrrp::Fact> facts_of(const ipc::Observations& observations, Links& links);

[[nodiscard]] std::vector<vrrp::Fact> facts_of(const std::set<std::string>& interfaces, const Links& links);

// fifo_write_vrrp_states_on_reload: the states of all instances and groups, as events; none unless it is set.
[[nodiscard]] std::vector<Event> states_after_reload(const config::Global& global, const vrrp::RouterSnapshot& router);

// The end of a vrrp_script.
[[nodiscard]] vrrp::ScriptDone fact_of(const vrrp::RunScript& run, const ipc::ScriptResult& result);

// Facts about interfaces and source addresses that follow one another become one: the router judges all instances for
// each, and a trunk with hundreds of VLANs goes down as hundreds of them. Two about one interface stay apart.
[[nodiscard]] std::vector<vrrp::Fact> gathered(std::vector<vrrp::Fact> facts);

// Facts that arise while intents are carried out. They are given to the router afterwards.
class WaitingFacts {
public:
    // Of several facts about an interface that differ only in its addresses, only the last one is kept, at the position
    // of the first one: an address that was removed and set again meanwhile counts as never removed.
    void add(vrrp::Fact fact);
    [[nodiscard]] bool empty() const { return facts_.empty(); }
    [[nodiscard]] bool has_interfaces() const;
    [[nodiscard]] std::vector<vrrp::Fact> take();

private:
    std::vector<vrrp::Fact> facts_;
};

// Checks whether this host has the source addresses of its unicast instances.
class VrrpSources {
public:
    // Facts about new sources and about sources that were missing. A source that existed once is not checked again:
    // as in keepalived, its loss is a fault only with track_src_ip.
    [[nodiscard]] std::vector<vrrp::SourceFact> look(const config::Config& config);
    // Facts about all of them, with every one checked: of a start, or of a reload, after which they are the same.
    [[nodiscard]] std::vector<vrrp::SourceFact> look_anew(const config::Config& config) {
        here_.clear();
        return look(config);
    }

private:
    std::map<std::pair<IpAddress, std::string>, bool> here_;  // by address and device
};

}  // namespace mainstay::role
