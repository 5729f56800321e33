// Connects the lvs role to the real kernel; tests pass a simulated one.
#include <random>
#include <string>

#include "mainstay/config/keywords.hpp"
#include "mainstay/kernel/announced_addresses.hpp"
#include "mainstay/kernel/kernel_release.hpp"
#include "mainstay/kernel/sysctl.hpp"
#include "mainstay/lvs/mh_table.hpp"
#include "mainstay/role/lvs/role.hpp"
#include "role/common/process.hpp"
#include "settings_reconciler.hpp"

namespace mainstay::role {
namespace {

class KernelTable final : public IpvsTable {
public:
    explicit KernelTable(kernel::IpvsSocket socket) : socket_{std::move(socket)} {}

    Result<Outcome> perform(const std::vector<netlink::IpvsOperation>& operations) override {
        return socket_.perform(operations);
    }
    Result<std::vector<netlink::IpvsServiceEntry>> services() override { return socket_.services(); }
    Result<std::vector<netlink::IpvsDestinationEntry>> destinations(const netlink::IpvsServiceKey& key) override {
        return socket_.destinations(key);
    }
    Result<void> flush() override { return socket_.flush(); }

private:
    kernel::IpvsSocket socket_;
};

class KernelSettings final : public IpvsSettings {
public:
    explicit KernelSettings(kernel::IpvsSocket socket) : socket_{std::move(socket)} {}

    Result<std::vector<netlink::IpvsDaemon>> daemons() override { return socket_.daemons(); }
    Result<void> start_daemon(const netlink::IpvsDaemon& daemon) override { return socket_.start_daemon(daemon); }
    Result<void> stop_daemon(netlink::IpvsDaemon::State state) override { return socket_.stop_daemon(state); }
    Result<netlink::IpvsTimeouts> timeouts() override { return socket_.timeouts(); }
    Result<void> set_timeouts(const netlink::IpvsTimeouts& timeouts) override { return socket_.set_timeouts(timeouts); }
    Result<int> sysctl(std::string_view name) override { return kernel::read_sysctl_number(sysctl_path(name)); }
    Result<void> set_sysctl(std::string_view name, int value) override {
        return kernel::write_sysctl(sysctl_path(name), std::to_string(value));
    }

private:
    kernel::IpvsSocket socket_;
};

class KernelAnnouncing final : public AnnounceTable {
public:
    explicit KernelAnnouncing(kernel::AnnouncedAddresses addresses) : addresses_{std::move(addresses)} {}

    Result<std::vector<netlink::RefusedAnnounce>> perform(const netlink::AnnounceOperations& operations) override {
        return addresses_.perform(operations);
    }

private:
    kernel::AnnouncedAddresses addresses_;
};

template <class Interface, class Kernel>
Result<std::unique_ptr<Interface>> open_kernel(Runtime& runtime) {
    auto socket = kernel::IpvsSocket::open(runtime.ipvs_socket());
    if (!socket) return error_of(socket);
    if (const auto* config = runtime.running())
        size_netlink_buffer(socket->fd(), config->global, config::kLvsCommandBuffer, runtime.log());
    return std::make_unique<Kernel>(std::move(*socket));
}

}  // namespace

std::unique_ptr<Role> make_lvs_role(Runtime& runtime) {
    LvsOptions options;
    options.open_ipvs = [&runtime] { return open_kernel<IpvsTable, KernelTable>(runtime); };
    options.open_settings = [&runtime] { return open_kernel<IpvsSettings, KernelSettings>(runtime); };
    options.open_announcing = []() -> Result<std::unique_ptr<AnnounceTable>> {
        auto addresses = kernel::AnnouncedAddresses::open();
        if (!addresses) return error_of(addresses);
        return std::make_unique<KernelAnnouncing>(std::move(*addresses));
    };
    options.random = [engine = std::mt19937_64{std::random_device{}()}](Micros limit) mutable {
        return Micros{std::uniform_int_distribution<std::int64_t>{0, std::max<std::int64_t>(limit.count(), 0)}(engine)};
    };
    options.mh_slots = lvs::mh_table_size(kernel::boot_configuration());
    options.keep_ipvs_at_stop = runtime.options().keep_ipvs;
    options.audit_every = Seconds{runtime.options().audit_seconds};
    return make_lvs_role(runtime, std::move(options));
}

}  // namespace mainstay::role
