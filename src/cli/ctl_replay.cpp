// mainstayctl replay: a flight record through the steps that made it.
//
// A record may come from anybody. It is replayed in a child process with limits, so that whatever a made-up state does
// to the steps ends that child and is reported.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ctl.hpp"
#include "ctl_client.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/record/replay.hpp"
#include "output.hpp"

namespace mainstay::cli {

namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kBefore = 30 * kSecond;  // what is shown before the time of --at
#ifdef __SANITIZE_ADDRESS__
constexpr rlim_t kMemoryMax = RLIM_INFINITY;  // the sanitizer maps terabytes
#else
constexpr rlim_t kMemoryMax = 4ULL << 30;  // bytes
#endif
constexpr rlim_t kTimeMax = 600;  // seconds of processor time

// One line of what a record holds, which may be any bytes: none of them commands the terminal or begins a line.
void show(std::string line) {
    for (std::size_t i = 0; i < line.size(); ++i) {
        const auto byte = static_cast<unsigned char>(line[i]);
        const bool c1 =
            byte == 0xc2 && i + 1 < line.size() && (static_cast<unsigned char>(line[i + 1]) & 0xe0U) == 0x80;
        if (c1) line[i] = line[i + 1] = '?';
        if (byte < 0x20 || byte == 0x7f) line[i] = '?';
    }
    print(line + "\n");
}

std::string text_of(WallTime at) {
    const std::time_t seconds = at.unix_us / kSecond;
    std::tm parts{};
    std::array<char, 32> text{};
    if (::localtime_r(&seconds, &parts) == nullptr) return "?";
    const auto length = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
    return fmt::format("{}.{:06}", std::string_view{text.data(), length}, at.unix_us % kSecond);
}

// "2026-11-22 03:12:00" or, on the day of `end`, "03:12:00"; the seconds may be left out.
std::optional<WallTime> time_of(const std::string& text, WallTime end) {
    const std::time_t last = end.unix_us / kSecond;
    for (const char* form : {"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%H:%M:%S", "%H:%M"}) {
        std::tm parts{};
        if (::localtime_r(&last, &parts) == nullptr) return std::nullopt;
        parts.tm_sec = 0;
        const char* rest = ::strptime(text.c_str(), form, &parts);
        if (rest == nullptr || *rest != '\0') continue;
        parts.tm_isdst = -1;
        return WallTime{static_cast<std::int64_t>(std::mktime(&parts)) * kSecond + kSecond - 1};
    }
    return std::nullopt;
}

Result<std::vector<std::byte>> contents_of(const std::string& path) {
    const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    struct stat facts{};
    if (!file || ::fstat(file.get(), &facts) != 0) return fail_system("open " + path, errno);
    if (!S_ISREG(facts.st_mode)) return fail(Errc::Invalid, path + " is not a file");
    const auto size = static_cast<std::size_t>(facts.st_size);
    if (size > record::kFileBytesMax) return fail(Errc::Limit, path + " is too large for a flight record");
    std::vector<std::byte> bytes(size);
    std::size_t have = 0;
    while (have < size) {
        const auto got = ::read(file.get(), bytes.data() + have, size - have);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return fail_system("read " + path, got == 0 ? EIO : errno);
        have += static_cast<std::size_t>(got);
    }
    return bytes;
}

// Adverts and runs of scripts are the usual course.
bool changes_something(const vrrp::Intents& intents) {
    return std::ranges::any_of(intents, [](const vrrp::Intent& intent) {
        return !std::holds_alternative<vrrp::SendAdvert>(intent) && !std::holds_alternative<vrrp::RunScript>(intent);
    });
}

class Printer {
public:
    // `part` stands behind each time ("VRRP: "): which process a step was of.
    Printer(const ReplayOptions& options, std::optional<WallTime> at, std::uint64_t steps, const char* part)
        : options_{options}, at_{at}, steps_{steps}, part_{part} {}

