#include "sync_line.hpp"

#include "mainstay/config/validate/sync_daemon_settings.hpp"

namespace mainstay::role {

SyncLine::SyncLine(boost::asio::io_context& loop, Log& log)
    : teller_{loop, log, "LVS", "VRRP", [](const StateTeller::States& states) -> ipc::Message {
                  ipc::InstanceStates message;
                  for (const auto& [name, master] : states) message.instances.push_back({name, master});
                  return message;
              }} {}

void SyncLine::connect(UniqueFd line) {
    StateTeller::States all;
    if (known_) all.emplace(instance_, master_);
    teller_.connect(std::move(line), std::move(all));
}

void SyncLine::follow(const vrrp::Router& router) {
    const auto sync = config::sync_daemon(router.config());
    instance_ = sync ? sync->instance : std::string{};
    known_ = !instance_.empty();
    if (!known_) return;
    master_ = false;
    for (const auto& instance : router.snapshot().instances)
        if (instance.name == instance_) master_ = instance.state == vrrp::State::Master;
    teller_.tell(instance_, master_);
}

void SyncLine::heard(const Event& event) {
    if (!known_ || event.kind != Event::Kind::Instance || event.name != instance_) return;
    if (event.state.find('_') != std::string::npos) return;  // MASTER_PRIORITY and its like: the state stays
    const bool master = event.state == "MASTER";
    if (std::exchange(master_, master) != master) teller_.tell(instance_, master);
}

}  // namespace mainstay::role
