#include "record_keeper.hpp"

#include <array>
#include <cstring>
#include <exception>
#include <ranges>
#include <span>

#include "mainstay/record/format.hpp"
#include "mainstay/record/reader.hpp"
#include "record_folder.hpp"

namespace mainstay::role {
namespace {

constexpr std::size_t kMemoriesMax = 2 * record::kMachines;  // those before an upgrade may be there still

using Bytes = std::span<const std::byte>;

// An older memory of the same machine is one that is no longer written to.
std::vector<Bytes> newest_of_each(const std::vector<std::shared_ptr<const ipc::MappedRecord>>& memories) {
    std::array<bool, record::kMachines> have{};
    std::vector<Bytes> newest;
    for (const auto& memory : std::views::reverse(memories)) {
        const Bytes bytes = memory->bytes();
        record::MemoryHeader header;
        if (bytes.size() < sizeof header) continue;
        std::memcpy(&header, bytes.data(), sizeof header);
        const auto machine = static_cast<std::size_t>(header.machine);
        if (header.magic != record::kMagic || machine >= have.size() || std::exchange(have.at(machine), true)) continue;
        newest.push_back(bytes);
    }
    return newest;
}

// An empty path: nothing has been recorded.
Result<std::string> save_record(const std::vector<std::shared_ptr<const ipc::MappedRecord>>& memories,
                                const std::string& folder, WallTime wall) {
    try {
        const auto parts = newest_of_each(memories);
        if (parts.empty()) return std::string{};
        const auto bytes = record::file_of_memories(parts, wall);
        if (!bytes && bytes.error().code() == Errc::NotFound) return std::string{};
        if (!bytes) return error_of(bytes);
        return keep_record(folder, *bytes, wall);
    } catch (const std::exception& problem) {  // no memory for the copy
        return fail(Errc::Limit, problem.what());
    }
}

}  // namespace

bool HandOvers::is_one(const Event& event) {
    if (event.kind == Event::Kind::VirtualServer) return true;
    if (event.kind != Event::Kind::Instance || !changes_state(event.transition)) return false;
    if (event.transition == Transition::Master) return masters_.insert(event.name).second;
    return masters_.erase(event.name) != 0;
}

void RecordSchedule::changed(Instant now) {
    if (!first_) first_ = now;
}

bool RecordSchedule::is_due(Instant now) const {
    return first_ && now - *first_ >= kRecordAfter && (!saved_ || now - *saved_ >= kRecordEvery);
}

void RecordSchedule::saved(Instant now) {
    first_.reset();
    saved_ = now;
}

void RecordKeeper::memory(const UniqueFd& descriptor) {
    auto mapped = ipc::MappedRecord::map(descriptor.get(), false);
    if (!mapped) return log_.error("records will not be saved by themselves: {}", mapped.error().text());
    memories_.push_back(std::make_shared<const ipc::MappedRecord>(std::move(*mapped)));
    if (memories_.size() > kMemoriesMax) memories_.erase(memories_.begin());
}

void RecordKeeper::take(const std::vector<Event>& events, Instant now) {
    for (const auto& event : events)
        if (hand_overs_.is_one(event)) schedule_.changed(now);
}

void RecordKeeper::look(const std::string& folder, Instant now, WallTime wall) {
    if (!schedule_.is_due(now) || busy_) return;
    schedule_.saved(now);
    save(folder, wall);
}

void RecordKeeper::finish(const std::string& folder, WallTime wall) {
    if (!schedule_.waits() || busy_) return;
    schedule_.saved({});
    save(folder, wall);
}

void RecordKeeper::save(const std::string& folder, WallTime wall) {
    if (memories_.empty()) return;  // the recorder is off
    busy_ = true;
    const auto answer = std::make_shared<Result<std::string>>();
    const auto started =
        background_.run([answer, memories = memories_, folder, wall] { *answer = save_record(memories, folder, wall); },
                        [this, answer] {
                            busy_ = false;
                            note(*answer);
                        });
    if (started) return;
    busy_ = false;
    note(error_of(started));
}

// A failure is logged once, until it has worked again.
void RecordKeeper::note(const Result<std::string>& done) {
    if (done) {
        if (done->empty()) return;
        failed_ = false;
        return log_.info("flight record of what changed hands: {}", *done);
    }
    if (std::exchange(failed_, true)) return;
    log_.error(
        "no flight record was saved after something changed hands: {}; make room there or repair it, meanwhile "
        "`mainstayctl record save` writes it to another place",
        done.error().text());
}

}  // namespace mainstay::role
