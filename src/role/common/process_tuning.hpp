// Applies ProcessOptions to this process and corrects its priority while it runs.
#pragma once

#include "mainstay/base/log.hpp"
#include "mainstay/kernel/scheduling.hpp"
#include "process_options.hpp"

namespace mainstay::role {

class ProcessTuning {
public:
    // `slices`: the time slices to use in the normal scheduling class.
    ProcessTuning(Log& log, std::string own_name, kernel::Slices slices)
        : log_{log}, own_name_{std::move(own_name)}, slices_{slices} {}

    // Applies what differs from the options applied before; the first time, from the kernel's defaults.
    void apply(ProcessOptions next);
    // Called periodically with the lateness of the timer: raises the priority of a late process, and returns a process
    // that was demoted by RLIMIT_RTTIME to the real-time class.
    void look(Micros late);

private:
    void set_priority(int priority);  // 0: the normal class

    Log& log_;
    std::string own_name_;
    kernel::Slices slices_;
    ProcessOptions now_;
    int priority_ = 0;  // the current real-time priority, which may have been raised
    bool limited_ = false;
};

}  // namespace mainstay::role
