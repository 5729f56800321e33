#include "record_keeper.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <memory>
#include <ranges>
#include <span>
#include <vector>

#include "history.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/kernel/new_file.hpp"
#include "mainstay/record/format.hpp"
#include "mainstay/record/reader.hpp"

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

namespace {

constexpr std::string_view kPattern = "record-00000000T000000Z.rec";  // 0: any digit
constexpr std::size_t kTemporaryEnding = 7;                           // what kernel::NewFile adds: ".k3x0a9"

bool is_unfinished(std::string_view name) {
    return name.size() == kPattern.size() + kTemporaryEnding && is_record_name(name.substr(0, kPattern.size())) &&
           name[kPattern.size()] == '.';
}

struct Found {
    std::vector<std::string> records, unfinished;  // records: the oldest first
};

Result<Found> found_in(int folder, const std::string& path) {
    UniqueFd own{::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!own) return fail_system("open " + path, errno);
    const std::unique_ptr<DIR, int (*)(DIR*)> listing{::fdopendir(own.get()), ::closedir};
    if (!listing) return fail_system("list " + path, errno);
    static_cast<void>(own.release());  // closedir() closes it
    Found found;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of our own
    while (const dirent* entry = ::readdir(listing.get())) {
        const std::string_view name{entry->d_name};
        struct stat facts{};
        if (!is_record_name(name) && !is_unfinished(name)) continue;
        if (::fstatat(folder, entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(facts.st_mode)) continue;
        (is_unfinished(name) ? found.unfinished : found.records).emplace_back(name);
    }
    std::ranges::sort(found.records);
    return found;
}

Result<void> remove_surplus(int folder, const std::string& path, const std::string& written) {
    auto found = found_in(folder, path);
    if (!found) return error_of(found);
    // After a clock that went back it may look like the oldest.
    std::erase(found->records, written);
    const std::size_t keep = kRecordFilesMax - 1;
    for (std::size_t at = 0; at + keep < found->records.size(); ++at)
        if (::unlinkat(folder, found->records[at].c_str(), 0) != 0)
            return fail_system("remove " + path + "/" + found->records[at], errno);
    return {};
}

}  // namespace

std::string record_name(WallTime at) {
    auto time = utc_text(at, UtcDigits::WholeSeconds);
    std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
    return "record-" + time + ".rec";
}

bool is_record_name(std::string_view name) {
    return std::ranges::equal(name, kPattern, [](char have, char wanted) {
        return wanted == '0' ? have >= '0' && have <= '9' : have == wanted;
    });
}

Result<std::string> keep_record(const std::string& folder, std::span<const std::byte> bytes, WallTime at) {
    if (::mkdir(folder.c_str(), kFolderMode) != 0 && errno != EEXIST)
        return fail_system("make folder " + folder, errno);
    const UniqueFd opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)};
    if (!opened) return fail_system("open folder " + folder, errno);
    const auto before = found_in(opened.get(), folder);
    if (!before) return error_of(before);
    for (const auto& name : before->unfinished) ::unlinkat(opened.get(), name.c_str(), 0);
    const std::string name = record_name(at);
    std::string place = folder + "/" + name;
    if (auto written = kernel::write_file_durably(place, bytes, kFileMode); !written) return error_of(written);
    if (auto removed = remove_surplus(opened.get(), folder, name); !removed) return error_of(removed);
    return place;
}

}  // namespace mainstay::role
