#include "mainstay/kernel/exposed_files.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "mainstay/config/diagnostics/codes.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/config/language/resolver.hpp"
#include "mainstay/config/settings.hpp"
#include "mainstay/config/toml/toml.hpp"
#include "mainstay/kernel/scripts.hpp"

namespace mainstay::kernel {

namespace keyword = config::keyword;

namespace {

using config::Settings;

// Whoever changes it decides what runs as root.
constexpr std::string_view kRunsCommands = "it is used all the same; whoever changes it has commands run as root";
constexpr std::string_view kUsed = "it is used all the same";
constexpr std::string_view kNotUsed = "the daemon does not use it";

struct Named {
    std::string path, use;  // use: "[api] tls_key"; empty: the configuration itself
    Secrecy secrecy = Secrecy::None;
    std::string_view effect = kUsed;
    bool may_grow = false;
    std::uint32_t file = 0;
};

constexpr struct {
    std::string Settings::* path;
    std::string_view use;
    Secrecy secrecy;
} kOfSettings[]{
    {&Settings::api_tls_certificate, "[api] tls_certificate", Secrecy::None},
    {&Settings::api_tls_key, "[api] tls_key", Secrecy::NotForEverybody},
    {&Settings::api_tls_client_ca, "[api] tls_client_ca", Secrecy::None},
    {&Settings::api_credentials, "[api] credentials", Secrecy::NotForEverybody},
    {&Settings::api_peer_token, "[api] peer_token", Secrecy::NotForEverybody},
    {&Settings::api_peer_ca, "[api] peer_ca", Secrecy::None},
    {&Settings::mail_tls_ca, "[mail] tls_ca", Secrecy::None},
    {&Settings::mail_credentials, "[mail] credentials", Secrecy::OwnerOnly},
};

// The daemon uses no secret that others can read.
Named secret_of_settings(std::string path, std::string use, Secrecy secrecy) {
    return {.path = std::move(path),
            .use = std::move(use),
            .secrecy = secrecy,
            .effect = secrecy == Secrecy::None ? kUsed : kNotUsed};
}

void add_settings(std::vector<Named>& all, const config::Loaded& loaded, const std::string& settings_path) {
    std::string text;
    const auto& top = loaded.files.front();
    if (config::is_toml_name(top.path) && config::toml_has_settings(top.text)) {
        text = top.text;
    } else if (auto read = config::read_file(settings_path)) {
        text = std::move(*read);
        all.push_back({.path = settings_path, .use = "the settings", .effect = kRunsCommands});
    }
    const Settings settings = config::read_settings(text, settings_path).settings;
    for (const auto& one : kOfSettings)
        all.push_back(secret_of_settings(settings.*one.path, std::string{one.use}, one.secrecy));
    for (const auto& hook : settings.webhooks) {
        all.push_back(
            secret_of_settings(hook.headers, fmt::format("[[webhook]] {} headers", hook.name), Secrecy::OwnerOnly));
        all.push_back(secret_of_settings(hook.tls_ca, fmt::format("[[webhook]] {} tls_ca", hook.name), Secrecy::None));
    }
}

void add_tls(std::vector<Named>& all, const config::Config& config) {
    const config::Section* block = config::find_section(config.more->sections, keyword::ssl);
    if (block == nullptr) return;
    const std::array<config::KeywordName, 3> parts{keyword::ca, keyword::certificate, keyword::key};
    for (const auto& part : parts) {
        const auto path = config::first_word(block->values, part);
        if (path.empty()) continue;
        all.push_back({.path = path,
                       .use = fmt::format("SSL {}", part.text),
                       .secrecy = part == keyword::key.text ? Secrecy::NotForEverybody : Secrecy::None});
    }
}

config::Diagnostic warning_of(const Named& one, const Exposure& exposure) {
    config::Diagnostic d;
    d.severity = config::Severity::Warning;
    d.rank = config::Rank::None;  // keepalived looks at no mode but a script's
    d.code = static_cast<std::uint16_t>(exposure.is_reading ? config::Code::SecretExposed : config::Code::FileExposed);
    d.place = {one.file, 0, 0, 1};
    d.message = one.use.empty() ? exposure.problem : fmt::format("{}: {}", one.use, exposure.problem);
    d.effect = one.effect;
    d.fix = exposure.fix;
    return d;
}

}  // namespace

ExposedFiles::ExposedFiles(config::Environment& environment, Account account) : account_{account} {
    environment.script_facts = [ask = std::move(environment.script_facts), scripts = scripts_](
                                   const config::Command& command, const config::Global& global) {
        auto facts = ask(command, global);
        const auto runs_as = script_account(command, global);
        const bool as_root = facts.insecure || (runs_as && (runs_as->uid == 0 || runs_as->gid == 0));
        const std::string& name = command.argv.front();
        // With enable_script_security an unsafe script is an error already.
        if (facts.found && as_root && !global.enable_script_security)
            scripts->push_back(name.find('/') == std::string::npos ? facts.resolved : name);
        return facts;
    };
}

void ExposedFiles::report(config::Loaded& loaded, const std::string& settings_path) const {
    if (loaded.files.empty()) return;
    std::vector<Named> all;
    for (std::uint32_t i = 0; i < loaded.files.size(); ++i)
        all.push_back(
            {.path = loaded.files[i].path, .effect = kRunsCommands, .may_grow = loaded.files[i].by_pattern, .file = i});
    for (const std::string& script : *scripts_)
        all.push_back({.path = script, .use = "script " + script, .effect = kRunsCommands});
    add_tls(all, loaded.config);
    add_settings(all, loaded, settings_path);
    std::set<std::string> reported;
    for (const Named& one : all) {
        if (one.path.empty()) continue;
        const auto exposure = exposure_of(one.path, account_, one.secrecy, one.may_grow);
        if (!exposure || !reported.insert(exposure->problem).second) continue;
        // They are sorted by place; that of a whole file comes before its lines.
        const auto next = std::ranges::find_if(loaded.diagnostics, [&](const config::Diagnostic& d) {
            return d.place.file >= one.file && d.place.line > 0;
        });
        loaded.diagnostics.insert(next, warning_of(one, *exposure));
    }
}

namespace {

namespace fs = std::filesystem;

constexpr int kLinksMax = 40;  // as the kernel follows
constexpr std::size_t kNameBytes = 16384;

std::string name_of_user(uid_t uid) {
    std::vector<char> buffer(kNameBytes);
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
        return fmt::format("uid {}", uid);
    return entry.pw_name;
}

std::string name_of_group(gid_t gid) {
    std::vector<char> buffer(kNameBytes);
    ::group entry{};
    ::group* found = nullptr;
    if (::getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
        return fmt::format("gid {}", gid);
    return entry.gr_name;
}

unsigned mode_of(const struct stat& facts) { return facts.st_mode & 07777U; }

// Nobody changes what is mounted read-only here, as Kubernetes mounts its ConfigMaps with mode 0777.
bool is_read_only(const std::string& path) {
    struct statvfs facts{};
    return ::statvfs(path.c_str(), &facts) == 0 && (facts.f_flag & ST_RDONLY) != 0;
}

class Way {
public:
    Way(const Account& account, Secrecy secrecy) : account_{account}, secrecy_{secrecy} {}

    std::optional<Exposure> look(const std::string& path) {
        push(path);
        struct stat root{};
        if (::stat("/", &root) != 0) return std::nullopt;
        if (auto found = of_folder("/", root)) return found;
        while (!rest_.empty()) {
            const std::string name = std::move(rest_.front());
            rest_.pop_front();
            if (name == "..") at_ = at_.substr(0, at_.rfind('/'));
            if (name.empty() || name == "." || name == "..") continue;
            const std::string next = at_ + "/" + name;
            struct stat facts{};
            if (::lstat(next.c_str(), &facts) != 0) return std::nullopt;
            if (S_ISLNK(facts.st_mode)) {
                if (auto found = of_link(next, facts)) return found;
                if (!follow(next)) return std::nullopt;
                continue;
            }
            if (!S_ISDIR(facts.st_mode)) return of_file(next, facts);
            if (auto found = of_folder(next, facts)) return found;
            at_ = next;
        }
        return std::nullopt;
    }

    // Of a folder whose files are used whatever their names.
    [[nodiscard]] std::optional<Exposure> growth(const std::string& folder) const {
        struct stat facts{};
        if (::stat(folder.c_str(), &facts) != 0) return std::nullopt;
        return writers(folder, facts, "add files to");
    }

private:
    void push(const std::string& path) {
        std::vector<std::string> names;
        for (const auto& part : fs::path{path}.relative_path()) names.push_back(part.string());
        rest_.insert(rest_.begin(), names.begin(), names.end());
    }

    bool follow(const std::string& link) {
        std::error_code ec;
        const fs::path target = fs::read_symlink(link, ec);
        if (ec || ++links_ > kLinksMax) return false;
        if (target.is_absolute()) at_.clear();
        push(target.string());
        return true;
    }

    [[nodiscard]] bool is_trusted(uid_t uid) const { return uid == 0 || uid == account_.uid; }

    [[nodiscard]] std::optional<Exposure> owner(const std::string& path, const struct stat& facts) const {
        if (is_trusted(facts.st_uid) || is_read_only(path)) return std::nullopt;
        return Exposure{.problem = fmt::format("{} belongs to {}, who can change it", path, name_of_user(facts.st_uid)),
                        .fix = fmt::format("chown root {}", path)};
    }

    // Others who may write to it. `doing`: "change".
    [[nodiscard]] std::optional<Exposure> writers(const std::string& path, const struct stat& facts,
                                                  std::string_view doing) const {
        const bool all = (facts.st_mode & S_IWOTH) != 0;
        const bool own_group = facts.st_gid == 0 || (account_.uid != 0 && facts.st_gid == account_.gid);
        const bool group = (facts.st_mode & S_IWGRP) != 0 && !own_group;
        if ((!all && !group) || is_read_only(path)) return std::nullopt;
        const auto who = all ? std::string{"everybody"} : "the group " + name_of_group(facts.st_gid);
        return Exposure{.problem = fmt::format("{} can {} {} (mode {:04o})", who, doing, path, mode_of(facts)),
                        .fix = fmt::format("chmod {}{}-w {}", group ? "g" : "", all ? "o" : "", path)};
    }

    [[nodiscard]] std::optional<Exposure> of_folder(const std::string& path, const struct stat& facts) {
        if (auto of_owner = owner(path, facts)) return of_owner;
        auto found = writers(path, facts, "replace files in");
        is_shared_ = found.has_value();
        if ((facts.st_mode & S_ISVTX) != 0) return std::nullopt;
        return found;
    }

    // The owner of a link can replace it only where they may write to the folder.
    [[nodiscard]] std::optional<Exposure> of_link(const std::string& path, const struct stat& facts) const {
        if (!is_shared_ || is_trusted(facts.st_uid)) return std::nullopt;
        return Exposure{
            .problem = fmt::format("{} is a link of {}, who can replace it", path, name_of_user(facts.st_uid)),
            .fix = fmt::format("chown -h root {}", path)};
    }

    [[nodiscard]] std::optional<Exposure> of_file(const std::string& path, const struct stat& facts) const {
        if (auto found = owner(path, facts)) return found;
        if (auto found = writers(path, facts, "change")) return found;
        if (secrecy_ == Secrecy::OwnerOnly && (facts.st_mode & (S_IRWXG | S_IRWXO)) != 0)
            return Exposure{
                .is_reading = true,
                .problem = fmt::format("others than its owner can read {} (mode {:04o})", path, mode_of(facts)),
                .fix = fmt::format("chmod 600 {}", path)};
        if (secrecy_ != Secrecy::None && (facts.st_mode & S_IROTH) != 0)
            return Exposure{.is_reading = true,
                            .problem = fmt::format("everybody can read {} (mode {:04o})", path, mode_of(facts)),
                            .fix = fmt::format("chmod o-r {}", path)};
        return std::nullopt;
    }

    Account account_;
    Secrecy secrecy_;
    std::string at_;                // the folder, without symbolic links; empty: /
    std::deque<std::string> rest_;  // of the path
    int links_ = 0;
    bool is_shared_ = false;  // others may write to the last folder, which may be sticky
};

}  // namespace

std::optional<Exposure> exposure_of(const std::string& path, const Account& account, Secrecy secrecy, bool may_grow) {
    std::error_code ec;
    const fs::path absolute = fs::absolute(path, ec);
    if (ec) return std::nullopt;
    Way way{account, secrecy};
    if (auto found = way.look(absolute.string())) return found;
    return may_grow ? way.growth(absolute.parent_path().string()) : std::nullopt;
}

}  // namespace mainstay::kernel
