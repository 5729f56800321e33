// ldirectord's configuration: lines of KEY = VALUE. Those that are indented belong to the virtual above them. What
// ldirectord 1.186 makes of them was watched from outside.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "config/language/expand.hpp"
#include "import_ldirectord.hpp"

namespace mainstay::config {
namespace {

constexpr std::size_t kGlobalSettingsMax = 1'000;

// A comment begins with # at the start of a line or behind a blank, outside quotes.
std::string_view without_comment(std::string_view line) {
    bool quoted = false;
    for (std::size_t at = 0; at < line.size(); ++at) {
        if (line[at] == '"') quoted = !quoted;
        if (line[at] == '#' && !quoted && (at == 0 || line[at - 1] == ' ' || line[at - 1] == '\t'))
            return line.substr(0, at);
    }
    return line;
}

std::string_view without_quotes(std::string_view value) {
    const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
    return quoted ? value.substr(1, value.size() - 2) : value;
}

bool is_key(std::string_view key) {
    return !key.empty() && std::ranges::all_of(key, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
}

std::optional<LdirectordSetting> setting_of(std::string_view line, std::uint32_t number) {
    const std::string_view text = trimmed(without_comment(line));
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view key = trimmed(text.substr(0, equals));
    if (!is_key(key)) return std::nullopt;
    const std::string_view source = key == "passwd" ? "passwd=***" : key == "secret" ? "secret=***" : text;
    return LdirectordSetting{number, source, key, without_quotes(trimmed(text.substr(equals + 1)))};
}

// Addresses to which mails go, in one text, so that they can be compared.
std::string recipients_of(const LdirectordScope& scope) {
    if (scope.text("emailalertstatus", "all") == "none") return {};
    std::string all{scope.text("emailalert")};
    std::ranges::replace(all, ',', ' ');
    return fmt::format("{}", fmt::join(words_of(all), " "));
}

class Conversion {
public:
    Conversion(const LdirectordFile& file, const ServicePorts& ports) : file_{file}, ports_{ports} {}

    std::expected<Imported, ImportProblem> run() {
        note_unusable(file_.globals, true, {out_, comments_});
        for (const LdirectordService& written : file_.services) {
            add(written, service_of(written, file_, ports_, out_));
            if (servers_ > kImportServersMax)
                return refuse(written, fmt::format("there are more than {} real servers", kImportServersMax));
            if (out_.lost() > kImportLostMax)
                return refuse(written, fmt::format("more than {} settings cannot be carried over", kImportLostMax));
        }
        choose_recipients();
        write();
        return out_.take();
    }

private:
    static std::unexpected<ImportProblem> refuse(const LdirectordService& written, std::string what) {
        return std::unexpected{ImportProblem{written.name.line, std::move(what)}};
    }

    void add(const LdirectordService& written, ImportedService&& made) {
        if (made.usable && !known_.insert(key_of(made.service)).second) {
            made.usable = false;
            made.service.comments.push_back(
                out_.lose(written.name.line, written.name.source, "the service is there already"));
        }
        runs_scripts_ = runs_scripts_ || (made.usable && made.runs_scripts);
        servers_ += made.service.servers.size();
        made_.push_back(std::move(made));
    }

    // keepalived.conf has one list of recipients for all services.
    void choose_recipients() {
        recipients_ = recipients_of({file_.globals, nullptr});
        std::vector<std::string> wanted;
        for (const LdirectordService& written : file_.services)
            wanted.push_back(recipients_of({file_.globals, &written.settings}));
        if (recipients_.empty())
            for (const auto& one : wanted)
                if (!one.empty() && recipients_.empty()) recipients_ = one;
        if (recipients_.empty()) return;
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            auto& service = made_[i].service;
            const LdirectordScope own{file_.globals, &file_.services[i].settings};
            if (wanted[i].empty())
                for (auto& server : service.servers) server.lines.insert(server.lines.begin(), "smtp_alert false");
            else if (const auto* setting = own.own_setting("emailalert");
                     setting != nullptr && wanted[i] != recipients_)
                service.comments.push_back(
                    out_.lose(setting->line, setting->source,
                              fmt::format("keepalived.conf has one list of recipients for all services: {}",
                                          shown(recipients_))));
        }
    }

    void write() {
        out_.comments({"Made by `mainstayctl migrate --from ldirectord`."}, 0);
        if (std::ranges::any_of(made_, &ImportedService::checks_http))
            out_.comments({"HTTP_GET and SSL_GET follow no redirects; ldirectord does: request the last page."}, 0);
        out_.comments(comments_, 0);
        write_global();
        for (ImportedService& made : made_) {
            if (made.usable) {
                out_.service(made.service);
            } else {
                out_.blank();
                out_.comments(made.service.comments, 0);
            }
        }
    }

    void write_global() {
        const LdirectordScope global{file_.globals, nullptr};
        BlockLines lines;
        if (runs_scripts_) lines.insert(lines.end(), {"enable_script_security", "script_user root"});
        if (!recipients_.empty()) add_mails(global, lines);
        if (lines.empty()) return;
        out_.blank();
        out_.comments(mail_comments_, 0);
        lines.insert(lines.begin(), "global_defs {");
        lines.emplace_back("}");
        out_.lines(lines, 0);
    }

    void add_mails(const LdirectordScope& global, BlockLines& lines) {
        BlockLines addresses;
        for (const std::string_view address : words_of(recipients_))
            if (is_plain_word(address) && address.find('@') != std::string_view::npos)
                addresses.emplace_back(address);
            else
                mail_comments_.push_back(out_.lose(line_of("emailalert"), address, "it is no plain mail address"));
        if (addresses.empty()) return;
        lines.emplace_back("notification_email {");
        lines.insert(lines.end(), addresses.begin(), addresses.end());
        lines.emplace_back("}");
        const std::string_view from = global.text("emailalertfrom");
        const auto sender = mail_addresses(from).addresses;
        if (sender.size() == 1 && is_plain_word(sender[0].address) &&
            std::ranges::all_of(words_of(sender[0].name), is_plain_word))
            lines.push_back(fmt::format("notification_email_from {}", to_text(sender[0])));
        else if (!from.empty())
            mail_comments_.push_back(out_.lose(line_of("emailalertfrom"), from, "it is not one mail address"));
        const std::string_view smtp = global.text("smtp");
        if (smtp.empty())
            mail_comments_.emplace_back("ldirectord used the host's own mailer: smtp_server is the host itself");
        const bool usable = is_plain_word(smtp);
        if (!smtp.empty() && !usable)
            mail_comments_.push_back(out_.lose(line_of("smtp"), smtp, "it is neither an address nor a host name"));
        lines.push_back(fmt::format("smtp_server {}", usable ? smtp : "127.0.0.1"));
    }

    std::uint32_t line_of(std::string_view key) const {
        const auto* setting = LdirectordScope{file_.globals, nullptr}.find(key);
        for (std::size_t i = 0; setting == nullptr && i < file_.services.size(); ++i)
            setting = LdirectordScope{file_.globals, &file_.services[i].settings}.find(key);
        return setting == nullptr ? 1 : setting->line;
    }

    const LdirectordFile& file_;
    const ServicePorts& ports_;
    ImportText out_;
    BlockLines comments_, mail_comments_;
    std::vector<ImportedService> made_;
    std::set<ServiceKey> known_;
    std::string recipients_;
    std::size_t servers_ = 0;
    bool runs_scripts_ = false;
};

}  // namespace

HostAndPort split_host(std::string_view text) {
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos) return {text, {}};
        const std::string_view rest = text.substr(close + 1);
        if (!rest.empty() && !rest.starts_with(':')) return {text, {}};
        return {text.substr(1, close - 1), rest.empty() ? rest : rest.substr(1)};
    }
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return {text, {}};
    return {text.substr(0, colon), text.substr(colon + 1)};
}

