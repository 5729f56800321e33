// Tracked files and processes: their definitions, their current state, and its effect on each instance. The watcher
// provides the facts.
//
// A file contains an integer. With a weight w its value v adds v * w to the priority, at most 253; -254 and less is
// FAULT. With weight 0 any value but 0 is FAULT. A process tracker is up while the number of its processes is within
// its quorum. `reverse` inverts both.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "facts.hpp"
#include "mainstay/config/model.hpp"
#include "track.hpp"

namespace mainstay::vrrp {

// track_file, vrrp_track_file. A second block of the same name is ignored.
struct FileTracker {
    std::string name, path;
    int weight = 1;
    bool reverse = false;
    std::optional<std::int64_t> init;  // the file is created with this value at the start
    bool overwrite = false;            // even if it exists
    bool operator==(const FileTracker&) const = default;
};

// vrrp_track_process
struct ProcessTracker {
    enum class Params : std::uint8_t { None, Exact, Initial, Partial };
    std::string name;
    std::vector<std::string> command;  // never empty; what follows the first word are parameters
    bool full_command = false;         // argv[0] and parameters, not the 15 bytes of comm
    Params params = Params::None;
    int weight = 0;
    bool reverse = false;
    std::uint32_t quorum = 1, quorum_max = 0xffff'ffff;
    Micros fork_delay{0}, terminate_delay{0};
    bool operator==(const ProcessTracker&) const = default;
};

// sync_group_tracking_weight, or its old name.
[[nodiscard]] bool members_may_have_weights(const config::SyncGroup& group);

// Blocks without a file or a process are left out.
[[nodiscard]] std::vector<FileTracker> file_trackers(const config::Config& config);
[[nodiscard]] std::vector<ProcessTracker> process_trackers(const config::Config& config);

// The file's contribution to the priority. None: FAULT.
[[nodiscard]] std::optional<int> file_contribution(std::int64_t value, int weight, bool reverse);

class TrackerStates {
public:
    // How long an instance waits at the start for the first facts about files and processes that it tracks with weight
    // 0.
    static constexpr Seconds kFirstWordWithin{2};

    // Takes over the configured trackers. A file keeps its value, also under
    // another name, and so does a process its count, by which another quorum is judged at once.
    void configure(const config::Config& config, Instant now, bool at_start);
    void adopt(const std::vector<TrackerSnapshot>& previous);  // of a crashed incarnation

    // True when the state changed.
    [[nodiscard]] bool update(const FileFact& fact, Intents& out);
    [[nodiscard]] bool update(const ProcessFact& fact, Instant now, Intents& out);
    [[nodiscard]] bool tick(Instant now, Intents& out);  // handles delays that have ended
    [[nodiscard]] std::optional<Instant> deadline() const;

    // Adds the results of everything that the instance tracks, itself and through its group.
    void judge(InstanceId id, Health& health) const;
    [[nodiscard]] std::vector<TrackerSnapshot> snapshot() const;
    void list(InstanceId id, std::vector<TrackedObject>& all) const;  // what the instance tracks

private:
    template <class A>
    friend void fields(A& archive, TrackerStates& board);  // router_state.cpp
    struct File {
        FileTracker config;
        std::optional<std::int64_t> value;
    };
    struct Process {
        ProcessTracker config;
        std::optional<std::uint32_t> count;
        bool known = false, up = false;
        std::optional<Instant> turns;  // when the delay ends and the state follows the count
    };
    struct Use {
        bool process = false;
        std::size_t index = 0;  // in files_ or processes_
        int weight = 0;
        bool reverse = false;
    };
    void add_uses(const CompactOptional<config::ExtraSettings>& more, bool owner, std::vector<Use>& uses) const;
    static void drop_weights(std::vector<Use>& uses);
    void turn(Process& process, bool up, Intents& out) const;
    void judge_file(const Use& use, Health& health, std::vector<std::string>& awaited) const;
    void judge_process(const Use& use, Health& health, std::vector<std::string>& awaited) const;

    std::vector<File> files_;
    std::vector<Process> processes_;
    std::vector<std::vector<Use>> uses_;    // per instance
    std::optional<Instant> awaited_until_;  // end of the wait for first facts
};

}  // namespace mainstay::vrrp
