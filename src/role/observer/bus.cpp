#include "bus.hpp"

#include "mainstay/ipc/status.hpp"

namespace mainstay::role {

ObserverBus::ObserverBus(Runtime& runtime, const std::optional<ipc::EventRing>& ring,
                         const std::optional<ipc::StateBlock>& block)
    : runtime_{runtime},
      ring_{ring},
      block_{block},
      service_{make_dbus_service(runtime.loop(), runtime.log(),
                                 {.state = [this](const std::string& name) { return state_of(name); },
                                  .ask = [this](const ipc::ControlRequest& wanted) { runtime_.send(wanted); },
                                  .net_namespace = runtime.options().net_namespace})} {}

void ObserverBus::start(const config::Config& config, std::uint64_t after) {
    last_ = after;
    service_->configure(config);
}

void ObserverBus::commit(const config::Config& config) {
    collect();  // earlier events belong to the old object paths
    service_->configure(config);
    service_->emit_reloaded();
}

// Reads the ring to its end at once, even if it is full of old events: signals are only for current listeners.
void ObserverBus::collect() {
    if (!service_->settled()) return;
    for (;;) {
        const auto batch = ring_->read_after(last_);
        if (batch.events.empty() && batch.lost == 0) return;
        for (const auto& event : batch.events) service_->emit(event);
        last_ = batch.last;
    }
}

void ObserverBus::stop() {
    collect();
    service_->stop();
}

report::DbusState ObserverBus::state_of(const std::string& instance) {
    if (const auto newest = block_->sequence(); newest != read_) {
        const auto bytes = block_->read();
        const auto status = bytes ? decode<report::VrrpStatus>(*bytes) : error_of(bytes);
        if (status) {
            read_ = newest;
            states_ = report::dbus_states(*status);
        }
    }
    return report::dbus_state(states_, instance);
}

}  // namespace mainstay::role
