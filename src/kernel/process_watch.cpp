#include "mainstay/kernel/process_watch.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>

#include "mainstay/kernel/netlink_socket.hpp"
#include "mount_table.hpp"

namespace mainstay::kernel {
namespace {

constexpr std::size_t kCommandBytes = 64UL * 1024U;  // longer command lines are truncated
constexpr std::size_t kStatBytes = 512;
constexpr std::size_t kEventBuffer = 1024UL * 1024U;
constexpr std::size_t kReadsMax = 1024;  // events taken in one go

std::string content(const std::string& path, std::size_t most) {
    const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    std::string text;
    if (!fd) return text;
    text.resize(most);
    std::size_t size = 0;
    while (size < most) {
        const ssize_t got = ::read(fd.get(), text.data() + size, most - size);
        if (got <= 0) break;
        size += static_cast<std::size_t>(got);
    }
    text.resize(size);
    return text;
}

std::vector<std::string> split_command(const std::string& text) {
    std::vector<std::string> words;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\0', at), text.size());
        words.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return words;
}

}  // namespace

std::optional<vrrp::ProcessSeen> look_at_process(int pid, bool command) {
    const std::string folder = "/proc/" + std::to_string(pid);
    // "17 (comm, which may hold anything) S 1 ..."
    const std::string stat = content(folder + "/stat", kStatBytes);
    const std::size_t open = stat.find('('), close = stat.rfind(')');
    if (open == std::string::npos || close == std::string::npos || close < open || close + 2 >= stat.size()) return {};
    const char state = stat[close + 2];
    if (state == 'Z' || state == 'X') return {};
    vrrp::ProcessSeen seen{stat.substr(open + 1, close - open - 1), {}};
    if (command) seen.command = split_command(content(folder + "/cmdline", kCommandBytes));
    return seen;
}

std::map<int, vrrp::ProcessSeen> all_processes(bool command) {
    std::map<int, vrrp::ProcessSeen> all;
    const std::unique_ptr<DIR, int (*)(DIR*)> folder{::opendir("/proc"), ::closedir};
    if (!folder) return all;
    while (const dirent* entry = ::readdir(folder.get())) {  // NOLINT(concurrency-mt-unsafe): a stream of our own
        const std::string_view name{entry->d_name};
        int pid = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (error != std::errc{} || end != name.data() + name.size()) continue;
        if (auto seen = look_at_process(pid, command)) all.emplace(pid, std::move(*seen));
    }
    return all;
}

bool processes_are_hidden(const std::string& mountinfo, std::uint32_t group) {
    std::istringstream text{mountinfo};
    bool hidden = false;
    for (const auto& [point, type, options] : read_mounts(text)) {
        if (point != "/proc" || type != "proc") continue;
        const auto value_of = [&all = options](const std::string& name) {
            const auto at = ("," + all).find("," + name + "=");
            if (at == std::string::npos) return std::string{};
            const auto begin = at + name.size() + 1;
            return all.substr(begin, all.find(',', begin) - begin);
        };
        const std::string hiding = value_of("hidepid");
        hidden = !hiding.empty() && hiding != "0" && hiding != "off" && value_of("gid") != std::to_string(group);
    }
    return hidden;
}

bool processes_are_hidden(std::uint32_t group) {
    std::ifstream mounts{"/proc/self/mountinfo"};
    return processes_are_hidden({std::istreambuf_iterator<char>{mounts}, {}}, group);
}

Result<ProcessConnector> ProcessConnector::open() {
    UniqueFd fd{::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR)};
    if (!fd) return fail_system("open the process connector", errno);
    sockaddr_nl local{};
    local.nl_family = AF_NETLINK;
    local.nl_groups = CN_IDX_PROC;
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0)
        return fail_system("bind the process connector", errno);
    (void)size_receive_buffer(fd.get(), kEventBuffer);
    socklen_t length = sizeof local;
    if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&local), &length) != 0)
        return fail_system("getsockname of the process connector", errno);
    const auto request = netlink::encode_process_listen(true, local.nl_pid);
    if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0)
        return fail_system("ask the process connector", errno);
    return ProcessConnector{std::move(fd)};
}

Result<std::vector<netlink::ProcessEvent>> ProcessConnector::read() {
    std::vector<netlink::ProcessEvent> events;
    alignas(nlmsghdr) std::array<std::byte, 4096> buffer;
    for (std::size_t reads = 0; reads < kReadsMax; ++reads) {
        sockaddr_nl from{};
        socklen_t length = sizeof from;
        const ssize_t got =
            ::recvfrom(fd_.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == ENOBUFS) return fail(Errc::Limit, "process events were lost", ENOBUFS);
        if (got < 0 && errno == EAGAIN) return events;
        if (got < 0) return fail_system("read the process connector", errno);
        if (from.nl_pid != 0) continue;  // not from the kernel
        auto some = netlink::decode_process_events(std::span{buffer}.first(static_cast<std::size_t>(got)));
        if (!some) return error_of(some);
        events.insert(events.end(), some->begin(), some->end());
    }
    return events;
}

}  // namespace mainstay::kernel
