#include "process_options.hpp"

#include <algorithm>

#include "mainstay/config/schema/keyword_values.hpp"

namespace mainstay::role {

namespace {

constexpr int kLowestRealTime = 1, kHighestRealTime = 99;
constexpr std::int64_t kLeastRealTimeUs = 2;  // keepalived: 1 becomes 2

}  // namespace

ProcessOptions process_options(const config::Global& global, Kind kind) {
    ProcessOptions options;
    const KindTraits& traits = traits_of(kind);
    if (traits.option_prefix == nullptr) return options;
    const auto& values = global.more->values;
    const std::string prefix = traits.option_prefix;
    const auto number = [&](const std::string& keyword) {
        return config::value_of<std::int64_t>(values, prefix + keyword);
    };
    if (config::value_of<bool>(values, "process_names").value_or(false)) options.name = traits.process_names;
    const auto word = [&](const std::string& keyword) {
        const auto words = config::value_of<config::WordList>(values, keyword);
        return words && !words->empty() ? words->front() : std::string{};
    };
    if (traits.old_name_option != nullptr)
        if (const auto old_name = word(traits.old_name_option); !old_name.empty()) options.name = old_name;
    if (const auto name = word(prefix + "_process_name"); !name.empty()) options.name = name;

    options.nice = static_cast<int>(number("_priority").value_or(0));
    options.no_swap = config::value_of<bool>(values, prefix + "_no_swap").value_or(false);
    if (traits.rt_priority != nullptr)
        options.rt_priority = global.*traits.rt_priority;
    else if (const auto wanted = number("_rt_priority"))
        options.rt_priority = static_cast<int>(*wanted);
    if (options.rt_priority) options.rt_priority = std::clamp(*options.rt_priority, kLowestRealTime, kHighestRealTime);
    options.cpus =
        config::value_of<config::IntegerList>(values, prefix + "_cpu_affinity").value_or(config::IntegerList{});
    for (const char* keyword :
         {"_rlimit_rtime", "_rlimit_rttime"})  // the old name, then the current one, which takes precedence
        if (const auto limit = number(keyword)) options.rt_limit = Micros{std::max(*limit, kLeastRealTimeUs)};
    // keepalived: -1 means a rise without a ceiling.
    const auto ceiling = config::value_of<std::int64_t>(values, "max_auto_priority").value_or(0);
    options.auto_ceiling = ceiling < 0 ? kHighestRealTime : static_cast<int>(ceiling);
    options.auto_delay = Micros{config::value_of<std::int64_t>(values, "min_auto_priority_delay").value_or(1'000'000)};
    return options;
}

int raised_priority(const ProcessOptions& options, int now, Micros late) {
    if (options.auto_ceiling == 0 || late < options.auto_delay || now >= options.auto_ceiling) return now;
    return now + 1;
}

}  // namespace mainstay::role
