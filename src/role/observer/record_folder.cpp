#include "record_folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include "file_modes.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/base/utc_text.hpp"
#include "mainstay/kernel/new_file.hpp"

namespace mainstay::role {
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
