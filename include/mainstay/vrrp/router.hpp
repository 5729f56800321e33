// All VRRP instances of one director: the machine that the vrrp role and the simulator drive.
//
// Pure: facts and the time in, intents out. It owns the instances, their sync groups, the track scores and the
// schedule of the vrrp_scripts. It has no timer: give it DeadlineReached at deadline(); early and stale ones are
// ignored.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "facts.hpp"
#include "mainstay/base/byte_archive.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/config/model.hpp"
#include "track.hpp"

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
    // A copy, on which a step can be tried without taking it.
    [[nodiscard]] Router copy() const;

    // Enter the protocol. Give every InterfaceFact first (through step(): before start() they only fill in facts).
    // With `previous`, the snapshot of a crashed incarnation, instances of the same identity resume their state:
    // a Master stays Master, sends its advert at its deadline (at once if that has passed) and sets its addresses
    // again; nothing is notified. Without it, all begin as BACKUP or FAULT, and configured addresses that are still on
    // an interface are removed first.
    [[nodiscard]] Intents start(Instant now, const RouterSnapshot* previous = nullptr);

    [[nodiscard]] Intents step(const Fact& fact, Instant now);

    // Switches to a new configuration. Instances whose identity (reload.hpp) is unchanged keep their state. `host`
    // reports the interfaces and sources of the new configuration, by which alone they are judged: given as facts of
    // their own before, the former configuration would judge by devices that are no longer meant for its instances.
    [[nodiscard]] Intents reload(std::shared_ptr<const config::Config> config, const HostFacts& host, Instant now);
    [[nodiscard]] Intents reload(std::shared_ptr<const config::Config> config, Instant now) {
        return reload(std::move(config), HostFacts{}, now);
    }
    [[nodiscard]] Intents reload(config::Config config, Instant now) {
        return reload(std::make_shared<const config::Config>(std::move(config)), now);
    }

    // The adverts with which reload() will have the masters resign that `next` has no more, for a caller who must send
    // them before it changes the devices that they leave by.
    [[nodiscard]] std::vector<SendAdvert> farewells(const config::Config& next, Instant now) const;

    [[nodiscard]] std::optional<Instant> deadline() const;
    // Whether the calendar time that the router reckons with is within kClockSlack of `at`. False: give it a ClockTold
    // before packets and deadlines.
    static constexpr Micros kClockSlack{1000};
    [[nodiscard]] bool clock_agrees(WallTime at, Instant now) const;
    // True if at deadline() a backup takes over.
    [[nodiscard]] bool takes_over_next() const;
    // True if a tenth of a millisecond counts at `deadline`, which is deadline(): a backup takes over, or a master
    // sends an advert whose interval is so short that neighbouring priorities differ by little more (RFC 9568 6.1,
    // Skew_Time).
    static constexpr Micros kShortInterval{500'000};
    [[nodiscard]] bool is_tight(Instant deadline) const;
    [[nodiscard]] RouterSnapshot snapshot() const;
    // Parts of the snapshot, for callers that must not hold thousands of instances in memory at once.
    [[nodiscard]] RouterSnapshot snapshot_without_instances() const;
    [[nodiscard]] InstanceSnapshot snapshot_of(InstanceId id) const;
    [[nodiscard]] std::vector<TrackedObject> tracked_by(InstanceId id) const;
    // Of an instance's routes and rules, or of the static ones (kNoInstance): those that the kernel refused, and why.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> refused_routing(InstanceId id) const;
    [[nodiscard]] const config::Config& config() const;
    [[nodiscard]] bool maintenance() const;
    // How long a hand-over of this instance waits for another router; zero if there is no such instance.
    [[nodiscard]] Nanos hand_over_wait(const std::string& name) const;
    // Everything that decides what comes next, except the configuration: a router that is made of it takes the same
    // steps as this one, bit for bit. Only the same version of this program reads it. A reader's error: the bytes are
    // damaged, or belong to another configuration.
    void save(ByteWriter& out) const;
    [[nodiscard]] static Result<Router> resume(std::shared_ptr<const config::Config> config, ByteReader& in);
    // True when the Shutdown fact has been taken and every instance has resigned.
    [[nodiscard]] bool finished() const;

private:
    struct Impl;
    explicit Router(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace mainstay::vrrp
