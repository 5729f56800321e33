#include "state_writer.hpp"

#include <utility>
#include <vector>

#include "incoming_facts.hpp"
#include "mainstay/config/addresses.hpp"
#include "mainstay/ipc/status.hpp"

namespace mainstay::role {

void StateWriter::adopt(const report::VrrpStatus& previous) { since_.adopt(previous.router); }

vrrp::ScriptDone StateWriter::script_ended(const vrrp::RunScript& run, const ipc::ScriptResult& result) {
    if (result.errors.empty())
        errors_.erase(run.script);
    else
        errors_[run.script] = result.errors;
    return fact_of(run, result);
}

void StateWriter::write(Runtime& runtime, const vrrp::Router& router, report::VrrpStatus rest) {
    const auto instance = [&](std::size_t id) {
        auto snapshot = router.snapshot_of(static_cast<vrrp::InstanceId>(id));
        since_.fill_in(snapshot, runtime.wall());
        return snapshot;
    };
    const auto& instances = router.config().instances;
    const auto addresses = [&](std::size_t id) {
        std::vector<std::string> texts;
        for (const auto& address : config::all_addresses(instances[id])) texts.push_back(address.prefix.to_string());
        return texts;
    };
    const auto tracked = [&](std::size_t id) { return router.tracked_by(static_cast<vrrp::InstanceId>(id)); };
    auto others = router.snapshot_without_instances();
    for (auto& script : others.scripts) since_.fill_in(script, runtime.wall());
    for (const auto& script : others.scripts)
        if (const auto errors = errors_.find(script.name); errors != errors_.end())
            rest.script_errors.push_back({script.name, errors->second});
    rest.generation = runtime.generation();
    if (std::exchange(generation_, rest.generation) != rest.generation) set_.clear();
    rest.set = set_;
    const ipc::VrrpStatusWith status{std::move(rest),
                                     ipc::RouterSnapshotWith{std::move(others), OneByOne{instances.size(), instance}},
                                     OneByOne{instances.size(), addresses}, OneByOne{instances.size(), tracked}};
    runtime.publish_state([&](std::span<std::byte> room) { return encode_into(room, status); });
}

}  // namespace mainstay::role
