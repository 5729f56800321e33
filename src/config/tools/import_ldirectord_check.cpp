// The checks of ldirectord's virtuals as checks of real servers.
#include <fmt/format.h>

#include <array>
#include <utility>

#include "import_ldirectord.hpp"

namespace mainstay::config {
namespace {

using Kind = LdirectordCheck::Kind;

constexpr std::uint32_t kConnectSeconds = 5, kNegotiateSeconds = 30, kIntervalSeconds = 10, kScriptTimeoutMax = 4'294;

// What a check with checktype=negotiate speaks, by the service's name or the port of the virtual.
struct ProtocolRow {
    std::string_view name;
    std::uint16_t port;
    Kind kind;  // None: mainstay does not speak it
};
constexpr std::array kProtocols{
    ProtocolRow{"ftp", 21, Kind::None},      ProtocolRow{"smtp", 25, Kind::Smtp},
    ProtocolRow{"dns", 53, Kind::Dns},       ProtocolRow{"http", 80, Kind::Http},
    ProtocolRow{"pop", 110, Kind::None},     ProtocolRow{"nntp", 119, Kind::None},
    ProtocolRow{"imap", 143, Kind::None},    ProtocolRow{"ldap", 389, Kind::None},
    ProtocolRow{"https", 443, Kind::Https},  ProtocolRow{"submission", 587, Kind::Smtp},
    ProtocolRow{"ldaps", 636, Kind::None},   ProtocolRow{"imaps", 993, Kind::None},
    ProtocolRow{"pops", 995, Kind::None},    ProtocolRow{"oracle", 1521, Kind::None},
    ProtocolRow{"radius", 1812, Kind::None}, ProtocolRow{"http_proxy", 3128, Kind::Proxy},
    ProtocolRow{"mysql", 3306, Kind::None},  ProtocolRow{"sip", 5060, Kind::None},
    ProtocolRow{"pgsql", 5432, Kind::None},  ProtocolRow{"simpletcp", 0, Kind::None},
};

const ProtocolRow* row_of(std::string_view name, std::uint16_t port) {
    for (const ProtocolRow& row : kProtocols)
        if (name.empty() ? port != 0 && row.port == port : row.name == name) return &row;
    return nullptr;
}

// ldirectord pings the servers of a UDP service instead of connecting.
Kind connecting(const ServiceToImport& service) {
    return service.protocol == Protocol::Udp ? Kind::Ping : Kind::Connect;
}
std::string_view name_of(Kind kind) { return kind == Kind::Ping ? "PING_CHECK" : "TCP_CHECK"; }

class CheckChoice {
public:
    CheckChoice(const LdirectordScope& scope, const ServiceToImport& service, const ImportNotes& notes)
        : scope_{scope}, service_{service}, notes_{notes} {}

    LdirectordCheck run() {
        // A checkinterval of a virtual counts only if ldirectord runs a process for each.
        const LdirectordScope globals{scope_.globals, nullptr};
        const auto& for_interval = scope_.yes("fork", false) ? scope_ : globals;
        check_.interval = for_interval.number("checkinterval").value_or(kIntervalSeconds);
        check_.failures = scope_.number("failurecount").value_or(1);
        choose();
        const bool negotiates =
            check_.kind != Kind::Connect && check_.kind != Kind::Ping && check_.kind != Kind::External;
        const auto connect = scope_.number("checktimeout"), negotiate = scope_.number("negotiatetimeout");
        check_.timeout = negotiates ? negotiate.value_or(connect.value_or(kNegotiateSeconds))
                                    : connect.value_or(negotiate.value_or(kConnectSeconds));
        note_count();
        return std::move(check_);
    }

private:
    void choose() {
        const std::string_view type = scope_.text("checktype", "negotiate");
        const auto* setting = scope_.find("checktype");
        choose_port();
        if (type == "connect") {
            check_.kind = connecting(service_);
        } else if (type == "ping") {
            check_.kind = Kind::Ping;
        } else if (type == "external" || type == "external-perl") {
            choose_script();
        } else if (type == "off") {
            check_.off = true;
            notes_.lose(*setting, "no server is in the table, only the fallback; the servers are comments here");
        } else if (type == "negotiate") {
            choose_protocol();
        } else if (type != "on" && digits_between(type, 1, kImportNumberMax)) {
            choose_protocol();
            if (check_.kind != Kind::None) notes_.lose(*setting, "each check negotiates here; none only connects");
        } else if (type != "on") {
            check_.kind = connecting(service_);
            notes_.lose(*setting, fmt::format("there is no such type; {} stands for it", name_of(check_.kind)));
        }
    }

    void choose_port() {
        const auto* setting = scope_.own_setting("checkport");
        if (setting == nullptr) return;
        const auto port = digits_between(setting->value, 1, UINT16_MAX);
        if (!port) return notes_.lose(*setting, "it is no port number; the server's own port is checked");
        check_.port = static_cast<std::uint16_t>(*port);
    }

