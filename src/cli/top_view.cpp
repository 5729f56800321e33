#include "status_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "json_view.hpp"

namespace mainstay::cli {
namespace {

using nlohmann::json;

constexpr const char* kNotRead =
    "The traffic of services and servers has not been read yet: ask again in some seconds.\n"
    "The kernel's own counters are shown by: mainstayctl ipvs --stats\n";

struct Busy {
    std::string name, service;
    std::int64_t connections_s = 0, in_bytes_s = 0, out_bytes_s = 0, active = 0, inactive = 0;
};

Busy busy_of(std::string name, const json& traffic, std::string service) {
    return {.name = std::move(name),
            .service = std::move(service),
            .connections_s = number(traffic, "connections_per_s"),
            .in_bytes_s = number(traffic, "in_bytes_per_s"),
            .out_bytes_s = number(traffic, "out_bytes_per_s"),
            .active = number(traffic, "active"),
            .inactive = number(traffic, "inactive")};
}

bool is_busier(const Busy& a, const Busy& b) {
    const auto bytes_a = a.in_bytes_s + a.out_bytes_s, bytes_b = b.in_bytes_s + b.out_bytes_s;
    if (bytes_a != bytes_b) return bytes_a > bytes_b;
    if (a.connections_s != b.connections_s) return a.connections_s > b.connections_s;
    return a.active > b.active;
}

std::string bytes_text(std::int64_t bytes) {
    constexpr std::array<const char*, 5> kByteUnits{"B", "kB", "MB", "GB", "TB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1000 && unit + 1 < kByteUnits.size()) {
        value /= 1000;
        ++unit;
    }
    return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kByteUnits.at(unit));
}

std::string rows_of(std::vector<Busy> all, std::size_t most, const char* title, bool with_service) {
    std::ranges::stable_sort(all, is_busier);
    if (all.size() > most) all.resize(most);
    TableRow head{title, "CONN/S", "IN/S", "OUT/S", "ACTIVE", "INACTIVE"};
    if (with_service) head.emplace_back("SERVICE");
    std::vector<TableRow> rows{std::move(head)};
    for (const auto& one : all) {
        TableRow row{one.name,
                     std::to_string(one.connections_s),
                     bytes_text(one.in_bytes_s),
                     bytes_text(one.out_bytes_s),
                     std::to_string(one.active),
                     std::to_string(one.inactive)};
        if (with_service) row.push_back(one.service);
        rows.push_back(std::move(row));
    }
    return table(rows, "");
}

}  // namespace

Result<std::string> busiest(std::string_view answer, std::size_t most) {
    const auto status = json_object(answer);
    if (!status) return error_of(status);
    std::vector<Busy> services, servers;
    bool known = false;
    for (const auto& service : list(part(*status, "lvs"), "services")) {
        known = known || service.contains("traffic");
        const std::string name = text(service, "name");
        Busy sum = busy_of(name, part(service, "traffic"), {});
        const auto add = [&](std::string server, const json& traffic) {
            const Busy& one = servers.emplace_back(busy_of(std::move(server), traffic, name));
            sum.active += one.active;  // the kernel counts them for servers only
            sum.inactive += one.inactive;
        };
        for (const auto& server : list(service, "servers")) add(text(server, "name"), part(server, "traffic"));
        if (flag(service, "sorry_in_use")) add(text(service, "sorry_server"), part(service, "sorry_server_traffic"));
        services.push_back(std::move(sum));
    }
    if (services.empty()) return std::string{"No services are configured.\n"};
    const auto& lvs = part(*status, "lvs");
    if (!known && lvs.contains("ipvs_available") && !flag(lvs, "ipvs_available"))
        return fmt::format("The traffic of services and servers cannot be read: {}\n", text(lvs, "ipvs_problem"));
    if (!known) return std::string{kNotRead};
    return rows_of(std::move(services), most, "SERVICE", false) + "\n" +
           rows_of(std::move(servers), most, "SERVER", true);
}

}  // namespace mainstay::cli
