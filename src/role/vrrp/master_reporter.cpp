#include "master_reporter.hpp"

#include "mainstay/config/validate/resolved.hpp"

namespace mainstay::role {

MasterReporter::MasterReporter(boost::asio::io_context& loop, Log& log)
    : sender_{loop, log, "LVS", "VRRP", [](const StateSender::States& states) -> ipc::Message {
                  ipc::InstanceStates message;
                  for (const auto& [name, master] : states) message.instances.push_back({name, master});
                  return message;
              }} {}

void MasterReporter::connect(UniqueFd line) {
    StateSender::States all;
    if (known_) all.emplace(instance_, master_);
    sender_.connect(std::move(line), std::move(all));
}

void MasterReporter::follow(const vrrp::Router& router) {
    const auto sync = config::sync_daemon(router.config());
    instance_ = sync ? sync->instance : std::string{};
    known_ = !instance_.empty();
    if (!known_) return;
    master_ = false;
    for (const auto& instance : router.snapshot().instances)
        if (instance.name == instance_) master_ = instance.state == vrrp::State::Master;
    sender_.send(instance_, master_);
}

void MasterReporter::on_event(const Event& event) {
    if (!known_ || event.kind != Event::Kind::Instance || event.name != instance_) return;
    if (!changes_state(event.transition)) return;
    const bool master = event.transition == Transition::Master;
    if (std::exchange(master_, master) != master) sender_.send(instance_, master);
}

}  // namespace mainstay::role
