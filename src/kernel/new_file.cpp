#include "mainstay/kernel/new_file.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace mainstay::kernel {
namespace {

constexpr int kNamesTried = 100;  // of 36^6

std::string random_ending() {
    static constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
    std::array<unsigned char, 6> bytes{};
    [[maybe_unused]] const auto got = ::getrandom(bytes.data(), bytes.size(), GRND_NONBLOCK);
    std::string ending = ".";
    for (const unsigned char byte : bytes) ending += kLetters[byte % kLetters.size()];
    return ending;
}

}  // namespace

// O_EXCL: whatever lies at that name already, a link for instance, is not opened.
Result<NewFile> NewFile::beside(std::string path) {
    struct stat there{};
    if (::lstat(path.c_str(), &there) == 0 && (S_ISCHR(there.st_mode) || S_ISBLK(there.st_mode)))
        return fail(Errc::Invalid, path + " is a device, and stays one");
    for (int tried = 0; tried < kNamesTried; ++tried) {
        std::string temporary = path + random_ending();
        UniqueFd made{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
        if (made) return NewFile{std::move(path), std::move(temporary), std::move(made)};
        if (errno != EEXIST) break;
    }
    return fail_system("create a file beside " + path, errno);
}

NewFile::~NewFile() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<void> NewFile::put_in_place(std::uint32_t mode) {
    if (::fchmod(descriptor_.get(), mode) != 0) return fail_system("fchmod " + temporary_, errno);
    if (::rename(temporary_.c_str(), path_.c_str()) != 0)
        return fail_system("rename to its place " + temporary_, errno);
    temporary_.clear();
    return {};
}

Result<void> NewFile::put_in_place_durably(std::uint32_t mode) {
    if (::fsync(descriptor_.get()) != 0) return fail_system("fsync " + temporary_, errno);
    if (auto put = put_in_place(mode); !put) return put;
    return sync_folder_of(path_);
}

Result<void> write_file_durably(const std::string& path, std::span<const std::byte> content, std::uint32_t mode) {
    auto file = NewFile::beside(path);
    if (!file) return error_of(file);
    if (auto written = write_all(file->descriptor(), content, "write " + path); !written) return written;
    return file->put_in_place_durably(mode);
}

Result<void> write_all(int fd, std::span<const std::byte> bytes, const std::string& doing) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail_system(doing, errno);
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> sync_folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    const UniqueFd opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!opened || ::fsync(opened.get()) != 0) return fail_system("fsync " + folder, errno);
    return {};
}

}  // namespace mainstay::kernel
