// A random walk of the judge and the reconciler of the table over a kernel in memory: reloads, verdicts, operators'
// words, time, new incarnations. After each step the table is what a fresh start would make of the same configuration,
// verdicts and words, and nothing that is in it before and after was absent in between.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "fakes.hpp"
#include "mainstay/record/recorded.hpp"
#include "role/lvs/reconciler.hpp"
#include "walk_config.hpp"

namespace mainstay::role::test {

class LvsWalk {
public:
    // `record_bytes`: the memory of a flight recorder, 0: none.
    explicit LvsWalk(std::uint64_t seed, std::size_t record_bytes = 0);
    // One random thing happens. What is wrong afterwards; empty: nothing.
    [[nodiscard]] std::string step();
    // What happened so far, a line per step.
    [[nodiscard]] const std::vector<std::string>& history() const { return history_; }
    [[nodiscard]] std::span<const std::byte> record() const { return std::as_bytes(std::span{record_}); }

private:
    struct Truth {  // of servers, by what their checks ask; of files by name
        std::set<Endpoint> broken;
        std::set<std::string> broken_files;
        std::int64_t script_weight = 0;
    };
    using Operations = std::vector<netlink::IpvsOperation>;

    [[nodiscard]] lvs::Moment now() const;
    [[nodiscard]] TableReconciler::Wanted wanted() const;
    [[nodiscard]] lvs::CheckFinished answer(lvs::CheckerId id) const;

    // As a new process does: its recorder goes on in the memory of the one before.
    void make_judge() {
        judge_ = std::make_unique<record::RecordedJudge>([](Micros limit) { return limit / 2; });
        if (record_.empty()) return;
        recorder_.emplace(std::as_writable_bytes(std::span{record_}), record::program_version());
        judge_->record(&*recorder_);
    }
    void carry_out(lvs::Intents intents);
    void write_table(const lvs::Intents& intents);
    void follow_files();
    void finish_running(bool all);
    void let_pass(Nanos time);
    void settle();

    [[nodiscard]] std::optional<std::vector<config::ServiceChange>> changes_to(const config::Config& next) const;
    void change_table(const std::vector<config::ServiceChange>& changes);
    void reload(config::Config next);
    void reload_again();
    void restart();
    void command_server();
    void change_truth();
    void somebody_adds();
    void move_addresses();

    void watch(const netlink::IpvsOperation* next);
    void begin_watch();
    void end_watch();
    void fail(std::string what);
    void check_table();
    void check_fresh_start();
    void check_quorums();
    void check_kept(const config::Config& before);
    void check_state_block();

    Dice dice_;
    FakeRuntime runtime_;
    FakeKernel kernel_;
    LvsOptions options_;
    config::Config config_;
    std::vector<std::uint64_t> record_;
    std::optional<record::JudgeRecorder> recorder_;  // of the running incarnation
    std::unique_ptr<record::RecordedJudge> judge_;
    std::unique_ptr<TableReconciler> reconciler_;
    std::set<netlink::IpvsServiceKey> foreign_;  // services of somebody else
    Truth truth_;
    std::set<IpAddress> addresses_;
    std::set<lvs::CheckerId> running_;
    Nanos since_start_{0};
    lvs::Table before_;               // while a change is watched
    std::vector<lvs::Table> passed_;  // what the table was in between
    std::vector<std::string> history_;
    std::string wrong_;
};

}  // namespace mainstay::role::test
