// keepalived's dump files, from the configuration without its secrets and from the state blocks. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "mainstay/config/model.hpp"
#include "mainstay/report/status.hpp"
#include "mainstay/vrrp/routing.hpp"

namespace mainstay::report {

struct DumpSource {
    const config::Config& config;
    const VrrpStatus* vrrp = nullptr;  // null: that role does not run
    const LvsStatus* lvs = nullptr;
    std::map<std::string, vrrp::Counters> cleared = {};  // what an instance's statistics count from
    bool json_version_2 = false;
    const BfdStatus* bfd = nullptr;
    Instant now{};                   // by which the deadlines in the state are meant, at ...
    WallTime wall{};                 // ... this time
    std::string host_name = {};      // what mails are from, and say HELO as, where nothing is configured
    std::string net_namespace = {};  // from the command line
};

// keepalived.stats, to the byte.
[[nodiscard]] std::string dump_stats(const DumpSource& source);
// keepalived.json, to the byte: compact, documented fields in their order. Empty when there is no instance.
[[nodiscard]] std::string dump_json(const DumpSource& source);
// keepalived.data: the sections in their order; those of its siblings begin in the same way.
[[nodiscard]] std::string dump_data(const DumpSource& source);
[[nodiscard]] std::string dump_check_data(const DumpSource& source);
[[nodiscard]] std::string dump_bfd_data(const DumpSource& source);
[[nodiscard]] std::string dump_parent_data(const DumpSource& source);

// Shared by them.
[[nodiscard]] vrrp::Counters counted(const DumpSource& source, const vrrp::InstanceSnapshot& instance);
// The instance of this name, which is looked for at `likely` first; null: there is none.
[[nodiscard]] const config::Instance* configured_instance(const config::Config& config, std::string_view name,
                                                          std::size_t likely);
// "192.168.4.200/24 dev eth0 scope global label eth0:1 set"; host prefixes are not shown.
[[nodiscard]] std::string address_text(const config::VirtualAddress& address, const config::Instance& instance,
                                       bool set);
[[nodiscard]] std::string address_text(const config::VirtualAddress& address, const std::string& usual_device,
                                       bool set);
// "prepend 10.1.0.0/16 via inet 10.0.0.1 dev eth0 proto 18", "from 10.0.0.0/8 priority 200 tos 0x0 protocol 18 lookup
// 9"
[[nodiscard]] std::string routing_text(const vrrp::RoutingEntry& entry);
[[nodiscard]] std::string vmac_name(const config::Instance& instance);  // empty: it has none

}  // namespace mainstay::report
