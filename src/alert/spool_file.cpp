#include "spool_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

namespace mainstay::alert {
namespace {

constexpr mode_t kFileMode = 0600;
constexpr mode_t kFolderMode = 0700;
constexpr std::size_t kIdBytesMax = 200;  // with prefix and suffix below NAME_MAX

Result<void> write_all(int fd, std::string_view content, const std::string& what) {
    while (!content.empty()) {
        const ssize_t written = ::write(fd, content.data(), content.size());
        if (written < 0) {
            if (errno == EINTR) continue;
            return fail_system("write " + what, errno);
        }
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> write_temporary(int folder, const std::string& name, std::string_view content, const std::string& what) {
    // O_EXCL after an unlink: a link that another program created is never followed.
    ::unlinkat(folder, name.c_str(), 0);
    const UniqueFd file{
        ::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kFileMode)};
    if (!file) return fail_system("create " + what, errno);
    if (auto written = write_all(file.get(), content, what); !written) return written;
    if (::fsync(file.get()) != 0) return fail_system("fsync " + what, errno);
    return {};
}

}  // namespace

bool safe_id(const std::string& id) {
    return !id.empty() && id.size() <= kIdBytesMax && id.front() != '.' && std::ranges::all_of(id, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    });
}

Result<void> write_durably(int folder, const std::string& name, std::string_view content, const std::string& where) {
    const std::string temporary = std::string{kTemporaryPrefix} + name;
    const std::string what = where + "/" + name;
    if (auto written = write_temporary(folder, temporary, content, what); !written) {
        ::unlinkat(folder, temporary.c_str(), 0);
        return written;
    }
    if (::renameat(folder, temporary.c_str(), folder, name.c_str()) != 0)
        return fail_system("rename to " + what, errno);
    if (::fsync(folder) != 0) return fail_system("fsync " + where, errno);
    return {};
}

Result<std::string> read_bounded(int folder, const std::string& name, std::size_t bytes_max, const std::string& where) {
    const std::string what = where + "/" + name;
    // O_NONBLOCK: a FIFO must not hold us up.
    const UniqueFd file{::openat(folder, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    if (!file) return fail_system("open " + what, errno);
    struct stat info{};
    if (::fstat(file.get(), &info) != 0) return fail_system("stat " + what, errno);
    if (!S_ISREG(info.st_mode)) return fail(Errc::Invalid, what + " is not a regular file");
    if (static_cast<std::size_t>(info.st_size) > bytes_max) return fail(Errc::Limit, what + " is too large");
    std::string content(static_cast<std::size_t>(info.st_size), '\0');
    std::size_t have = 0;
    while (have < content.size()) {
        const ssize_t got = ::read(file.get(), content.data() + have, content.size() - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_system("read " + what, errno);
        if (got == 0) break;
        have += static_cast<std::size_t>(got);
    }
    content.resize(have);
    return content;
}

Result<std::vector<std::string>> file_names(int folder, const std::string& where) {
    UniqueFd own{::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!own) return fail_system("open " + where, errno);
    const std::unique_ptr<DIR, int (*)(DIR*)> listing{::fdopendir(own.get()), ::closedir};
    if (!listing) return fail_system("list " + where, errno);
    static_cast<void>(own.release());  // closedir() closes it
    std::vector<std::string> names;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(listing.get());  // NOLINT(concurrency-mt-unsafe): a stream of our own
        if (entry == nullptr) break;
        const std::string name{entry->d_name};
        if (name != "." && name != "..") names.push_back(name);
    }
    if (errno != 0) return fail_system("list " + where, errno);
    return names;
}

Result<UniqueFd> open_folder(const std::string& path) {
    if (::mkdir(path.c_str(), kFolderMode) != 0 && errno != EEXIST) return fail_system("make folder " + path, errno);
    UniqueFd folder{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!folder) return fail_system("open folder " + path, errno);
    return folder;
}

}  // namespace mainstay::alert
