// The recorder of this process and its memory, which the supervisor has made.
#pragma once

#include <optional>
#include <utility>

#include "mainstay/ipc/shared.hpp"
#include "mainstay/record/format.hpp"
#include "mainstay/role/common/runtime.hpp"

namespace mainstay::role {

// `Recorder` is record::Recorder or record::JudgeRecorder.
template <class Recorder>
class FlightRecorder {
public:
    explicit FlightRecorder(Runtime& runtime) : runtime_{runtime} {}
    // Maps the memory. Null: there is none, or it cannot be used, which is logged; the role works without it. `more`
    // are further arguments of the recorder.
    template <class... More>
    [[nodiscard]] Recorder* open(More&&... more) {
        if (!runtime_.options().has_record) return nullptr;
        auto memory = ipc::MappedRecord::map(ipc::inherited::kOwnRecord, true);
        if (!memory) {
            runtime_.log().error("nothing is recorded: {}", memory.error().text());
            return nullptr;
        }
        memory_.emplace(std::move(*memory));
        recorder_.emplace(memory_->bytes(), record::program_version(), std::forward<More>(more)...);
        return &*recorder_;
    }
    // Logs once when nothing more can be recorded.
    void check() {
        if (!recorder_ || recorder_->works() || std::exchange(reported_, true)) return;
        runtime_.log().warning(
            "nothing is recorded: [recorder] size of mainstay.toml is too small for this configuration, "
            "whose state has {} bytes",
            recorder_->statistics().key_frame_bytes);
    }

private:
    Runtime& runtime_;
    std::optional<ipc::MappedRecord> memory_;
    std::optional<Recorder> recorder_;
    bool reported_ = false;
};

}  // namespace mainstay::role
