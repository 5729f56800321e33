#include "process_tuning.hpp"

#include "mainstay/kernel/process.hpp"
#include "mainstay/kernel/scheduling.hpp"

namespace mainstay::role {

void ProcessTuning::apply(ProcessOptions next) {
    const auto warn = [this](const Result<void>& done, const char* what) {
        if (!done) log_.warning("{}: {}", what, done.error().text());
    };
    if (next.name != now_.name) kernel::set_process_name(next.name.empty() ? own_name_ : next.name);
    if (next.nice != now_.nice) warn(kernel::set_nice(next.nice), "process priority");
    if (next.no_swap != now_.no_swap) warn(kernel::lock_memory(next.no_swap), "no_swap");
    if (next.cpus != now_.cpus) warn(kernel::set_cpus(next.cpus), "cpu_affinity");
    if (!limited_ || next.rt_limit != now_.rt_limit) warn(kernel::limit_real_time(next.rt_limit), "rlimit_rttime");
    const bool changed = next.rt_priority != now_.rt_priority || (!limited_ && slices_ == kernel::Slices::Short);
    limited_ = true;
    now_ = std::move(next);
    if (changed) set_priority(now_.rt_priority.value_or(0));
}

void ProcessTuning::set_priority(int priority) {
    const auto set = priority == 0 ? kernel::set_normal_scheduling(slices_) : kernel::set_realtime(priority);
    if (!set) return log_.warning("rt_priority {}: {}", priority, set.error().text());
    priority_ = priority;
}

void ProcessTuning::look(Micros late) {
    if (const auto times = kernel::real_time_used_up(); times != 0) {
        log_.warning(
            "computed for longer than {} us without blocking and left the real-time class meanwhile; raise "
            "rlimit_rttime if this happens often",
            now_.rt_limit.count());
        set_priority(priority_);
    }
    const int raised = raised_priority(now_, priority_, late);
    if (raised == priority_) return;
    set_priority(raised);
    log_.notice("was {} us late: real-time priority raised to {}", late.count(), raised);
}

}  // namespace mainstay::role
