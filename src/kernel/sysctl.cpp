#include "mainstay/kernel/sysctl.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>

#include "mainstay/base/unique_fd.hpp"

namespace mainstay::kernel {
namespace {

constexpr std::size_t kValueBytes = 4096;  // more than any network setting needs

// Names come from code, not from users; all the same they must not lead out of /proc/sys.
Result<std::string> path_of(std::string_view name) {
    if (name.empty() || name.front() == '/' || name.find("..") != std::string_view::npos) {
        return fail(Errc::Invalid, "sysctl '" + std::string{name} + "' is no name");
    }
    return "/proc/sys/" + std::string{name};
}

}  // namespace

Result<std::string> read_sysctl(std::string_view name) {
    const auto path = path_of(name);
    if (!path) return std::unexpected{path.error()};
    const UniqueFd fd{open(path->c_str(), O_RDONLY | O_CLOEXEC)};
    if (!fd) return fail_system("read " + *path, errno);
    std::array<char, kValueBytes> buffer;
    const ssize_t size = read(fd.get(), buffer.data(), buffer.size());
    if (size < 0) return fail_system("read " + *path, errno);
    std::string value{buffer.data(), static_cast<std::size_t>(size)};
    if (value.ends_with('\n')) value.pop_back();
    return value;
}

Result<void> write_sysctl(std::string_view name, std::string_view value) {
    const auto path = path_of(name);
    if (!path) return std::unexpected{path.error()};
    const UniqueFd fd{open(path->c_str(), O_WRONLY | O_CLOEXEC)};
    if (!fd) return fail_system("write " + *path, errno);
    const ssize_t size = write(fd.get(), value.data(), value.size());
    if (size < 0) return fail_system("write '" + std::string{value} + "' to " + *path, errno);
    return {};
}

Result<int> read_sysctl_number(std::string_view name) {
    const auto text = read_sysctl(name);
    if (!text) return std::unexpected{text.error()};
    int number = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (error != std::errc{} || end != text->data() + text->size()) {
        return fail(Errc::Invalid, "sysctl " + std::string{name} + " is '" + *text + "', not a number");
    }
    return number;
}

}  // namespace mainstay::kernel
