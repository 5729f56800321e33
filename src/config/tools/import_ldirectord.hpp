// What the parts of the import of ldirectord's configuration share: the file as it is written, and the settings that
// hold for one service.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "import_text.hpp"

namespace mainstay::config {

inline constexpr std::uint32_t kImportNumberMax = 86'400 * 31;  // of times, in seconds, and of counts

struct LdirectordSetting {
    std::uint32_t line = 0;
    std::string_view source;      // "checktype=on"; never a password
    std::string_view key, value;  // `value` without the quotes around all of it
};
using LdirectordSettings = std::vector<LdirectordSetting>;

struct LdirectordService {
    LdirectordSetting name;  // virtual or virtual6
    LdirectordSettings settings;
};

struct LdirectordFile {
    LdirectordSettings globals;
    std::vector<LdirectordService> services;
};
[[nodiscard]] std::expected<LdirectordFile, ImportProblem> split_ldirectord(std::string_view text);

// What cannot be carried over, noted as a comment where it belongs.
struct ImportNotes {
    ImportText& out;
    BlockLines& comments;
    void lose(const LdirectordSetting& setting, std::string_view reason) const {
        comments.push_back(out.lose(setting.line, setting.source, reason));
    }
};

// Whether the key means anything among the global settings.
[[nodiscard]] bool counts_outside_virtuals(std::string_view key);

// Looks a key up in a service and then in the global settings; of several the last one holds.
struct LdirectordScope {
    const LdirectordSettings& globals;
    const LdirectordSettings* own;  // null: only the global ones
    [[nodiscard]] const LdirectordSetting* own_setting(std::string_view key) const;
    [[nodiscard]] const LdirectordSetting* find(std::string_view key) const;
    [[nodiscard]] std::string_view text(std::string_view key, std::string_view otherwise = {}) const;
    // A number that is none counts as absent: note_unusable() reports it.
    [[nodiscard]] std::optional<std::uint32_t> number(std::string_view key) const;
    [[nodiscard]] bool yes(std::string_view key, bool otherwise) const;
};

// Reports the settings of one scope that have no meaning for mainstay, or a value that is none.
void note_unusable(const LdirectordSettings& settings, bool global, const ImportNotes& notes);

struct HostAndPort {
    std::string_view host, port;  // without brackets; an absent port is empty
};
[[nodiscard]] HostAndPort split_host(std::string_view text);

// One check for all servers of a service, apart from their own request and receive.
struct LdirectordCheck {
    enum class Kind : std::uint8_t { None, Connect, Ping, Http, Https, Proxy, Dns, Smtp, External } kind = Kind::None;
    bool off = false;             // the servers are not in the table
    std::uint16_t port = 0;       // checkport, or the usual one of the service; 0: the server's
    std::uint32_t timeout = 5;    // seconds
    std::uint32_t failures = 1;   // in a row, until the server counts as failed
    std::uint32_t interval = 10;  // seconds
    std::string command, request, receive, virtualhost;
};
[[nodiscard]] LdirectordCheck check_of(const LdirectordScope& scope, const ServiceToImport& service,
                                       const ImportNotes& notes);

struct LdirectordServer {
    LdirectordSetting setting;
    std::uint16_t port = 0;  // as written; the kernel's may be another one
    std::string_view request, receive;
    bool has_request = false, has_receive = false;
};
// The lines of the check in the block of this server.
[[nodiscard]] BlockLines check_lines(const LdirectordCheck& check, const ServiceToImport& service,
                                     const ServerToImport& server, const LdirectordServer& written,
                                     const ImportNotes& notes);

// The service of one virtual block.
struct ImportedService {
    ServiceToImport service;
    bool usable = true;  // false: only its comments are written
    bool runs_scripts = false, checks_http = false;
};
[[nodiscard]] ImportedService service_of(const LdirectordService& written, const LdirectordFile& file,
                                         const ServicePorts& ports, ImportText& out);

}  // namespace mainstay::config