    void key_frame(WallTime when, const vrrp::Router& router, bool continues) {
        if (!continues && is_shown(when)) show(fmt::format("{}  {}the record begins", text_of(when), part_));
        known_ = known_ || options_.instance.empty() || position_in(router.config()).has_value();
    }
    void step(const record::ReplayedStep& step) {
        ++seen_;
        if (std::holds_alternative<record::Reloaded>(step.entry.what))
            known_ = known_ || position_in(step.router.config()).has_value();
        if (is_shown(step.at) && changes_something(step.intents) && is_wanted(step)) {
            show(fmt::format("{}  {}{}", text_of(step.at), part_, record::describe_fact(step.entry)));
            for (const auto& intent : step.intents)
                show(fmt::format("    {}", record::describe_intent(intent, step.router.config())));
        }
        if (at_ && seen_ == steps_) states_ = states_of(step.router);
    }
    // At the time of --at, after all that was before.
    void show_states() const {
        if (!states_.empty()) show(fmt::format("{}  {}the states:", text_of(*at_), part_));
        for (const auto& line : states_) show(line);
    }
    [[nodiscard]] bool knows_instance() const { return known_; }

private:
    [[nodiscard]] bool is_shown(WallTime when) const {
        return !at_ || (when.unix_us >= at_->unix_us - kBefore && when.unix_us <= at_->unix_us);
    }
    [[nodiscard]] std::optional<vrrp::InstanceId> position_in(const config::Config& config) const {
        const auto found = std::ranges::find(config.instances, options_.instance, &config::Instance::name);
        if (found == config.instances.end()) return std::nullopt;
        return static_cast<vrrp::InstanceId>(found - config.instances.begin());
    }
    [[nodiscard]] bool is_wanted(const record::ReplayedStep& step) const {
        if (options_.instance.empty()) return true;
        const auto position = position_in(step.router.config());
        return position && record::concerns(step, *position);
    }
    [[nodiscard]] std::vector<std::string> states_of(const vrrp::Router& router) const {
        std::vector<std::string> lines;
        for (const auto& instance : router.snapshot().instances) {
            if (!options_.instance.empty() && instance.name != options_.instance) continue;
            lines.push_back(fmt::format("    ({}) {}, priority {}{}{}", instance.name, to_string(instance.state),
                                        instance.effective_priority,
                                        instance.names_master() ? ", master " + instance.master.to_string() : "",
                                        instance.fault.empty() ? "" : ", because " + instance.fault));
        }
        return lines;
    }

    const ReplayOptions& options_;
    std::optional<WallTime> at_;
    std::uint64_t steps_, seen_ = 0;
    const char* part_;
    std::vector<std::string> states_;  // lines
    bool known_ = false;
};

// `what` is in front of the last line.
int report(const record::Outcome& outcome, const char* what) {
    if (outcome.difference) {
        const auto& d = *outcome.difference;
        show(fmt::format("{}differs from the recording at {}, after {} facts", what, text_of(d.at), outcome.facts));
        show(d.fact.empty() ? "  the state is not the recorded one" : fmt::format("  fact: {}", d.fact));
        show(fmt::format("  recorded: {}", d.recorded));
        show(fmt::format("  replayed: {}", d.replayed));
        for (const auto& line : d.lines) show(fmt::format("    {}", line));
        return kDifferent;
    }
    show(fmt::format("{}identical to the recording: {} facts, {} intents, from {} to {}{}", what, outcome.facts,
                     outcome.intents, text_of(outcome.first), text_of(outcome.last),
                     outcome.gaps == 0 ? "" : fmt::format(", with {} gaps", outcome.gaps)));
    return kSame;
}

// The part of the virtual servers.
class JudgePrinter {
public:
    JudgePrinter(const ReplayOptions& options, std::optional<WallTime> at, const char* part)
        : options_{options},
          at_{at},
          part_{part},
          filter_{options.service.empty() ? "*" : options.service, options.server.empty() ? "*" : options.server},
          filtered_{!options.service.empty() || !options.server.empty()} {}

    void key_frame(WallTime when, const lvs::Judge& judge, bool continues) {
        if (!continues && is_shown(when)) show(fmt::format("{}  the record of virtual servers begins", text_of(when)));
        known_ = known_ || record::is_known(judge, filter_);
    }
    void step(const record::ReplayedJudgeStep& step) {
        const auto& what = step.entry.what;
        if (!std::holds_alternative<lvs::Fact>(what)) known_ = known_ || record::is_known(step.judge, filter_);
        if (!is_shown(step.at) || !changes_something(step.intents)) return;
        if (filtered_ && !record::concerns(step, filter_, options_.server.empty())) return;
        show(fmt::format("{}  {}{}", text_of(step.at), part_, record::describe_fact(step.entry, step.judge)));
        for (const auto& intent : step.intents)
            show(fmt::format("    {}", record::describe_intent(intent, step.judge)));
    }
    [[nodiscard]] bool knows_filter() const { return !filtered_ || known_; }

private:
    [[nodiscard]] bool is_shown(WallTime when) const {
        return !at_ || (when.unix_us >= at_->unix_us - kBefore && when.unix_us <= at_->unix_us);
    }
    // Starts of checks are the usual course.
    static bool changes_something(const lvs::Intents& intents) {
        return std::ranges::any_of(
            intents, [](const lvs::Intent& intent) { return !std::holds_alternative<lvs::StartCheck>(intent); });
    }

