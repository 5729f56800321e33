#include "reload_transaction.hpp"

#include <algorithm>

namespace mainstay::role {

void ReloadTransaction::begin(const Generation& next) {
    number_ = next.number;
    under_way_ = true;
    bool waiting = false;
    for (const auto& child : children_) {
        child->prepared = false;
        if (!child->alive()) continue;
        child->send(ipc::Prepare{number_}, next.part(child->kind).snapshot.get(), log_);
        waiting = true;
    }
    if (!waiting) return commit();
    limit_.expires_after(kPrepareLimit);
    limit_.async_wait([this](const boost::system::error_code& error) {
        if (!error && under_way_) abort("a role was not ready within " + std::to_string(kPrepareLimit.count()) + " s");
    });
}

void ReloadTransaction::joined(Child& child, const Generation& next) {
    if (under_way_) child.send(ipc::Prepare{number_}, next.part(child.kind).snapshot.get(), log_);
}

void ReloadTransaction::answered(Child& child, const ipc::Prepared& answer, const std::string& name) {
    if (!under_way_ || answer.generation != number_) return;
    if (!answer.refused.empty()) return abort(name + " refused it: " + answer.refused);
    child.prepared = true;
    commit_if_prepared();
}

void ReloadTransaction::commit_if_prepared() {
    const auto waits = [](const auto& child) { return child->alive() && !child->prepared; };
    if (under_way_ && std::ranges::none_of(children_, waits)) commit();
}

void ReloadTransaction::commit() {
    limit_.cancel();
    under_way_ = false;
    outcome_.committed();
}

void ReloadTransaction::abort(const std::string& why) {
    limit_.cancel();
    under_way_ = false;
    for (const auto& child : children_)
        if (child->alive()) child->send(ipc::Abort{number_}, -1, log_);
    outcome_.aborted(why);
}

void ReloadTransaction::cancel() {
    limit_.cancel();
    under_way_ = false;
}

}  // namespace mainstay::role
