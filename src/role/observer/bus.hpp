// The observer's D-Bus side: emits the events from the vrrp role's ring as signals, and answers queries of states.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "dbus_service.hpp"
#include "mainstay/role/common/runtime.hpp"

namespace mainstay::role {

class ObserverBus {
public:
    // The ring and the block belong to the observer, which maps them before start().
    ObserverBus(Runtime& runtime, const std::optional<ipc::EventRing>& ring,
                const std::optional<ipc::StateBlock>& block);

    void start(const config::Config& config, std::uint64_t after);  // emits the events after `after`
    void commit(const config::Config& config);
    void collect();
    void stop();

private:
    [[nodiscard]] report::DbusState state_of(const std::string& instance);

    Runtime& runtime_;
    const std::optional<ipc::EventRing>& ring_;
    const std::optional<ipc::StateBlock>& block_;
    std::unique_ptr<DbusService> service_;
    std::uint64_t last_ = 0;
    std::uint64_t read_ = 0;  // the block's sequence number from which states_ was read
    report::DbusStates states_;
};

}  // namespace mainstay::role
