#include <fmt/format.h>
#include <netdb.h>

#include <arpa/inet.h>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "ctl.hpp"
#include "mainstay/config/tools/import.hpp"
#include "migrate.hpp"
#include "output.hpp"

namespace mainstay::cli {
namespace {

std::string as_text(const MigrationReport& report) {
    std::string out = "What was found\n";
    for (const auto& line : report.found) out += "- " + line + "\n";
    out += "\nWhat differs\n";
    for (const auto& difference : report.differs) {
        out += "- " + difference.what + "\n";
        if (!difference.fix.empty()) out += "  fix: " + difference.fix + "\n";
    }
    out += "\nWhat to do\n";
    std::size_t number = 0;
    for (const auto& step : report.steps) out += fmt::format("{}. {}\n", ++number, step);
    return out;
}

std::string as_json_text(const MigrationReport& report) {
    auto differs = nlohmann::ordered_json::array();
    for (const auto& difference : report.differs)
        differs.push_back({{"what", difference.what}, {"fix", difference.fix}});
    return nlohmann::ordered_json{{"can_run", report.can_run},
                                  {"found", report.found},
                                  {"differs", std::move(differs)},
                                  {"steps", report.steps}}
               .dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
           "\n";
}

// Of /etc/services. There is one thread.
std::optional<std::uint16_t> port_named(std::string_view name, config::Protocol protocol) {
    const auto* entry = ::getservbyname(std::string{name}.c_str(),  // NOLINT(concurrency-mt-unsafe)
                                        protocol == config::Protocol::Udp ? "udp" : "tcp");
    if (entry == nullptr) return std::nullopt;
    return ntohs(static_cast<std::uint16_t>(entry->s_port));
}

// At most one byte more than an import takes, so that it can say so.
std::optional<std::string> input(const std::string& file) {
    std::ifstream opened;
    if (file != "-") opened.open(file, std::ios::binary);
    std::istream& from = file == "-" ? std::cin : opened;
    if (!from) return std::nullopt;
    std::string text;
    std::string piece(std::size_t{64} << 10, '\0');
    while (text.size() <= config::kImportBytesMax && from) {
        from.read(piece.data(), static_cast<std::streamsize>(piece.size()));
        text.append(piece, 0, static_cast<std::size_t>(from.gcount()));
    }
    if (from.bad()) return std::nullopt;
    return text;
}

int import_file(const std::string& from, const std::string& file) {
    const auto text = input(file);
    const std::string name = file == "-" ? "standard input" : file;
    if (!text) {
        print_error(fmt::format("mainstayctl: {} cannot be read\n", name));
        return kUnreadable;
    }
    const auto made =
        from == "ldirectord" ? config::read_ldirectord(*text, port_named) : config::read_ipvsadm_rules(*text);
    if (!made) {
        print_error(fmt::format("mainstayctl: {}:{}: {}\n", name, made.error().line, made.error().what));
        return kUnreadable;
    }
    print(made->text);
    for (const auto& lost : made->lost)
        print_error(fmt::format("mainstayctl: {}:{}: not carried over: {}\n", name, lost.line, lost.what));
    return made->lost.empty() ? kSame : kDifferent;
}

}  // namespace

int ctl_migrate(const MigrateOptions& options) {
    if (!options.from.empty()) return import_file(options.from, options.file);
    if (std::error_code failed; !std::filesystem::is_directory(options.root, failed)) {
        print_error(fmt::format("mainstayctl: there is no folder {}\n", options.root));
        return kUnreadable;
    }
    const auto report = evaluate_migration(gather_migrate_facts(options.root));
    print(options.as_json ? as_json_text(report) : as_text(report));
    if (!report.can_run) return kUnreadable;
    return report.differs.empty() ? kSame : kDifferent;
}

}  // namespace mainstay::cli
