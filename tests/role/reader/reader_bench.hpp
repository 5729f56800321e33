// A reader's process, and the test as the supervisor at the other end of its line.
#pragma once

#include "mainstay/role/reader/reader.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include "../role_process.hpp"
#include "mainstay/alert/scripts.hpp"
#include "mainstay/config/members.hpp"
#include "mainstay/ipc/host_plan.hpp"

namespace mainstay::role::test {

using For = ipc::Snapshot::For;
using Lines = std::vector<std::string>;

inline const std::string kGlobal = "global_defs {\nscript_user root\nenable_script_security\n}\n";
inline const std::string kInstance =
    "global_defs {\ndynamic_interfaces\n}\nvrrp_instance VI_1 {\nstate BACKUP\ninterface ms-none\nvirtual_router_id "
    "51\npriority 100\n"
    "virtual_ipaddress {\n10.9.9.9/24\n}\n}\n";
inline const std::string kService =
    "virtual_server 10.9.9.8 80 {\nlb_algo rr\nlb_kind DR\nprotocol TCP\nreal_server 10.1.1.1 80 {\nTCP_CHECK {\n"
    "}\n}\n}\n";
inline const std::string kFatal = "vrrp_instance VI_1 {\nvirtual_router_id\n}\n";
inline const std::string kBfd = "bfd_instance B1 {\nneighbor_ip 10.0.0.2\n}\n";

struct Read {
    ipc::ReadingDone done;
    std::string parts;  // "vrrp lvs- ..." in the order in which they came; a minus: not needed
    std::map<For, UniqueFd> snapshots;
    std::optional<ipc::DryRunDone> report;
    std::string report_text;
    Lines log;

    template <class T>
    [[nodiscard]] T part(For audience) const {
        const auto bytes = ipc::read_memfd(snapshots.at(audience).get());
        REQUIRE(bytes.has_value());
        auto decoded = decode<T>(*bytes);
        REQUIRE(decoded.has_value());
        return std::move(*decoded);
    }
};

struct Bench {
    Folder folder;
    LogLines log{folder / "log"};
    std::string file = folder / "x.conf";
    ipc::RoleStartup startup;
    RoleProcess process;

    explicit Bench(const std::vector<std::pair<int, int>>& inherited = {}) : process{run_reader, inherited} {
        startup.user = "root";
        startup.log_ident = "test";
        startup.log_socket = folder / "log";
        startup.config_path = file;
        startup.settings_path = folder / "mainstay.toml";
        startup.process_name = "test-read";
    }
    void write(const std::string& text) const { std::ofstream{file} << text; }
    void write(const char* name, const std::string& text) const { std::ofstream{folder / name} << text; }

    Read read(const std::string& text, int descriptor = -1) {
        write(text);
        return read_again(descriptor);
    }
    Read read_again(int descriptor = -1) {
        process.send(startup, descriptor);
        Read all;
        static constexpr std::array kNames{"vrrp", "lvs", "observer", "scripts", "bfd", "host", "snmp", "copy"};
        for (;;) {
            auto got = process.hear();
            REQUIRE(got.has_value());
            if (const auto* part = std::get_if<ipc::Snapshot>(&got->message)) {
                all.parts += all.parts.empty() ? "" : " ";
                all.parts +=
                    std::string{kNames.at(static_cast<std::size_t>(part->audience))} + (part->needed ? "" : "-");
                all.snapshots[part->audience] = std::move(got->descriptor);
            } else if (const auto* report = std::get_if<ipc::DryRunDone>(&got->message)) {
                all.report = *report;
                if (got->descriptor) {
                    const auto bytes = ipc::read_memfd(got->descriptor.get());
                    REQUIRE(bytes.has_value());
                    all.report_text.assign(reinterpret_cast<const char*>(bytes->data()), bytes->size());
                }
                if (startup.dry_run != ipc::RoleStartup::DryRunAs::No) break;
            } else {
                all.done = std::get<ipc::ReadingDone>(got->message);
                break;
            }
        }
        all.log = log.read();
        return all;
    }
    // Gives the running snapshots to the next reading.
    void runs(const Read& before) const {
        for (const For part : {For::Vrrp, For::Lvs, For::Observer})
            process.send(ipc::Snapshot{part, true}, before.snapshots.at(part).get());
    }
};

inline std::string contents(const std::string& path) {
    std::ostringstream all;
    all << std::ifstream{path}.rdbuf();
    return all.str();
}

inline bool has(const Lines& lines, const std::string& part) {
    return std::ranges::any_of(lines, [&](const std::string& line) { return line.contains(part); });
}

}  // namespace mainstay::role::test
