#include "reload_requests.hpp"

#include "mainstay/ipc/channel.hpp"

namespace mainstay::role {

void ReloadRequests::add(const ipc::Reload& wanted, UniqueFd client) {
    next_.lines.push_back(std::move(client));
    next_.force = next_.force || wanted.force;
    next_.as_json = next_.as_json || wanted.as_json;
}

void ReloadRequests::begin() {
    now_ = std::exchange(next_, {});
    problem_.clear();
    report_.reset();
}

ipc::RoleStartup::DryRunAs ReloadRequests::report() const {
    using As = ipc::RoleStartup::DryRunAs;
    if (now_.lines.empty()) return As::No;
    return now_.as_json ? As::Json : As::Text;
}

void ReloadRequests::answer() {
    const Clients waiting = std::exchange(now_, {});
    for (const UniqueFd& client : waiting.lines)  // a client that closed its connection needs no answer
        static_cast<void>(ipc::send_message(client.get(), ipc::ReloadDone{problem_}, report_.get()));
}

}  // namespace mainstay::role
