// keepalived's dump files, from the configuration without its secrets and from the state blocks. Pure.
#pragma once

#include <map>
#include <string>

#include "mainstay/config/model.hpp"
#include "mainstay/config/schema/schema.hpp"
#include "mainstay/report/status.hpp"

namespace mainstay::report {

struct DumpSource {
    const config::Config& config;
    const VrrpStatus* vrrp = nullptr;  // null: that role does not run
    const LvsStatus* lvs = nullptr;
    std::map<std::string, vrrp::Counters> cleared = {};  // what an instance's statistics count from
    bool json_version_2 = false;
};

// keepalived.stats, to the byte.
[[nodiscard]] std::string dump_stats(const DumpSource& source);
// keepalived.json: compact, documented fields in their order. Empty when there is no instance.
[[nodiscard]] std::string dump_json(const DumpSource& source);
// keepalived.data: the sections in their order; keepalived_check.data and keepalived_parent.data begin in the same way.
[[nodiscard]] std::string dump_data(const DumpSource& source);
[[nodiscard]] std::string dump_check_data(const DumpSource& source);
[[nodiscard]] std::string dump_parent_data(const DumpSource& source);

// Shared by them.
[[nodiscard]] vrrp::Counters counted(const DumpSource& source, const vrrp::InstanceSnapshot& instance);
// "192.168.4.200/24 dev eth0 scope global label eth0:1 set"; host prefixes are not shown.
[[nodiscard]] std::string address_text(const config::VirtualAddress& address, const config::Instance& instance,
                                       bool set);
// One line of a block of lines, as a file would have it: "from 10.0.0.0/8 table 100". `block` has its words.
[[nodiscard]] std::string line_text(const config::Section& line, config::Block block);
[[nodiscard]] std::string vmac_name(const config::Instance& instance);  // empty: it has none

}  // namespace mainstay::report
