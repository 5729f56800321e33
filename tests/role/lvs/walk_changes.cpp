// What a walk's reload changes, as the lvs role gets it and as it writes it.
#include <algorithm>
#include <iterator>
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
    const TableChanges table{changes};
    lvs::Table changed;
    for (const std::size_t service : table.changed)
        std::ranges::move(judge_->desired(service), std::back_inserter(changed));
    reconciler_->change(std::move(changed), table.moved(*judge_));
}

}  // namespace mainstay::role::test
