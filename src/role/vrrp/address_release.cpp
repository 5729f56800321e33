#include "mainstay/role/vrrp/role.hpp"

#include <linux/capability.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <utility>

#include "addresses.hpp"
#include "links.hpp"
#include "mainstay/vrrp/devices.hpp"
#include "mainstay/vrrp/instance.hpp"

namespace mainstay::role {
namespace {

// Other routers wait for that long, and for their skew time.
Nanos shortest_wait(const config::Config& config) {
    std::optional<Nanos> shortest;
    for (const auto& instance : config.instances) {
        const Nanos wait = Nanos{instance.advert_int} * instance.down_timer_adverts;
        shortest = std::min(shortest.value_or(wait), wait);
    }
    return shortest.value_or(Nanos{0});
}

// Those of an owner may be the host's own.
std::vector<vrrp::HeldAddress> addresses_to_release(const config::Config& config, const Links& links) {
    std::vector<vrrp::HeldAddress> addresses;
    for (const auto& instance : vrrp::plan_devices(config, existing_links(links)).config.instances) {
        if (instance.priority == config::kOwnerPriority) continue;
        for (auto& held : vrrp::held_addresses(instance)) {
            const auto* link = links.find(held.interface);
            if (link != nullptr && links.holds(link->index, held.prefix)) addresses.push_back(std::move(held));
        }
    }
    return addresses;
}

class AddressRelease final : public Role {
public:
    AddressRelease(Runtime& runtime, std::chrono::milliseconds silent)
        : runtime_{runtime}, began_{runtime.now() - silent}, timer_{runtime.loop()} {}

    Result<void> start(config::Config config, bool) override {
        const Nanos wait = began_ + shortest_wait(config) - runtime_.now();
        config_ = std::move(config);
        timer_.expires_after(std::max(wait, Nanos{0}));
        timer_.async_wait([this](const boost::system::error_code& error) {
            if (!error) release();
        });
        return {};
    }
    // A reload kills this process.
    Result<void> prepare(config::Config) override { return {}; }
    void commit() override {}
    void abort() override {}
    void stop(std::function<void()> done) override {
        timer_.cancel();
        boost::asio::post(runtime_.loop(), std::move(done));
    }

private:
    void release() {
        if (const auto removed = remove_addresses(); !removed)
            runtime_.log().error("virtual addresses cannot be removed while no VRRP process runs: {}",
                                 removed.error().text());
        runtime_.loop().stop();
    }

    Result<void> remove_addresses() {
        auto netlink = kernel::Rtnetlink::open();
        if (!netlink) return error_of(netlink);
        Links links;
        if (auto read = links.refresh(*netlink); !read) return error_of(read);
        const auto addresses = addresses_to_release(config_, links);
        if (addresses.empty()) return {};
        Result<Links::Change> reread;
        const auto failures = remove_from_host(*netlink, removal_requests(addresses, links), links, runtime_.log(),
                                               [&] { reread = links.refresh(*netlink); });
        if (!reread) return error_of(reread);
        if (!failures) return error_of(failures);
        const auto silent = std::chrono::duration<double>(runtime_.now() - began_).count();
        const std::size_t removed = addresses.size() - failures->size();
        runtime_.log().warning(
            "{} removed: no VRRP process has run for {:.1f} s, and another router may be master by "
            "now; the next process sets them again when it is",
            removed == 1 ? "1 virtual address" : fmt::format("{} virtual addresses", removed), silent);
        if (failures->empty()) return {};
        const auto& first = addresses.at(failures->front().index);
        return fail_system(first.prefix.to_string() + " on " + first.interface, failures->front().sys_errno);
    }

    Runtime& runtime_;
    Instant began_;
    boost::asio::steady_timer timer_;
    config::Config config_;
};

}  // namespace

RoleTraits address_release_traits() {
    return {
        .capabilities = {CAP_NET_ADMIN}, .calls = {kernel::CallSet::Schedule}, .kind = Kind::Vrrp, .has_ring = false};
}

std::unique_ptr<Role> make_address_release(Runtime& runtime, std::chrono::milliseconds silent) {
    return std::make_unique<AddressRelease>(runtime, silent);
}

}  // namespace mainstay::role
