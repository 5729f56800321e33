#include "mainstay/kernel/environment.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>

#include "mainstay/base/unique_fd.hpp"
#include "mainstay/config/net_namespace.hpp"
#include "mainstay/kernel/host_facts.hpp"
#include "mainstay/kernel/process.hpp"
#include "mainstay/kernel/scheduling.hpp"
#include "mainstay/kernel/scripts.hpp"

namespace mainstay::kernel {
namespace {

// Whether the mode bits let `account` execute the file. Supplementary groups are ignored.
bool may_execute(const struct stat& facts, const Account& account) {
    constexpr mode_t kAnyone = S_IXUSR | S_IXGRP | S_IXOTH;
    if (account.uid == 0) return (facts.st_mode & kAnyone) != 0;
    if (facts.st_uid == account.uid) return (facts.st_mode & S_IXUSR) != 0;
    if (facts.st_gid == account.gid) return (facts.st_mode & S_IXGRP) != 0;
    return (facts.st_mode & S_IXOTH) != 0;
}

// A name without a slash is searched in PATH, like execvp does; a match that is not a regular file is skipped.
std::optional<std::string> search(const std::string& name) {
    if (name.find('/') != std::string::npos) {
        const auto facts = stat_of(name);
        if (!facts || !S_ISREG(facts->st_mode)) return std::nullopt;
        return name;
    }
    const char* from_environment =
        std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): read by single-threaded readers
    std::string_view path = from_environment != nullptr ? std::string_view{from_environment} : kDefaultPath;
    while (!path.empty()) {
        const std::size_t colon = path.find(':');
        std::string candidate = std::string{path.substr(0, colon)} + "/" + name;
        if (const auto facts = stat_of(candidate); facts && S_ISREG(facts->st_mode)) return candidate;
        path = colon == std::string_view::npos ? std::string_view{} : path.substr(colon + 1);
    }
    return std::nullopt;
}

// The accounts of one reading. Each is looked up once: thousands of scripts have the same, and where an account is
// missing the name service searches all of its sources.
class KnownAccounts {
public:
    Result<Account> find(std::string_view user, std::string_view group) {
        const auto [known, added] = known_.try_emplace({std::string{user}, std::string{group}});
        if (added) known->second = find_account(user, group);
        return known->second;
    }

private:
    std::map<std::pair<std::string, std::string>, Result<Account>> known_;
};

config::Environment::ScriptFacts script_facts(const config::Command& command, const config::Global& global,
                                              KnownAccounts& accounts) {
    config::Environment::ScriptFacts facts;
    const auto found = search(command.argv.front());
    if (!found) {
        const auto& path = command.argv.front();
        facts.other_kind = path.find('/') != std::string::npos && stat_of(path).has_value();
        return facts;
    }
    facts.found = true;
    facts.resolved = real_path(*found);
    const auto file = stat_of(facts.resolved);
    const auto account = script_account(
        command, global, [&](std::string_view user, std::string_view group) { return accounts.find(user, group); });
    if (!file || !account) return facts;
    facts.executable = may_execute(*file, *account);
    facts.insecure = insecure_script(facts.resolved, *account);
    return facts;
}

// Its own name, where the kernel knows it by an alternative one; empty: there is none.
std::string name_of_interface(std::string_view name) {
    std::array<char, IF_NAMESIZE> own{};
    const unsigned index = ::if_nametoindex(std::string{name}.c_str());
    return index == 0 || ::if_indextoname(index, own.data()) == nullptr ? std::string{} : std::string{own.data()};
}

// The kernel's answer to a question about an interface; none: there is no such interface, or it cannot be asked.
std::optional<ifreq> ask_of(std::string_view interface, unsigned long question) {
    const UniqueFd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    ifreq request{};
    if (interface.size() >= sizeof request.ifr_name) return std::nullopt;
    std::ranges::copy(interface, request.ifr_name);
    if (!socket || ::ioctl(socket.get(), question, &request) != 0) return std::nullopt;
    return request;
}

bool multicasts(std::string_view interface) {
    const auto answer = ask_of(interface, SIOCGIFFLAGS);
    return !answer || (answer->ifr_flags & IFF_MULTICAST) != 0;
}

std::optional<std::uint32_t> mtu_of(std::string_view interface) {
    const auto answer = ask_of(interface, SIOCGIFMTU);
    if (!answer || answer->ifr_mtu <= 0) return std::nullopt;
    return static_cast<std::uint32_t>(answer->ifr_mtu);
}

std::optional<IpAddress> address_of(const sockaddr* address) {
    if (address != nullptr && address->sa_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, address, sizeof in);
        return IpAddress::v4(ntohl(in.sin_addr.s_addr));
    }
    if (address == nullptr || address->sa_family != AF_INET6) return std::nullopt;
    sockaddr_in6 in6{};
    std::memcpy(&in6, address, sizeof in6);
    return IpAddress::v6(std::as_bytes(std::span<const std::uint8_t, 16>{in6.sin6_addr.s6_addr}));
}

