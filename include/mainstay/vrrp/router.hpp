// All VRRP instances of one director: the machine that the vrrp role and the simulator drive.
//
// Pure: facts and the time in, intents out. It owns the instances, their sync groups, the track scores and the
// schedule of the vrrp_scripts. It never owns a timer: deadline() is the next moment at which it wants a
// DeadlineReached; early and stale ones are ignored.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "facts.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::vrrp {

class Router {
public:
    // Of `config`, which is shared with whoever else reads it, only global, scripts, instances and sync_groups are
    // used.
    explicit Router(std::shared_ptr<const config::Config> config);
    explicit Router(config::Config config) : Router{std::make_shared<const config::Config>(std::move(config))} {}
    Router(Router&&) noexcept;
    Router& operator=(Router&&) noexcept;
    ~Router();
    // One that goes on from here by itself: what a step would do is seen without taking it.
    [[nodiscard]] Router copy() const;

    // Enter the protocol. Give every InterfaceFact first (through step(): before start() they only fill in facts).
    // With `previous`, the snapshot of a crashed incarnation, instances of the same identity go on where they were:
    // a Master stays Master, sends its advert at its deadline (at once if that has passed) and re-asserts its
    // addresses; nothing is notified. Without it, all begin as BACKUP or FAULT; addresses that the configuration
    // names and that are still on an interface are asked to be removed first.
    [[nodiscard]] Intents start(Instant now, const RouterSnapshot* previous = nullptr);

    [[nodiscard]] Intents step(const Fact& fact, Instant now);

    // Swap in a new configuration (DESIGN: a reload keeps the state of every instance whose identity - VRID, family,
    // interface, unicast/multicast - is unchanged). Give the InterfaceFacts of newly named interfaces before it.
    [[nodiscard]] Intents reload(std::shared_ptr<const config::Config> config, Instant now);
    [[nodiscard]] Intents reload(config::Config config, Instant now) {
        return reload(std::make_shared<const config::Config>(std::move(config)), now);
    }

    [[nodiscard]] std::optional<Instant> deadline() const;
    // The deadline is that of a backup which then takes over.
    [[nodiscard]] bool takes_over_next() const;
    [[nodiscard]] RouterSnapshot snapshot() const;
    // Its parts, for who does not want to hold thousands of instances at once.
    [[nodiscard]] RouterSnapshot snapshot_without_instances() const;
    [[nodiscard]] InstanceSnapshot snapshot_of(InstanceId id) const;
    [[nodiscard]] const config::Config& config() const;
    // True when the Shutdown fact has been taken and every instance has resigned.
    [[nodiscard]] bool finished() const;

private:
    struct Impl;
    explicit Router(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace mainstay::vrrp
