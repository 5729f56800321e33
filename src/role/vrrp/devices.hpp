// The VMACs and ipvlans of the vrrp role: creates the devices of the plan (vrrp/devices.hpp), repairs and removes them.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "links.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/ipc/status.hpp"
#include "mainstay/kernel/link_maker.hpp"
#include "mainstay/vrrp/devices.hpp"
#include "mainstay/vrrp/filter.hpp"
#include "saved_settings.hpp"

namespace mainstay::role {

class VrrpDevices {
public:
    explicit VrrpDevices(Log& log) : log_{log}, settings_{log} {}

    // Takes over the devices and settings of a crashed incarnation.
    void adopt(const report::VrrpStatus& previous);
    // After plan(), at a start with --takeover: devices that another program made for the same instances are ours from
    // now on.
    void adopt_found();
    // Computes the devices for this configuration and returns the configuration that the router shall run. Devices that
    // are no longer needed stay until drop_unwanted(), because their addresses are still in use.
    [[nodiscard]] config::Config plan(config::Config config, Links& links);
    // Creates missing devices and repairs changed ones. True when something was done: the notifications about it are
    // pending; read them and call again, at most kRounds times in total.
    static constexpr int kRounds = 3;  // remove conflicting devices, create devices, set their addresses
    bool keep(const Links& links, kernel::Rtnetlink& netlink);
    // Also removes link-local addresses that VMACs no longer need.
    void drop_unwanted(const Links& links, kernel::Rtnetlink& netlink);
    // The VMACs and their parents, including VMACs that are not up yet.
    [[nodiscard]] std::vector<vrrp::IndexedDevice> vmacs() const;
    // Called when a VMAC is created, before it is up and sends anything.
    void before_up(std::function<void()> call) { before_up_ = std::move(call); }
    // At the stop: removes all devices and restores the settings.
    void remove_all(const Links& links);

    [[nodiscard]] const std::vector<vrrp::WantedDevice>& wanted() const { return wanted_; }
    [[nodiscard]] std::uint64_t remade() const { return remade_; }
    [[nodiscard]] std::vector<std::string> ours() const { return {ours_.begin(), ours_.end()}; }
    // Devices that would let two directors hold the same addresses, and why.
    [[nodiscard]] std::vector<report::DeviceKeptDown> kept_down() const;
    [[nodiscard]] const std::vector<report::SavedSetting>& saved_settings() const { return settings_.saved(); }

private:
    // Removes those of our devices that cannot be changed to the desired state, and changes MAC addresses of VMACs.
    [[nodiscard]] bool make_way(const Links& links);
    [[nodiscard]] bool in_the_way(const std::string& name, const Links& links) const;
    [[nodiscard]] bool change_macs(std::vector<const vrrp::WantedDevice*> devices, const Links& links);
    [[nodiscard]] bool make(const vrrp::WantedDevice& device, const kernel::Link& parent, const Links& links,
                            kernel::Rtnetlink& netlink);
    [[nodiscard]] bool follow_vrf(const vrrp::WantedDevice& device, std::uint32_t index, const kernel::Link& parent,
                                  const Links& links);  // true: it was moved
    [[nodiscard]] Result<void> configure(const vrrp::WantedDevice& device, const kernel::Link& parent,
                                         std::uint32_t index, bool fresh, const Links& links);
    [[nodiscard]] bool add_addresses(const vrrp::WantedDevice& device, std::uint32_t index, const kernel::Link& parent,
                                     const Links& links, kernel::Rtnetlink& netlink);
    void restore_default(const std::string& setting);
    [[nodiscard]] Result<void> filters_nothing(const vrrp::WantedDevice& device);
    [[nodiscard]] Result<void> set_mode(const vrrp::WantedDevice& device, const kernel::Link& parent,
                                        std::uint32_t index, bool fresh, const Links& links);
    [[nodiscard]] vrrp::IndexedDevice place_of(const vrrp::WantedDevice& device, std::uint32_t index,
                                               const kernel::Link& parent, const Links& links) const;
    [[nodiscard]] std::vector<IpAddress> own_addresses(const Links& links, std::uint32_t index) const;
    // Opened when it is first needed, be it to remove what a crashed process made. Null: it cannot be opened, which is
    // logged once for this device.
    [[nodiscard]] kernel::LinkMaker* maker_for(const std::string& device);
    void drop_devices(const Links& links);
    void prepare_host(const Links& links);
    void put_back_settings();
    void promote(const Links& links);
    void remove(const std::string& name, const Links& links);
    void complain(const std::string& device, const std::string& text);

    Log& log_;
    SavedSettings settings_;
    std::optional<kernel::LinkMaker> maker_;
    std::vector<vrrp::WantedDevice> wanted_;
    std::set<std::string> ours_;  // names of devices that mainstay created
    std::set<std::string> made_;  // created or adopted by this process: a missing one was removed by another program
    std::map<std::string, Links::Identity> prepared_;  // devices whose settings were made, and their parents then
    std::set<std::string> complained_;
    std::map<std::string, std::string> kept_down_;  // device, reason
    std::vector<kernel::Address> unneeded_;
    std::vector<IpAddress> virtuals_, virtuals_before_;            // of this and of the previous configuration; sorted
    std::map<std::string, vrrp::IndexedDevice> places_;            // of devices, and where they are
    std::map<std::string, vrrp::WantedDevice::IpvlanMode> modes_;  // of ipvlans, as they were set by this process
    std::function<void()> before_up_;
    std::uint64_t remade_ = 0;
    bool no_local_igmp_ = false;
    std::map<std::string, Links::Identity> promoted_;  // promote_secondaries: interfaces, and the link that has it
};

// "7", or a name in /etc/iproute2/group.
[[nodiscard]] std::optional<std::uint32_t> interface_group(const std::string& text);

}  // namespace mainstay::role