std::vector<config::Environment::Subnet> subnets() {
    std::vector<config::Environment::Subnet> found;
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return found;
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        const auto address = address_of(entry->ifa_addr), mask = address_of(entry->ifa_netmask);
        if (!address || !mask || (entry->ifa_flags & IFF_LOOPBACK) != 0) continue;
        int bits = 0;
        for (const std::byte byte : mask->bytes()) bits += std::popcount(std::to_integer<unsigned>(byte));
        found.push_back({entry->ifa_name, {*address, static_cast<std::uint8_t>(bits)}});
    }
    ::freeifaddrs(list);
    return found;
}

}  // namespace

bool host_resolves(std::string_view host) {
    addrinfo* list = nullptr;
    const bool known = ::getaddrinfo(std::string{host}.c_str(), nullptr, nullptr, &list) == 0;
    if (list != nullptr) ::freeaddrinfo(list);
    return known;
}

config::Environment host_environment() {
    return {.interface_called = name_of_interface,
            .multicasts = multicasts,
            .mtu_of = mtu_of,
            .account_exists = [](std::string_view user,
                                 std::string_view group) { return find_account(user, group).has_value(); },
            .script_facts = [accounts = std::make_shared<KnownAccounts>()](
                                const auto& command,
                                const auto& global) { return script_facts(command, global, *accounts); },
            .host_name = host_name(),
            .cpus = ::sysconf(_SC_NPROCESSORS_ONLN),
            .variable =
                [](std::string_view name) {
                    const char* value =
                        std::getenv(std::string{name}.c_str());  // NOLINT(concurrency-mt-unsafe): as above
                    return std::string{value != nullptr ? value : ""};
                },
            .random =
                [] {
                    std::random_device device;
                    return std::uint64_t{device()} << 32 | device();
                },
            .network_namespace_exists =
                [](std::string_view name) { return stat_of(fmt::format("/run/netns/{}", name)).has_value(); },
            .subnets = subnets};
}

config::Loaded load_in_its_namespace(const std::string& file, config::Environment environment,
                                     const std::string& given) {
    if (!given.empty()) environment.network_namespace_exists = nullptr;  // the file's is not used
    auto loaded = config::load_file(file, environment);
    const auto name = config::net_namespace_of(loaded.config, given);
    if (name.empty()) return loaded;
    const auto home = open_network_namespace({}), there = open_network_namespace(name);
    const bool inside = home && there && enter_network_namespace(there->get());
    if (!inside)
        environment.interface_called = nullptr, environment.mtu_of = nullptr, environment.subnets = nullptr,
        environment.multicasts = nullptr;
    loaded = config::load_file(file, environment);
    if (inside) static_cast<void>(enter_network_namespace(home->get()));
    return loaded;
}

}  // namespace mainstay::kernel
