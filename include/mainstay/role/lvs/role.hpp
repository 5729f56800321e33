// The lvs role: runs the health checks and keeps IPVS in the state that follows from the configuration and the checks.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/kernel/ipvs.hpp"
#include "mainstay/lvs/announcer.hpp"
#include "mainstay/netlink/announce.hpp"
#include "mainstay/netlink/ipvs_types.hpp"
#include "mainstay/role/common/runtime.hpp"

namespace mainstay::role {

// The role's interface to the kernel's table: kernel::IpvsSocket, or an in-memory table in tests. Same errors as there.
class IpvsTable {
public:
    using Outcome = kernel::IpvsSocket::Outcome;

    IpvsTable() = default;
    IpvsTable(const IpvsTable&) = delete;
    IpvsTable& operator=(const IpvsTable&) = delete;
    virtual ~IpvsTable() = default;

    [[nodiscard]] virtual Result<Outcome> perform(const std::vector<netlink::IpvsOperation>& operations) = 0;
    [[nodiscard]] virtual Result<std::vector<netlink::IpvsServiceEntry>> services() = 0;
    [[nodiscard]] virtual Result<std::vector<netlink::IpvsDestinationEntry>> destinations(
        const netlink::IpvsServiceKey& key) = 0;
    [[nodiscard]] virtual Result<void> flush() = 0;
};

// The same for IPVS settings outside the table. It uses a separate socket.
class IpvsSettings {
public:
    IpvsSettings() = default;
    IpvsSettings(const IpvsSettings&) = delete;
    IpvsSettings& operator=(const IpvsSettings&) = delete;
    virtual ~IpvsSettings() = default;

    [[nodiscard]] virtual Result<std::vector<netlink::IpvsDaemon>> daemons() = 0;
    [[nodiscard]] virtual Result<void> start_daemon(const netlink::IpvsDaemon& daemon) = 0;
    [[nodiscard]] virtual Result<void> stop_daemon(netlink::IpvsDaemon::State state) = 0;
    [[nodiscard]] virtual Result<netlink::IpvsTimeouts> timeouts() = 0;
    [[nodiscard]] virtual Result<void> set_timeouts(const netlink::IpvsTimeouts& timeouts) = 0;
    // A setting below net.ipv4.vs, by its name there.
    [[nodiscard]] virtual Result<int> sysctl(std::string_view name) = 0;
    [[nodiscard]] virtual Result<void> set_sysctl(std::string_view name, int value) = 0;
};

// The addresses that are announced, and their routes.
class AnnounceTable {
public:
    AnnounceTable() = default;
    AnnounceTable(const AnnounceTable&) = delete;
    AnnounceTable& operator=(const AnnounceTable&) = delete;
    virtual ~AnnounceTable() = default;

    // As kernel::AnnouncedAddresses::perform().
    [[nodiscard]] virtual Result<std::vector<netlink::RefusedAnnounce>> perform(
        const netlink::AnnounceOperations& operations) = 0;
};

struct LvsOptions {
    std::function<Result<std::unique_ptr<IpvsTable>>()> open_ipvs;
    std::function<Result<std::unique_ptr<IpvsSettings>>()> open_settings = {};
    std::function<Result<std::unique_ptr<AnnounceTable>>()> open_announcing = {};
    std::function<Micros(Micros limit)> random;  // evenly distributed over 0..limit
    bool keep_ipvs_at_stop = false;              // -I
    std::optional<std::uint32_t> mh_slots = {};  // of the kernel's mh tables; none: not known
    Micros audit_every{10'000'000};              // 0: at reloads only
    Micros reopen_every{10'000'000};             // retry interval while IPVS cannot be opened
    // After the last request (ipc::ReadTraffic) the kernel's counters are read for this long, every `traffic_every`.
    Micros traffic_kept{300'000'000}, traffic_every{10'000'000};
};

[[nodiscard]] RoleTraits lvs_traits();
// A role with the real kernel and the options of the runtime.
[[nodiscard]] std::unique_ptr<Role> make_lvs_role(Runtime& runtime);
[[nodiscard]] std::unique_ptr<Role> make_lvs_role(Runtime& runtime, LvsOptions options);

}  // namespace mainstay::role
