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

}  // namespace mainstay::kernel