    const ReplayOptions& options_;
    std::optional<WallTime> at_;
    const char* part_;
    lvs::ServerPattern filter_;
    bool filtered_, known_ = false;
};

// Facts of either part until `at`; an error: the record cannot be replayed.
Result<std::pair<std::uint64_t, std::uint64_t>> steps_until(const record::Record& record, WallTime at) {
    std::pair<std::uint64_t, std::uint64_t> steps;
    const auto version = record::program_version();
    const auto ran = record::replay(record, version, [&](const record::ReplayedStep& step) {
        steps.first += step.at.unix_us <= at.unix_us ? 1 : 0;
    });
    if (!ran) return error_of(ran);
    const auto judged = record::replay_judge(record, version, [&](const record::ReplayedJudgeStep& step) {
        steps.second += step.at.unix_us <= at.unix_us ? 1 : 0;
    });
    if (!judged) return error_of(judged);
    return steps;
}

// Both parts, or the one that was not left out, in the order of time.
int replay_parts(const ReplayOptions& options, const record::Record& record, std::optional<WallTime> at,
                 std::uint64_t steps) {
    const bool both = !record.segments.empty() && !record.judge_segments.empty();
    const char* const vrrp_part = both ? "VRRP: " : "";
    Printer printer{options, at, steps, vrrp_part};
    JudgePrinter judge_printer{options, at, both ? "virtual servers: " : ""};
    const record::Listeners listeners{
        .on_step = [&](const record::ReplayedStep& step) { printer.step(step); },
        .on_key_frame = [&](WallTime when, const vrrp::Router& router,
                            bool continues) { printer.key_frame(when, router, continues); },
        .on_judge_step = [&](const record::ReplayedJudgeStep& step) { judge_printer.step(step); },
        .on_judge_key_frame = [&](WallTime when, const lvs::Judge& judge,
                                  bool continues) { judge_printer.key_frame(when, judge, continues); }};
    const auto outcomes = record::replay_in_order(record, record::program_version(), listeners);
    if (!outcomes) return complain(Error{Errc::Invalid, options.file + ": " + outcomes.error().text()});
    if (!options.instance.empty() && !printer.knows_instance())
        return complain(Error{Errc::Invalid, "the record has no instance " + options.instance});
    if (!record.judge_segments.empty() && !judge_printer.knows_filter())
        return complain(Error{
            Errc::Invalid, fmt::format("the record has no {} server {}{}{}",
                                       options.server.empty() ? "virtual" : "real", options.service,
                                       options.service.empty() || options.server.empty() ? "" : "/", options.server)});
    printer.show_states();
    int status = kSame;
    if (!record.judge_segments.empty()) status = report(outcomes->judge, "virtual servers: ");
    if (!record.segments.empty()) status = std::max(status, report(outcomes->router, vrrp_part));
    return status;
}

int replay_here(const ReplayOptions& options) {
    const auto bytes = contents_of(options.file);
    if (!bytes) return complain(Error{Errc::Invalid, bytes.error().text()});
    auto record = record::read_record(*bytes);
    if (!record) return complain(Error{Errc::Invalid, options.file + ": " + record.error().text()});
    std::optional<WallTime> at;
    std::uint64_t steps = 0;
    if (!options.at.empty()) {
        at = time_of(options.at, record->saved);
        if (!at) return complain(Error{Errc::Invalid, "--at takes [YYYY-MM-DD ]HH:MM[:SS], not " + options.at});
        const auto found = steps_until(*record, *at);
        if (!found) return complain(Error{Errc::Invalid, options.file + ": " + found.error().text()});
        if (found->first + found->second == 0)
            return complain(Error{Errc::Invalid, "the record begins after " + options.at});
        steps = found->first;
    }
    const bool of_servers = !options.service.empty() || !options.server.empty();
    if (of_servers && record->judge_segments.empty())
        return complain(Error{Errc::Invalid, "the record has no virtual servers"});
    if (!options.instance.empty() && record->segments.empty())
        return complain(Error{Errc::Invalid, "the record has no instances"});
    if (of_servers && !options.instance.empty())
        return complain(
            Error{Errc::Invalid, "--instance is of VRRP, --service and --server are not: give one of them"});
    if (of_servers) record->segments.clear();
    if (!options.instance.empty()) record->judge_segments.clear();
    return replay_parts(options, *record, at, steps);
}

void limit_self() {
    const rlimit memory{kMemoryMax, kMemoryMax}, time{kTimeMax, kTimeMax}, none{0, 0};
    if (::setrlimit(RLIMIT_AS, &memory) != 0 || ::setrlimit(RLIMIT_CPU, &time) != 0 ||
        ::setrlimit(RLIMIT_CORE, &none) != 0)
        print_error("mainstayctl: the replay runs without limits\n");
}

}  // namespace

int ctl_replay(const ReplayOptions& options) {
    const pid_t child = ::fork();
    if (child < 0) return complain(Error::system("fork", errno));
    if (child == 0) {
        limit_self();
        ::_exit(finish_output("mainstayctl", replay_here(options), kUnreadable));
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return complain(Error::system("waitpid", errno));
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    if (WTERMSIG(status) == SIGPIPE) {  // its reader went away: so does this program
        static_cast<void>(::signal(SIGPIPE, SIG_DFL));
        static_cast<void>(::raise(SIGPIPE));
    }
    if (WTERMSIG(status) == SIGXCPU)
        return complain(Error{Errc::State, fmt::format("{}: its replay took longer than {} s of processor time",
                                                       options.file, kTimeMax)});
    return complain(Error{Errc::Invalid, fmt::format("{}: the record is damaged: its replay was ended by signal {}",
                                                     options.file, WTERMSIG(status))});
}

}  // namespace mainstay::cli
