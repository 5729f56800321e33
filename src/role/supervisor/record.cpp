// The memory of the flight recorder: made once, so that it outlives the processes that write to it.
#include <fmt/format.h>

#include "impl.hpp"
#include "mainstay/ipc/shared.hpp"

namespace mainstay::role {

void Supervisor::make_record(Child& child) {
    const std::uint64_t mib = current_.settings.daemon.recorder_mib;
    if (!traits_of(child.kind).has_record || mib == 0 || child.record) return;
    auto memory = ipc::make_shared_memfd(options_.identity.process_name(child.kind) + "-record", mib << 20);
    if (!memory) return log_.error("nothing is recorded: {}", memory.error().text());
    child.record = std::move(*memory);
    send_record(child);
}

// The observer saves the records by itself when something has changed hands. One of another version, before an upgrade
// has replaced it, gets no message.
void Supervisor::send_record(const Child& child) {
    Child& observer = child_of(Kind::Observer);
    if (!child.record || !observer.alive() || !observer.ready || observer.awaited.handed_over) return;
    const auto memory = ipc::read_only(child.record.get());
    if (!memory) return log_.error("records will not be saved by themselves: {}", memory.error().text());
    observer.send(ipc::RecordMemory{}, memory->get(), log_);
}

Result<UniqueFd> Supervisor::record_to_read(const ipc::RecordQuestion& question) {
    using Of = ipc::RecordQuestion::Of;
    const Child& child = child_of(question.of == Of::Lvs ? Kind::Lvs : Kind::Vrrp);
    if (child.record) return ipc::read_only(child.record.get());
    if (current_.settings.daemon.recorder_mib == 0)
        return fail(Errc::State, "the flight recorder is off: [recorder] size of mainstay.toml is 0");
    return fail(Errc::State,
                fmt::format("there is no flight record: the {} process has not run since the start or upgrade",
                            label(child.kind)));
}

}  // namespace mainstay::role
