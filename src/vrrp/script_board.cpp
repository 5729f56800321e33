// The schedule of the vrrp_scripts, and the evaluation of their results by rise and fall.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "mainstay/vrrp/track.hpp"

namespace mainstay::vrrp {
namespace {

void log(Intents& out, LogLevel level, std::string text) { out.push_back(WriteLog{{level, std::move(text)}}); }

std::set<std::string, std::less<>> tracked_scripts(const config::Config& config) {
    std::set<std::string, std::less<>> names;
    for (const auto& instance : config.instances)
        for (const auto& track : instance.track_scripts) names.insert(track.name);
    for (const auto& group : config.sync_groups)
        for (const auto& track : group.track_scripts) names.insert(track.name);
    return names;
}

// What follows "VRRP_Script(name) " in the log, and what status pages show.
std::string failure_text(const ScriptDone& result) {
    switch (result.how) {
        case ScriptDone::How::Exited:
            return fmt::format("failed (exited with status {})", result.status);
        case ScriptDone::How::Signalled:
            return fmt::format("failed (due to signal {})", result.status);
        case ScriptDone::How::TimedOut:
            return "timed_out";
        case ScriptDone::How::NotRun:
            break;
    }
    return "failed (could not be run)";
}

}  // namespace

void ScriptBoard::configure(const config::Config& config, Instant now, bool at_start) {
    const auto wanted = tracked_scripts(config);
    std::vector<Script> next;
    for (const config::TrackScript& script : config.scripts) {
        if (!wanted.contains(script.name)) continue;
        Script entry;
        if (Script* old = find(script.name); old != nullptr && old->config.command == script.command) {
            entry = *old;
            entry.due = std::min(entry.due, now + script.interval);
        } else {
            entry.result.name = script.name;
            entry.result.known = script.init_fail;  // starts bad, and needs `rise` successes
            entry.awaited = at_start && !script.init_fail;
            entry.due = now;
        }
        entry.config = script;
        next.push_back(std::move(entry));
    }
    scripts_ = std::move(next);
}

void ScriptBoard::adopt(const std::vector<ScriptSnapshot>& previous) {
    for (const ScriptSnapshot& result : previous) {
        Script* script = find(result.name);
        if (script == nullptr) continue;
        script->result = result;
        if (result.known) script->awaited = false;
    }
}

ScriptBoard::Script* ScriptBoard::find(std::string_view name) {
    const auto it = std::ranges::find(scripts_, name, [](const Script& s) -> const auto& { return s.config.name; });
    return it == scripts_.end() ? nullptr : &*it;
}

ScriptBoard::Standing ScriptBoard::standing(std::string_view name) const {
    for (const Script& script : scripts_) {
        if (script.config.name != name) continue;
        if (script.result.known) return script.result.up ? Standing::Up : Standing::Down;
        return script.awaited ? Standing::Awaited : Standing::Unknown;
    }
    return Standing::Unknown;
}

std::optional<Instant> ScriptBoard::deadline() const {
    std::optional<Instant> earliest;
    for (const Script& script : scripts_)
        if (!earliest || script.due < *earliest) earliest = script.due;
    return earliest;
}

void ScriptBoard::run_due(Instant now, Intents& out) {
    for (Script& script : scripts_) {
        if (script.due > now) continue;
        const Nanos interval = std::max<Nanos>(script.config.interval, Micros{1000});
        script.due += interval * ((now - script.due) / interval + 1);  // missed slots are skipped
        if (script.running) {
            log(out, LogLevel::Info,
                fmt::format("Track script {} is already running, expect idle - skipping run", script.config.name));
            continue;
        }
        script.running = true;
        ++script.result.runs;
        out.push_back(RunScript{script.config.name});
    }
}

bool ScriptBoard::done(const ScriptDone& done, Intents& out) {
    Script* script = find(done.script);
    if (script == nullptr || !script->running) return false;
    script->running = false;
    ScriptSnapshot& result = script->result;
    const bool good = done.how == ScriptDone::How::Exited && done.status == 0;
    if (done.how == ScriptDone::How::Exited && done.status != result.last_status) {
        log(out, LogLevel::Info, fmt::format("Script `{}` now returning {}", result.name, done.status));
        result.last_status = done.status;
    }
    result.failures_in_row = good ? 0 : result.failures_in_row + 1;
    if (!good) {
        ++result.failures;
        result.last_failure = failure_text(done);
        if (result.last_failure.starts_with("failed ("))  // status shows only the text in parentheses
            result.last_failure = result.last_failure.substr(8, result.last_failure.size() - 9);
    }
    if (result.known && good == result.up) {
        result.streak = 0;
        return false;
    }
    // keepalived: the first result decides at once, rise and fall do not apply to it (2.4.3).
    const std::uint32_t needed = !result.known ? 1 : good ? script->config.rise : script->config.fall;
    if (++result.streak < needed) return false;
    result.known = true;
    result.up = good;
    result.streak = 0;
    script->awaited = false;
    log(out, LogLevel::Info,
        fmt::format("VRRP_Script({}) {}", result.name, good ? std::string{"succeeded"} : failure_text(done)));
    return true;
}

std::vector<ScriptSnapshot> ScriptBoard::snapshot() const {
    std::vector<ScriptSnapshot> all;
    for (const Script& script : scripts_) {
        all.push_back(script.result);
        all.back().running = script.running;
    }
    return all;
}

}  // namespace mainstay::vrrp
