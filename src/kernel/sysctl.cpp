#include "mainstay/kernel/sysctl.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <optional>

#include "mainstay/base/unique_fd.hpp"
#include "mainstay/kernel/link_maker.hpp"

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

template <class Number>
std::optional<Number> number_in(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

// net/ipv4/conf/INTERFACE/SETTING as a request to rtnetlink. None: it has only the file.
std::optional<LinkSettings> link_settings(std::string_view name, std::string_view value) {
    constexpr std::string_view kInterfaces = "net/ipv4/conf/";
    if (!name.starts_with(kInterfaces)) return std::nullopt;
    name.remove_prefix(kInterfaces.size());
    const auto slash = name.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto number = netlink::ipv4_setting_number(name.substr(slash + 1));
    const auto wanted = number_in<std::uint32_t>(value);
    const std::uint32_t index = interface_index(std::string{name.substr(0, slash)});  // "all" and "default": none
    if (!number || !wanted || index == 0) return std::nullopt;
    return LinkSettings{.index = index, .ipv4 = netlink::Ipv4Setting{.number = *number, .value = *wanted}};
}

Result<void> write_file(const std::string& path, std::string_view value) {
    const UniqueFd fd{open(path.c_str(), O_WRONLY | O_CLOEXEC)};
    if (!fd) return fail_system("write " + path, errno);
    const ssize_t size = write(fd.get(), value.data(), value.size());
    if (size < 0) return fail_system("write '" + std::string{value} + "' to " + path, errno);
    return {};
}

}  // namespace

Result<std::string> read_sysctl(std::string_view name) {
    const auto path = path_of(name);
    if (!path) return error_of(path);
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
    if (!path) return error_of(path);
    const auto settings = link_settings(name, value);
    if (!settings) return write_file(*path, value);
    auto links = LinkMaker::open();
    const auto set = links ? links->set(*settings) : Result<void>{error_of(links)};
    if (set) return {};
    auto written = write_file(*path, value);
    if (!written) return error_of(written, set.error().text() + "; then");
    return {};
}

Result<void> keep_sysctl(std::string_view name, std::string_view value) {
    const auto now = read_sysctl(name);
    return now && *now == value ? Result<void>{} : write_sysctl(name, value);
}

Result<int> read_sysctl_number(std::string_view name) {
    const auto text = read_sysctl(name);
    if (!text) return error_of(text);
    const auto number = number_in<int>(*text);
    if (!number) return fail(Errc::Invalid, "sysctl " + std::string{name} + " is '" + *text + "', not a number");
    return *number;
}

}  // namespace mainstay::kernel
