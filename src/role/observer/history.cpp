#include "history.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "mainstay/ipc/history_file.hpp"
#include "mainstay/kernel/new_file.hpp"

namespace mainstay::role {

void History::append(const std::string& source, const std::vector<Event>& events) {
    if (events.empty()) return;
    const auto before = last_id_;
    for (const auto& event : events) {
        if (event.at.unix_us <= restored_until_us_ && is_restored(source, event)) continue;
        if (is_repeated(event)) continue;
        // The time, so that ids ascend over a restart of the daemon; one more, where the clock stood or went back.
        last_id_ = std::max(last_id_ + 1, static_cast<std::uint64_t>(std::max<std::int64_t>(event.at.unix_us, 0)));
        entries_.push_back({.id = last_id_, .source = source, .event = event});
        if (entries_.size() > kHistoryEntriesMax) entries_.pop_front();
    }
    if (last_id_ != before) appended_();
}

// A second MASTER is heard with each of its adverts, and would push everything else out within hours.
bool History::is_repeated(const Event& event) const {
    if (event.transition != Transition::LowerPriorityHeard) return false;
    for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
        const std::int64_t age_us = event.at.unix_us - entry->event.at.unix_us;
        if (age_us < 0 || age_us >= kRivalAgainUs) return false;
        if (entry->event.kind == event.kind && entry->event.name == event.name)
            return entry->event.transition == event.transition;
    }
    return false;
}

void History::restore(std::vector<report::HistoryEntry> entries) {
    if (!entries_.empty()) std::erase_if(entries, [&](const auto& entry) { return entry.id >= entries_.front().id; });
    if (entries.empty()) return;
    last_id_ = std::max(last_id_, entries.back().id);
    for (const auto& entry : entries) restored_until_us_ = std::max(restored_until_us_, entry.event.at.unix_us);
    const auto surplus = entries.size() + entries_.size() > kHistoryEntriesMax
                             ? std::min(entries.size(), entries.size() + entries_.size() - kHistoryEntriesMax)
                             : 0;
    entries_.insert(entries_.begin(), std::make_move_iterator(entries.begin() + static_cast<std::ptrdiff_t>(surplus)),
                    std::make_move_iterator(entries.end()));
}

void History::add_gap(HistoryGap gap) {
    gaps_.push_back(std::move(gap));
    if (gaps_.size() > kHistoryGapsMax) gaps_.pop_front();
}

// A ring numbers its events; another run of the daemon begins anew, at another time.
bool History::is_restored(const std::string& source, const Event& event) const {
    return std::ranges::any_of(entries_, [&](const report::HistoryEntry& entry) {
        return entry.event.number == event.number && entry.event.at == event.at && entry.source == source &&
               entry.event.name == event.name;
    });
}

std::vector<report::HistoryEntry> History::after(std::uint64_t id, std::size_t limit) const {
    const auto from = std::ranges::upper_bound(entries_, id, {}, &report::HistoryEntry::id);
    const auto count = std::min(limit, static_cast<std::size_t>(entries_.end() - from));
    return {from, from + static_cast<std::ptrdiff_t>(count)};
}

std::vector<report::HistoryEntry> History::newest(std::size_t limit) const {
    const auto count = static_cast<std::ptrdiff_t>(std::min(limit, entries_.size()));
    return {entries_.end() - count, entries_.end()};
}

namespace {

constexpr std::string_view kPrefix = "events-", kSuffix = ".log";
constexpr std::size_t kEntriesAtOnce = 512;

std::string name_of(std::uint64_t number) { return fmt::format("{}{:08}{}", kPrefix, number, kSuffix); }

std::optional<std::uint64_t> number_in(std::string_view name) {
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
    const auto digits = name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc{} || end != digits.data() + digits.size() || name_of(number) != name) return std::nullopt;
    return number;
}

}  // namespace

