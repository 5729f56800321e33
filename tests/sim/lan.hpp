// A simulated LAN of directors: the real vrrp::Router on every host, a false network, kernel and clock between them.
//
// One seed makes one history: topology, configuration, loss, delay, duplication, partitions, pauses, crashes, link
// flaps, reloads and failing scripts. After every step of every router the invariants are checked; the first that
// breaks ends the run with the time and the host in its text.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "mainstay/vrrp/router.hpp"

namespace mainstay::sim {

using vrrp::Intents;

// Deliberate faults in the adapter, to prove that the invariants can break.
enum class Sabotage : std::uint8_t {
    None,
    KeepsAddresses,  // does not carry out RemoveAddresses
    Deaf,            // host 0 never hears an advert
    Mute,            // host 0's adverts never reach the wire
    DeadlinesFirst,  // after a pause deadlines fire before the queue is drained
    ForgetsState,    // an incarnation after a crash starts without the snapshot, on top of the old addresses
    YieldsToAnyone,  // every advert is heard as if its priority were 255
};

struct Packet {
    IpAddress source, destination;
    std::uint8_t ttl = 255;
    std::vector<std::byte> payload;
};

struct Host {
    std::size_t index = 0;
    config::Config config;
    std::optional<vrrp::Router> router;  // none while crashed
    vrrp::RouterSnapshot block;          // what a new incarnation finds
    std::set<std::pair<std::string, Prefix>> kernel;
    vrrp::InterfaceFact link;
    bool paused = false;
    bool script_good = true;
    unsigned segment = 0;  // hosts of different segments do not hear each other
    std::vector<Packet> inbox;
    std::uint64_t wake_number = 0;                   // the newest wake-up; older ones are stale
    std::vector<vrrp::State> seen;                   // states after the last step
    std::vector<std::optional<Instant>> last_heard;  // per instance: last advert that stood for a master
};

class Lan {
public:
    struct Shape {  // drawn from the seed unless a test sets it
        std::size_t hosts = 0, instances = 0;
        bool calm = false;  // no loss, no nopreempt, distinct priorities
        Sabotage sabotage = Sabotage::None;
    };

    Lan(std::uint64_t seed, Shape shape);

    // The whole history: start, trouble, healing, stability, resignations.
    void run();
    // Its parts, for tests of one property.
    void start_all();
    void trouble(Nanos how_long);
    void heal();
    void pass(Nanos how_long);
    void check_settled();  // exactly one master per VRID, the best one
    void stop(std::size_t host);
    void crash(std::size_t host);
    void restart(std::size_t host);
    void pause(std::size_t host);
    void resume(std::size_t host);
    void set_link(std::size_t host, bool up);
    void steal_address(std::size_t host);
    void reload(std::size_t host);  // with another priority and another address

    [[nodiscard]] Nanos settle_time() const;
    [[nodiscard]] const std::optional<std::string>& violation() const { return violation_; }
    [[nodiscard]] std::optional<std::size_t> master_of(std::size_t instance) const;  // none unless exactly one
    [[nodiscard]] std::uint64_t steps() const { return steps_; }
    [[nodiscard]] std::uint64_t transitions() const { return transitions_; }
    [[nodiscard]] Micros interval() const { return interval_; }
    [[nodiscard]] std::vector<Host>& hosts() { return hosts_; }

private:
    struct Happening {
        Instant at;
        std::uint64_t order = 0;
        enum class Kind : std::uint8_t { Wake, Deliver, Script } kind = Kind::Wake;
        std::size_t host = 0;
        std::uint64_t number = 0;  // Wake: its number
        Packet packet;
        std::string script;
        bool operator>(const Happening& other) const { return std::tie(at, order) > std::tie(other.at, other.order); }
    };

    std::uint64_t draw(std::uint64_t below) { return random_() % below; }
    bool chance(unsigned per_mille) { return draw(1000) < per_mille; }
    void shape_hosts(const Shape& shape);
    void settle_scripts();
    [[nodiscard]] config::Instance shape_instance(std::size_t instance, bool calm);
    void happen(Happening what);
    void one_trouble();
    void start(std::size_t host, bool with_block);

    void give(Host& host, const vrrp::Fact& fact, const Packet* heard = nullptr);
    void hear(Host& host, const Packet& packet);
    void carry_out(Host& host, const Intents& intents);
    void send(Host& from, const vrrp::SendAdvert& advert);
    void schedule_wake(Host& host);

    // invariants.cpp
    void check(Host& host, const Packet* heard);
    void check_addresses(const Host& host);
    void check_transitions(Host& host, const Packet* heard);
    void check_groups(const Host& host);
    void note_heard(Host& host, const Packet& packet);
    void broken(const Host& host, const std::string& what);

    std::mt19937_64 random_;
    Sabotage sabotage_;
    Instant now_{std::chrono::seconds{1'000'000}};
    std::vector<Host> hosts_;
    std::priority_queue<Happening, std::vector<Happening>, std::greater<>> queue_;
    std::uint64_t order_ = 0, steps_ = 0, transitions_ = 0;
    unsigned loss_per_mille_ = 0, duplicates_per_mille_ = 0;
    Nanos jitter_{std::chrono::microseconds{300}};
    Micros interval_{std::chrono::seconds{1}};
    std::uint8_t version_ = 2;
    bool nopreempt_ = false, grouped_ = false, scripted_ = false;
    bool shaken_ = false;  // trouble has begun: some invariants hold only in peace
    std::optional<std::string> violation_;
};

}  // namespace mainstay::sim
