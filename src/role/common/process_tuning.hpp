// Applies ProcessOptions to this process, and keeps them true while it runs.
#pragma once

#include "mainstay/base/log.hpp"
#include "mainstay/kernel/scheduling.hpp"
#include "process_options.hpp"

namespace mainstay::role {

class ProcessTuning {
public:
    // `slices`: of the normal class.
    ProcessTuning(Log& log, std::string own_name, kernel::Slices slices)
        : log_{log}, own_name_{std::move(own_name)}, slices_{slices} {}

    // What differs from what was applied before; the first time, what differs from an untouched process.
    void apply(ProcessOptions next);
    // From a timer that was due `late` ago: a late process gets a higher priority, one that left the real-time class
    // because it computed too long comes back.
    void look(Micros late);

private:
    void set_priority(int priority);  // 0: the normal class

    Log& log_;
    std::string own_name_;
    kernel::Slices slices_;
    ProcessOptions now_;
    int priority_ = 0;  // of the real-time class; it may have risen
    bool limited_ = false;
};

}  // namespace mainstay::role
