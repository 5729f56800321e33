// Files and processes that instances are tracked by: their definitions, their present standing, and what that means
// for each instance. The facts come from whoever watches the host; here they are judged.
//
// A file holds an integer. With a weight w its value v adds v * w to the priority, at most 253; -254 and less is FAULT.
// With weight 0 any value but 0 is FAULT. A process tracker is up while the number of its processes is within its
// quorum. `reverse` turns both round.
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

// track_file, vrrp_track_file. A second block of the same name is not looked at.
struct FileTracker {
    std::string name, path;
    int weight = 1;
    bool reverse = false;
    std::optional<std::int64_t> init;  // the file is made with this value at the start
    bool overwrite = false;            // even if there is one
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

// Those without a file or a process are left out.
[[nodiscard]] std::vector<FileTracker> file_trackers(const config::Config& config);
[[nodiscard]] std::vector<ProcessTracker> process_trackers(const config::Config& config);

// What a file contributes. None: FAULT.
[[nodiscard]] std::optional<int> file_contribution(std::int64_t value, int weight, bool reverse);

class TrackerBoard {
public:
    // How long an instance waits at the start for the first word about what it tracks with weight 0.
    static constexpr Seconds kFirstWordWithin{2};

    // Takes over the configured trackers. Those with the same definition keep their standing.
    void configure(const config::Config& config, Instant now, bool at_start);
    void adopt(const std::vector<TrackerSnapshot>& previous);  // of a crashed incarnation

    // True when the standing changed.
    [[nodiscard]] bool tell(const FileFact& fact, Intents& out);
    [[nodiscard]] bool tell(const ProcessFact& fact, Instant now, Intents& out);
    [[nodiscard]] bool tick(Instant now, Intents& out);  // delays that are over
    [[nodiscard]] std::optional<Instant> deadline() const;

    // Adds what the instance (by its place in the configuration) is tracked by, itself and through its group.
    void judge(InstanceId id, Health& health) const;
    [[nodiscard]] std::vector<TrackerSnapshot> snapshot() const;

private:
    struct File {
        FileTracker config;
        std::optional<std::int64_t> value;
    };
    struct Process {
        ProcessTracker config;
        std::optional<std::uint32_t> count;
        bool known = false, up = false;
        std::optional<Instant> turns;  // when the standing changes to what the count says
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
    std::optional<Instant> awaited_until_;  // the first word of trackers is waited for
};

}  // namespace mainstay::vrrp