void HistoryLog::open(const std::string& folder, History& history) {
    if (is_open()) return;
    path_ = folder;
    auto loaded = load();
    if (!loaded) {
        folder_.reset();
        return note(error_of(loaded));
    }
    note({});
    auto& [entries, gaps] = *loaded;
    for (auto& [behind, gap] : gaps) {
        if (behind < entries.size()) gap.before = entries[behind].event.at;
        history.add_gap(std::move(gap));
    }
    if (!entries.empty()) saved_id_ = entries.back().id;
    history.restore(std::move(entries));
    write(history);
}

Result<void> HistoryLog::open_folder() {
    if (::mkdir(path_.c_str(), kFolderMode) != 0 && errno != EEXIST) return fail_system("make folder " + path_, errno);
    folder_.reset(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!folder_) return fail_system("open folder " + path_, errno);
    return {};
}

Result<HistoryLog::Loaded> HistoryLog::load() {
    if (auto opened = open_folder(); !opened) return error_of(opened);
    const auto all = numbers();
    if (!all) return error_of(all);
    Loaded loaded;
    for (const auto number : *all) read_segment(number, loaded);
    return loaded;
}

// In ascending order.
Result<std::vector<std::uint64_t>> HistoryLog::numbers() const {
    UniqueFd own{::openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!own) return fail_system("open " + path_, errno);
    const std::unique_ptr<DIR, int (*)(DIR*)> listing{::fdopendir(own.get()), ::closedir};
    if (!listing) return fail_system("list " + path_, errno);
    static_cast<void>(own.release());  // closedir() closes it
    std::vector<std::uint64_t> found;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of our own
    while (const dirent* entry = ::readdir(listing.get()))
        if (const auto number = number_in(entry->d_name)) found.push_back(*number);
    std::ranges::sort(found);
    return found;
}