    void choose_script() {
        const auto* setting = scope_.own_setting("checkcommand");
        check_.command = setting == nullptr ? "/bin/true" : setting->value;
        if (check_.command.find(' ') == std::string::npos && quoted_command(check_.command)) {
            check_.kind = Kind::External;
            if (scope_.text("checktype") == "external-perl")
                notes_.comments.emplace_back(
                    "external-perl: the script runs as a program of its own, so it begins with #!");
            return;
        }
        check_.kind = connecting(service_);
        notes_.lose(*setting, fmt::format("misc_path takes the absolute path of a program; {} stands for it",
                                          name_of(check_.kind)));
    }

    void choose_protocol() {
        const auto* named = scope_.own_setting("service");
        const std::string_view name = named == nullptr ? std::string_view{} : named->value;
        if (name == "none") return;
        const ProtocolRow* row = row_of(name, service_.endpoint.port);
        if (row == nullptr && named == nullptr) return;  // ldirectord checks nothing then
        check_.request = scope_.text("request");
        check_.receive = scope_.text("receive");
        check_.virtualhost = scope_.text("virtualhost");
        check_.kind = row == nullptr ? Kind::None : row->kind;
        if (check_.kind == Kind::None) {
            check_.kind = connecting(service_);
            const LdirectordSetting& setting = named != nullptr ? *named : service_setting();
            return notes_.lose(setting, fmt::format("no check of mainstay speaks {}; {} stands for it",
                                                    row == nullptr ? "it" : row->name, name_of(check_.kind)));
        }
        if (service_.fwmark != 0 && check_.port == 0) check_.port = row->port;
        note_request();
    }

    LdirectordSetting service_setting() const { return {service_.line, service_.source, "virtual", {}}; }

    // What of request, receive and the like does not fit the kind of check.
    void note_request() {
        const auto* method = scope_.own_setting("httpmethod");
        if (method != nullptr && method->value != "GET") notes_.lose(*method, "HTTP_GET sends GET");
        const auto* receive = scope_.own_setting("receive");
        const bool matches = check_.kind == Kind::Http || check_.kind == Kind::Https || check_.kind == Kind::Proxy;
        if (receive != nullptr && !matches) notes_.lose(*receive, "this check passes with any valid answer");
        const auto* host = scope_.own_setting("virtualhost");
        if (host != nullptr && matches && !is_plain_word(host->value)) {
            notes_.lose(*host, "it is no name of a host");
            check_.virtualhost.clear();
        }
        const auto* request = scope_.own_setting("request");
        if (request == nullptr) return;
        if (check_.kind == Kind::Dns && (!is_plain_word(request->value) || IpAddress::parse(request->value))) {
            notes_.lose(*request, "DNS_CHECK asks for a name; it asks for the root here");
            check_.request.clear();
        }
        if (check_.kind == Kind::Smtp) notes_.lose(*request, "SMTP_CHECK sends no request");
    }

    void note_count() {
        const auto* count = scope_.find("checkcount");
        const auto tries = scope_.number("checkcount").value_or(1);
        if (count == nullptr || tries == 1 || check_.kind != Kind::Ping) return;  // it counts for pings only
        if (check_.failures == 1)
            check_.failures = tries;
        else
            notes_.lose(*count, "failurecount alone decides here");
    }

    const LdirectordScope& scope_;
    const ServiceToImport& service_;
    const ImportNotes& notes_;
    LdirectordCheck check_;
};

void add_retries(const LdirectordCheck& check, BlockLines& lines) {
    lines.push_back(fmt::format("retry {}", check.failures - 1));
    if (check.failures > 1) lines.push_back(fmt::format("delay_before_retry {}", check.interval));
}

// An absolute URL of a server's own request: the check goes to the address in it.
struct Url {
    std::string_view host, port, path;
};
std::optional<Url> url_of(std::string_view request, std::string_view scheme) {
    if (!request.starts_with(scheme)) return std::nullopt;
    request.remove_prefix(scheme.size());
    const std::size_t slash = std::min(request.find('/'), request.size());
    const auto [host, port] = split_host(request.substr(0, slash));
    return Url{host, port, slash == request.size() ? std::string_view{"/"} : request.substr(slash)};
}

class HttpLines {
public:
    HttpLines(const LdirectordCheck& check, const LdirectordServer& written, const ImportNotes& notes)
        : check_{check}, written_{written}, notes_{notes} {}

