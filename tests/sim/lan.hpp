// A simulated LAN of directors: the real vrrp::Router on every host; network, kernel, scripts and clocks are false.
//
// One seed makes one history, bit by bit: topology and configuration (plan.hpp), loss, delay, duplication, reordering,
// forged packets, partitions (also one way), pauses, crashes with and without the state block, link flaps, reloads,
// failing scripts, clocks that drift. After every step of every router the invariants are checked (invariants.cpp);
// the first that breaks ends the history. Nothing here reads a clock or depends on an address in memory.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "beginning.hpp"
#include "mainstay/record/recorded.hpp"
#include "mainstay/vrrp/router.hpp"
#include "plan.hpp"
#include "witness.hpp"

namespace mainstay::sim {

// Faults planted in the director around the router: what a role could do wrong. (Faults inside the router are planted
// by mutate.py.)
enum class Sabotage : std::uint8_t {
    None,
    KeepsAddresses,  // does not carry out RemoveAddresses
    Deaf,            // host 0 never hears an advert
    Mute,            // host 0's adverts never reach the wire
    DeadlinesFirst,  // after a pause deadlines fire before the queue is drained
    ForgetsState,    // an incarnation after a crash starts without the block and does not see the old addresses
    YieldsToAnyone,  // every advert is heard as if its priority were 255
    Count_,
};
[[nodiscard]] const char* to_string(Sabotage sabotage);

// A host's own CLOCK_MONOTONIC: it began at another moment and runs a little too fast or too slow.
struct HostClock {
    Nanos offset{0};
    std::int64_t drift_ppm = 0;
    [[nodiscard]] Instant local(Instant wall) const;
    [[nodiscard]] Instant wall(Instant local) const;  // the first moment at which local() is no earlier
};

struct Host {
    std::size_t index = 0;
    HostClock clock;
    config::Config config;
    std::optional<record::RecordedRouter> router;  // none while crashed or stopped
    std::vector<std::uint64_t> record;             // the memory of its flight recorder; empty: none
    std::unique_ptr<record::Recorder> recorder;    // of this incarnation
    vrrp::RouterSnapshot block;                    // what a new incarnation finds
    bool has_block = false;
    std::uint32_t incarnation = 0;                     // results of an earlier one's scripts go nowhere
    std::set<std::pair<std::string, Prefix>> kernel;   // addresses on its interfaces that an instance put there
    std::set<std::pair<std::string, Prefix>> missing;  // taken away by somebody else, not yet put back
    std::set<std::string> routes;                      // and the virtual routes
    bool kernel_refuses = false;                       // to put an address back
    std::array<vrrp::InterfaceFact, 2> links;          // eth0 and eth1, without the addresses in `kernel`
    bool script_good = true;
    bool maintenance = false;
    bool paused = false;
    std::vector<std::shared_ptr<const Packet>> inbox;  // while paused
    std::vector<vrrp::Fact> netlink;                   // while paused
    std::vector<bool> results;                         // of scripts, while paused
    std::optional<Instant> wake;                       // wall time
    Witness witness;
    // Per virtual router, for the invariants; all in the host's own time.
    struct Heard {
        std::optional<Instant> live;         // the last advert of a running master
        std::optional<Instant> first_lower;  // since when only lower ones come
        Nanos silence_owed{0};               // how long after `live` it must be quiet
    };
    std::vector<Heard> heard;
    std::vector<vrrp::State> states;  // after the last step

    [[nodiscard]] vrrp::InterfaceFact& link() { return links[0]; }  // the one for adverts
    [[nodiscard]] const vrrp::InterfaceFact& link() const { return links[0]; }
};

struct Statistics {
    std::uint64_t steps = 0, transitions = 0, checks = 0, packets = 0, faults = 0;
    Nanos router_time{0};
};

class Lan {
public:
    Lan(std::uint64_t seed, const Wish& wish, Sabotage sabotage = Sabotage::None);
    // A LAN in the state that a flight record ends with; its history is the seed's.
    Lan(const Beginning& beginning, std::uint64_t seed, Sabotage sabotage = Sabotage::None);

    // Gives every host a flight recorder with so much memory. Before the start; it changes no history.
    void record(std::size_t bytes);

    // history.cpp: start, then trouble, healing and experiments in peace, over and over, then stop in order.
    void run(Nanos at_least);
    void start_all();
    void trouble(Nanos how_long);
    void heal();
    void check_settled();  // invariant (a)
    void experiment();

    // trouble.cpp: single faults, for tests of one property.
    void pass(Nanos how_long);
    void stop(std::size_t host);
    void crash(std::size_t host);
    void start(std::size_t host, bool with_block);
    void pause(std::size_t host);
    void resume(std::size_t host);
    void set_link(std::size_t host, std::size_t interface, bool up);  // 0: eth0, 1: eth1
    void replace_interface(std::size_t host, bool at_once);
    void steal_address(std::size_t host);
    void reload(std::size_t host, bool everything);
    void fail_over(std::size_t host, std::size_t virtual_router);
    void fail_back(std::size_t host, std::size_t virtual_router);
    void maintain(std::size_t host, bool on);  // also of a host that does not run
    void partition();                          // the hosts and the client into two halves
    void join();

