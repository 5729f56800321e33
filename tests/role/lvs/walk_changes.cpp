// What a walk's reload changes, as the lvs role gets it and as it writes it.
#include <ranges>
#include <utility>

#include "mainstay/config/members.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/ipc/snapshot.hpp"
#include "walk.hpp"

namespace mainstay::role::test {

// As the lvs role gets them. None: more than services differ.
std::optional<std::vector<config::ServiceChange>> LvsWalk::changes_to(const config::Config& next) const {
    const auto running = ipc::encode_sealed("walk", config_).value(), other = ipc::encode_sealed("walk", next).value();
    return ipc::changed_services(running.get(), other.get()).value();
}

// As the lvs role does.
void LvsWalk::change_table(const std::vector<config::ServiceChange>& changes) {
    using Change = config::ServiceChange;
    lvs::Table table;
    TableReconciler::Moved moved;
    for (const auto& one : std::views::reverse(changes)) {
        if (one.kind == Change::Kind::Removed) moved.gone.push_back(lvs::key_of(one.before));
        if (one.kind == Change::Kind::Removed) continue;
        for (auto& wanted : judge_->desired(one.at)) {
            if (one.kind == Change::Kind::Changed) table.push_back(std::move(wanted));
            if (one.kind != Change::Kind::Added) continue;
            std::optional<netlink::IpvsServiceKey> before;
            if (one.at + 1 < judge_->services().size()) before = judge_->keys(one.at + 1).front();
            moved.come.emplace_back(std::move(wanted), before);
        }
    }
    reconciler_->change(std::move(table), std::move(moved));
}

}  // namespace mainstay::role::test