    // `target`: connect_port, where it is needed.
    BlockLines make(BlockLines target) {
        std::string_view request = written_.has_request ? written_.request : std::string_view{check_.request};
        std::string host = check_.virtualhost;
        const bool tls = check_.kind == Kind::Https;
        const auto url = url_of(request, tls ? "https://" : "http://");
        if (url && check_.kind == Kind::Proxy)
            host = host.empty() && is_plain_word(url->host) ? std::string{url->host} : host;
        else if (url && written_.has_request)
            redirect(*url, target, request, host);
        std::string path{request};
        const bool whole = check_.kind == Kind::Proxy && path.contains("://");
        if (!whole && !path.starts_with('/')) path.insert(0, "/");
        auto quoted = quoted_path(path);
        if (!quoted) notes_.lose(written_.setting, "its request is too long; / is requested");
        BlockLines lines{tls ? "SSL_GET {" : "HTTP_GET {"};
        lines.insert(lines.end(), target.begin(), target.end());
        lines.push_back(fmt::format("connect_timeout {}", check_.timeout));
        add_retries(check_, lines);
        lines.insert(lines.end(), {"http_protocol 1.1", "url {", "path " + quoted.value_or("\"/\"")});
        if (!host.empty()) lines.push_back("virtualhost " + host);
        const std::string_view receive = written_.has_receive ? written_.receive : std::string_view{check_.receive};
        const auto pattern = quoted_pattern(receive);
        if (!pattern) notes_.lose(written_.setting, "its receive is too long for a line");
        if (pattern && !receive.empty()) lines.push_back("regex " + *pattern);
        lines.insert(lines.end(), {"}", "}"});
        return lines;
    }

private:
    void redirect(const Url& url, BlockLines& target, std::string_view& request, std::string& host) {
        const auto address = IpAddress::parse(url.host);
        const auto port = url.port.empty() ? std::optional<std::uint32_t>{check_.kind == Kind::Https ? 443 : 80}
                                           : digits_between(url.port, 1, UINT16_MAX);
        request = url.path;
        if (!address || !port)
            return notes_.lose(written_.setting, "the URL of its request has no address; the server itself is checked");
        target = {fmt::format("connect_ip {}", address->to_string()), fmt::format("connect_port {}", *port)};
        if (host.empty()) host = std::string{url.host};
    }

    const LdirectordCheck& check_;
    const LdirectordServer& written_;
    const ImportNotes& notes_;
};

BlockLines script_lines(const LdirectordCheck& check, const ServiceToImport& service, const ServerToImport& server,
                        const LdirectordServer& written, const ImportNotes& notes) {
    const std::string name = service.fwmark != 0
                                 ? fmt::format("{} 0", service.fwmark)
                                 : fmt::format("{} {}", service.endpoint.address.to_string(), service.endpoint.port);
    const auto command = quoted_command(
        fmt::format("{} {} {} {}", check.command, name, server.endpoint.address.to_string(), written.port));
    if (!command) {
        notes.lose(written.setting, "the command of its check is too long; it is not checked");
        return {};
    }
    BlockLines lines{"MISC_CHECK {", "misc_path " + *command,
                     fmt::format("misc_timeout {}", std::min(check.timeout, kScriptTimeoutMax))};
    add_retries(check, lines);
    lines.insert(lines.end(), {"user root", "}"});
    return lines;
}

}  // namespace

LdirectordCheck check_of(const LdirectordScope& scope, const ServiceToImport& service, const ImportNotes& notes) {
    return CheckChoice{scope, service, notes}.run();
}

BlockLines check_lines(const LdirectordCheck& check, const ServiceToImport& service, const ServerToImport& server,
                       const LdirectordServer& written, const ImportNotes& notes) {
    if (check.kind == Kind::None) return {};
    if (check.kind == Kind::External) return script_lines(check, service, server, written, notes);
    BlockLines target;
    const std::uint16_t port = check.port != 0 ? check.port : written.port;
    if (check.kind != Kind::Ping && port == 0 && server.endpoint.port == 0) {
        notes.lose(written.setting, "it is not checked: neither it nor checkport names a port");
        return {};
    }
    if (check.kind != Kind::Ping && port != 0 && port != server.endpoint.port)
        target.push_back(fmt::format("connect_port {}", port));
    if (check.kind == Kind::Http || check.kind == Kind::Https || check.kind == Kind::Proxy)
        return HttpLines{check, written, notes}.make(std::move(target));
    BlockLines lines;
    lines.emplace_back(check.kind == Kind::Ping   ? "PING_CHECK {"
                       : check.kind == Kind::Dns  ? "DNS_CHECK {"
                       : check.kind == Kind::Smtp ? "SMTP_CHECK {"
                                                  : "TCP_CHECK {");
    lines.insert(lines.end(), target.begin(), target.end());
    lines.push_back(fmt::format("connect_timeout {}", check.timeout));
    add_retries(check, lines);
    if (check.kind == Kind::Dns) {
        lines.emplace_back("type A");
        if (!check.request.empty()) lines.push_back("name " + check.request);
    }
    lines.emplace_back("}");
    return lines;
}

}  // namespace mainstay::config