    [[nodiscard]] Nanos settle_time() const;
    // In which somebody takes over from the host, or it takes back.
    [[nodiscard]] Nanos hand_over_time() const;
    [[nodiscard]] Nanos longest_preempt_delay() const;
    [[nodiscard]] const Plan& plan() const { return plan_; }
    [[nodiscard]] std::vector<Host>& hosts() { return hosts_; }
    [[nodiscard]] std::optional<std::size_t> master_of(std::size_t virtual_router) const;  // none unless exactly one
    [[nodiscard]] const std::optional<std::string>& violation() const { return violation_; }
    [[nodiscard]] const Statistics& statistics() const { return statistics_; }
    // The calendar, which is the simulation's time.
    [[nodiscard]] WallTime wall_time() const {
        return {std::chrono::duration_cast<Micros>(now_.time_since_epoch()).count()};
    }

    // The network, a line for each instance of each director.
    [[nodiscard]] std::string describe() const;
    // Lines for people, as they happen; `packets` also every advert.
    void trace(std::function<void(const std::string&)> write, bool packets);

private:
    struct Happening {
        Instant at;
        std::uint64_t order = 0;
        std::uint32_t host = 0, incarnation = 0;
        enum class Kind : std::uint8_t { Deliver, Script, Netlink } kind = Kind::Deliver;
        std::shared_ptr<const Packet> packet;
    };
    struct Later {
        bool operator()(const Happening& a, const Happening& b) const {
            return a.at != b.at ? a.at > b.at : a.order > b.order;
        }
    };

    // lan.cpp
    void make_hosts();
    void adopt(Host& host, const Beginning& beginning);
    void schedule(Happening what);
    void happen(const Happening& what);
    void deliver(Host& host, const std::shared_ptr<const Packet>& packet);
    void hear(Host& host, const Packet& packet);
    void deadline(Host& host);
    void report_link(Host& host, std::size_t interface);
    void script_ends(Host& host, bool good);
    void address_lost(Host& host, const vrrp::AddressLost& fact);
    [[nodiscard]] vrrp::InterfaceFact link_fact(const Host& host, std::size_t interface) const;
    void finish(Host& host, const vrrp::Intents& intents, const Packet* heard = nullptr);
    void carry_out(Host& host, const vrrp::Intents& intents);
    void put(Host& host, const config::Instance& instance, std::size_t position);
    void take(Host& host, const vrrp::HeldAddress& address);
    void send(Host& from, const vrrp::SendAdvert& advert);
    void keep(const std::shared_ptr<const Packet>& packet);
    void post(const std::shared_ptr<const Packet>& packet, std::size_t from, std::size_t to);
    void run_script(Host& host);
    [[nodiscard]] bool cut(std::size_t from, std::size_t to) const { return cuts_[from * (hosts_.size() + 1) + to]; }
    [[nodiscard]] std::size_t client() const { return hosts_.size(); }
    [[nodiscard]] const std::string& name_of(std::size_t virtual_router) const {
        return plan_.configs[0].instances[virtual_router].name;
    }
    [[nodiscard]] const IpAddress& address(std::size_t host, Family family) const {
        return plan_.addresses[host][family == Family::V4 ? 0 : 1];
    }
    [[nodiscard]] std::size_t virtual_router_of(const Prefix& address) const;

    // trouble.cpp and history.cpp
    void one_trouble();
    void crash_for_a_while(std::size_t host);
    void cut_randomly();
    void replay();
    void forge();
    [[nodiscard]] std::uint8_t unknown_vrid() const;
    void unify();
    [[nodiscard]] Nanos short_pause(std::size_t master) const;
    void hand_over_in_peace(std::size_t host, std::size_t virtual_router);
    void expect_no_transition(const char* during, const std::function<void()>& what);

    // invariants.cpp
    void check(Host& host, const vrrp::RouterSnapshot& snapshot, const vrrp::Intents& intents, const Packet* heard);
    [[nodiscard]] bool owned(const Host& host, const Prefix& prefix);
    void check_addresses(const Host& host);
    void check_yield(const Host& host, std::size_t n, const vrrp::Intents& intents, const Packet* heard);
    void check_takeover(const Host& host, std::size_t n, const vrrp::Intents& intents);
    void check_group(const Host& host);
    void note_heard(Host& host, const Packet& packet);
    void check_best(std::size_t n, const Host& master);
    void check_client();
    void broken(const Host* host, const std::string& what);
    // A line of the trace, put into words only when somebody reads it.
    template <class... Args>
    void trace_line(const Host* host, fmt::format_string<Args...> format, Args&&... args) const {
        if (trace_) write(host, fmt::format(format, std::forward<Args>(args)...));
    }
    void write(const Host* host, const std::string& what) const;

    Random random_;
    Sabotage sabotage_;
    Plan plan_;
    Instant now_{};
    std::vector<Host> hosts_;
    std::vector<Happening> queue_;  // a heap
    std::uint64_t order_ = 0;
    std::vector<bool> cuts_;  // from x to; the client is the last
    unsigned loss_per_mille_ = 0, duplicates_per_mille_ = 0;
    std::vector<std::shared_ptr<const Packet>> kept_;  // some that were sent, for replay()
    Nanos jitter_{0};                                  // of packets
    Nanos lateness_{0};                                // of wake-ups
    bool recorded_ = false;                            // begins as a flight record ends
    bool settled_ = false;                             // nothing may change any more
    bool starting_ = false;                            // within the first step of an incarnation
    std::map<IpAddress, std::size_t> client_cache_;    // which host a client on the LAN sends to
    Statistics statistics_;
    std::optional<std::string> violation_;
    std::function<void(const std::string&)> trace_;
    bool trace_packets_ = false;
};

}  // namespace mainstay::sim