Result<std::vector<std::byte>> HistoryLog::read(std::uint64_t number) const {
    // O_NONBLOCK: a FIFO must not hold us up.
    const UniqueFd file{
        ::openat(folder_.get(), name_of(number).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    struct stat info{};
    if (!file || ::fstat(file.get(), &info) != 0) return fail_system("it cannot be opened", errno);
    if (!S_ISREG(info.st_mode)) return fail(Errc::Invalid, "it is not a regular file");
    // A batch may exceed the bound.
    const std::size_t bytes_max = segment_bytes_max_ + kEntriesAtOnce * ipc::kHistoryRecordBytesMax;
    if (static_cast<std::size_t>(info.st_size) > bytes_max) return fail(Errc::Limit, "it is too large");
    std::vector<std::byte> bytes(static_cast<std::size_t>(info.st_size));
    std::size_t have = 0;
    while (have < bytes.size()) {
        const ssize_t got = ::read(file.get(), bytes.data() + have, bytes.size() - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_system("it cannot be read", errno);
        if (got == 0) break;
        have += static_cast<std::size_t>(got);
    }
    bytes.resize(have);
    return bytes;
}

// The newest segment that can be appended to stays open for that; otherwise the first write begins another one.
void HistoryLog::read_segment(std::uint64_t number, Loaded& loaded) {
    number_ = number;
    segment_.reset();
    auto& entries = loaded.entries;
    HistoryGap gap{.after = entries.empty() ? WallTime{} : entries.back().event.at, .before = {}, .why = {}};
    const auto bytes = read(number);
    if (!bytes) {
        gap.why = fmt::format("{}/{} is not used: {}", path_, name_of(number), bytes.error().text());
        log_.warning("event history: {}", gap.why);
        loaded.gaps.emplace_back(entries.size(), std::move(gap));
        return;
    }
    auto segment = ipc::read_history_segment(*bytes);
    for (auto& entry : segment.entries)
        if (entries.empty() || entry.id > entries.back().id) entries.push_back(std::move(entry));
    if (!segment.problem.empty()) {
        gap.why = fmt::format("{}/{}: {}", path_, name_of(number), segment.problem);
        log_.warning("event history: {}", gap.why);
        loaded.gaps.emplace_back(entries.size(), std::move(gap));
    }
    const bool foreign = !segment.problem.empty() && segment.damaged == 0;
    if (foreign || segment.damaged >= ipc::kHistoryDamageMax || bytes->size() >= segment_bytes_max_) return;
    segment_.reset(::openat(folder_.get(), name_of(number).c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW));
    size_ = bytes->size();
}

void HistoryLog::write(const History& history) {
    while (is_open() && history.last_id() > saved_id_) {
        const auto batch = history.after(saved_id_, kEntriesAtOnce);
        if (batch.empty()) return;
        std::vector<std::byte> bytes;
        for (const auto& entry : batch) std::ranges::copy(ipc::history_record(entry), std::back_inserter(bytes));
        const auto done = append(bytes);
        note(done);
        if (!done) return;
        saved_id_ = batch.back().id;
    }
}

Result<void> HistoryLog::append(std::span<const std::byte> bytes) {
    if (!segment_ || size_ >= segment_bytes_max_)
        if (auto begun = begin_segment(); !begun) return begun;
    const auto written = kernel::write_all(segment_.get(), bytes, "write " + path_ + "/" + name_of(number_));
    if (!written) {
        // What is there of it is damaged; a reader finds what is behind it. Another segment, should this not be
        // possible.
        if (::ftruncate(segment_.get(), static_cast<off_t>(size_)) != 0) segment_.reset();
        return written;
    }
    size_ += bytes.size();
    unsynced_ = true;
    return {};
}

Result<void> HistoryLog::begin_segment() {
    sync();
    const std::string name = name_of(number_ + 1);
    UniqueFd next{::openat(folder_.get(), name.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                           kFileMode)};
    if (!next) {
        const int error = errno;
        if (error == EEXIST) ++number_;  // somebody else's: the next attempt takes another number
        return fail_system("create " + path_ + "/" + name, error);
    }
    if (auto written = kernel::write_all(next.get(), ipc::history_header(), "write " + path_ + "/" + name); !written) {
        ::unlinkat(folder_.get(), name.c_str(), 0);
        return written;
    }
    segment_ = std::move(next);
    ++number_;
    size_ = ipc::history_header().size();
    remove_oldest();
    return {};
}

// Whether it begins like a segment. What only has a segment's name is not ours: it is neither counted nor removed.
bool HistoryLog::is_segment(std::uint64_t number) const {
    const UniqueFd file{
        ::openat(folder_.get(), name_of(number).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    struct stat info{};
    if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
    std::vector<std::byte> begin(ipc::history_header().size());
    const ssize_t got = ::read(file.get(), begin.data(), begin.size());
    return got == static_cast<ssize_t>(begin.size()) && ipc::is_history_header(begin);
}

void HistoryLog::remove_oldest() {
    auto all = numbers();
    if (!all) return note(error_of(all));
    std::erase_if(*all, [this](std::uint64_t number) { return !is_segment(number); });
    for (std::size_t i = 0; i + kHistorySegmentsMax < all->size(); ++i)
        if (::unlinkat(folder_.get(), name_of((*all)[i]).c_str(), 0) != 0)
            note(fail_system("remove " + path_ + "/" + name_of((*all)[i]), errno));
}

void HistoryLog::sync() {
    if (!std::exchange(unsynced_, false) || !segment_) return;
    if (::fdatasync(segment_.get()) != 0) note(fail_system("fdatasync " + path_ + "/" + name_of(number_), errno));
}

// Logs that the disk cannot be written, or can again, once for each time that this changes.
void HistoryLog::note(const Result<void>& done) {
    const bool was_well = problem_.empty();
    problem_ = done ? std::string{} : done.error().text();
    if (!done && was_well)
        log_.error("event history: {}; events are kept in memory only, at most {}", problem_, kHistoryEntriesMax);
    if (done && !was_well) log_.notice("event history: {} can be written again", path_);
}

}  // namespace mainstay::role