const LdirectordSetting* LdirectordScope::own_setting(std::string_view key) const {
    if (own == nullptr) return nullptr;
    const auto found = std::find_if(own->rbegin(), own->rend(), [&](const auto& s) { return s.key == key; });
    return found == own->rend() ? nullptr : &*found;
}

const LdirectordSetting* LdirectordScope::find(std::string_view key) const {
    if (const auto* setting = own_setting(key)) return setting;
    return counts_outside_virtuals(key) ? LdirectordScope{globals, &globals}.own_setting(key) : nullptr;
}

std::string_view LdirectordScope::text(std::string_view key, std::string_view otherwise) const {
    const auto* setting = find(key);
    return setting == nullptr ? otherwise : setting->value;
}

std::optional<std::uint32_t> LdirectordScope::number(std::string_view key) const {
    const auto* setting = find(key);
    return setting == nullptr ? std::nullopt : digits_between(setting->value, 1, kImportNumberMax);
}

bool LdirectordScope::yes(std::string_view key, bool otherwise) const {
    const std::string_view value = text(key);
    return value == "yes" || (value != "no" && otherwise);
}

std::expected<LdirectordFile, ImportProblem> split_ldirectord(std::string_view text) {
    LdirectordFile file;
    for (std::uint32_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (trimmed(without_comment(line)).empty()) continue;
        const auto setting = setting_of(line, number);
        if (!setting)
            return std::unexpected{ImportProblem{
                number, fmt::format("'{}' is no line of ldirectord's configuration: it has no KEY = VALUE",
                                    shown(trimmed(line)))}};
        const bool indented = line.front() == ' ' || line.front() == '\t';
        if (setting->key == "virtual" || setting->key == "virtual6")
            file.services.push_back({*setting, {}});
        else if (!indented && file.globals.size() == kGlobalSettingsMax)
            return std::unexpected{
                ImportProblem{number, fmt::format("there are more than {} global settings", kGlobalSettingsMax)}};
        else if (!indented)
            file.globals.push_back(*setting);
        else if (file.services.empty())
            return std::unexpected{ImportProblem{
                number, fmt::format("'{}' is indented, and no virtual is above it", shown(setting->source))}};
        else
            file.services.back().settings.push_back(*setting);
    }
    if (file.services.empty()) return std::unexpected{ImportProblem{1, "there is no virtual in it"}};
    return file;
}

std::expected<Imported, ImportProblem> read_ldirectord(std::string_view text, const ServicePorts& ports) {
    if (text.size() > kImportBytesMax)
        return std::unexpected{ImportProblem{1, fmt::format("it has more than {} MiB", kImportBytesMax >> 20)}};
    auto file = split_ldirectord(text);
    if (!file) return error_of(file);
    return Conversion{*file, ports}.run();
}

}  // namespace mainstay::config
