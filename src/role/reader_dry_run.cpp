#include "reader_dry_run.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "mainstay/ipc/channel.hpp"
#include "mainstay/ipc/config_codec.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/role/diagnostic_json.hpp"
#include "mainstay/role/reload_diff.hpp"

namespace mainstay::role {
namespace {

using config::Audience;
using config::Config;
using config::Severity;
using DryRunAs = ipc::Hello::DryRunAs;

constexpr int kNothing = 0, kSomething = 1, kRefused = 2;

// Both sides are put together from the roles' parts, so that what a part leaves out is left out on both.
Config put_together(Config vrrp, Config lvs, Config observer, const ipc::Hello& hello) {
    Config whole = std::move(observer);
    whole.instances = std::move(vrrp.instances);  // with their passwords
    whole.scripts = std::move(vrrp.scripts);
    whole.virtual_servers = std::move(lvs.virtual_servers);
    if (!hello.run_vrrp) {
        whole.instances.clear();
        whole.sync_groups.clear();
        whole.scripts.clear();
    }
    if (!hello.run_lvs) whole.virtual_servers.clear();
    return whole;
}

Result<Config> inherited_part(int fd) {
    const auto bytes = ipc::read_memfd(fd);
    if (!bytes) return std::unexpected{bytes.error()};
    return ipc::decode<Config>(*bytes);
}

Result<Config> running_config(const ipc::Hello& hello) {
    auto vrrp = inherited_part(ipc::inherited::kRunningVrrp);
    auto lvs = inherited_part(ipc::inherited::kRunningLvs);
    auto observer = inherited_part(ipc::inherited::kRunningObserver);
    for (auto* part : {&vrrp, &lvs, &observer})
        if (!*part) return std::unexpected{std::move(part->error()).with("what runs now")};
    return put_together(std::move(*vrrp), std::move(*lvs), std::move(*observer), hello);
}

// mainstay.toml; each of them says when it begins to count.
void compare_settings(const ipc::Hello& hello, const ipc::ReadingDone& done, ReloadDiff& diff) {
    std::vector<std::string> details;
    const auto compare = [&](const char* name, std::uint32_t before, std::uint32_t after, const char* when) {
        if (before != after) details.push_back(fmt::format("{} {} -> {}, {}", name, before, after, when));
    };
    compare("[scripts] notify_wait", hello.notify_wait_seconds, done.notify_wait_seconds, "at once");
    compare("[lvs] audit_interval", hello.audit_seconds, done.audit_seconds, "when its process starts the next time");
    compare("[mail] keep", hello.mail_keep_seconds, done.mail_keep_seconds, "when its process starts the next time");
    if (!details.empty())
        diff.changes.push_back({ReloadChange::Action::Change, "settings", hello.settings_path, std::move(details)});
}

std::string text_of(const ipc::Hello& hello, const config::Loaded& next, const ReloadDiff* diff,
                    const std::vector<std::string>& problems) {
    std::string out = diff != nullptr
                          ? fmt::format("a reload would read {}\n", hello.config_path)
                          : fmt::format("a reload of {} would be refused{}: what runs would go on unchanged\n",
                                        hello.config_path, next.can_run() ? ", since --strict allows no warnings" : "");
    // What refuses it; without a refusal, what mainstayctl config check would say is not repeated.
    const auto worst = next.can_run() ? Severity::Warning : Severity::Fatal;
    std::size_t others = 0;
    for (const auto& diagnostic : next.diagnostics) {
        if (diff == nullptr && diagnostic.severity >= worst)
            out += fmt::format("  {}\n", config::render_line(diagnostic, next));
        else if (diagnostic.severity >= Severity::Warning)
            ++others;
    }
    for (const auto& problem : problems) out += fmt::format("  {}\n", problem);
    if (diff != nullptr) out += as_text(*diff);
    if (others > 0)
        out += fmt::format("{}{} warnings and errors in what it reads: mainstayctl config check {}\n", others,
                           diff == nullptr ? " more" : "", hello.config_path);
    return out;
}

std::string json_of(const ipc::Hello& hello, const config::Loaded& next, const ReloadDiff* diff,
                    const std::vector<std::string>& problems) {
    nlohmann::ordered_json out{
        {"file", hello.config_path}, {"config_id", hello.config_id}, {"refused", diff == nullptr}};
    if (diff != nullptr) out.update(as_json(*diff));
    out["settings_problems"] = problems;
    out["diagnostics"] = as_json(next);
    return json_text(out);
}

}  // namespace

int answer_dry_run(const ipc::Hello& hello, const config::Loaded& next, const ipc::ReadingDone& done,
                   const std::vector<std::string>& problems) {
    const auto answer = [](const ipc::DryRunDone& message, int fd) {
        return ipc::send_message(ipc::inherited::kControl, message, fd) ? 0 : 1;
    };
    const auto running = running_config(hello);
    if (!running) return answer({kRefused, running.error().text()}, -1);
    ReloadDiff diff;
    if (done.can_run) {
        diff = diff_reload(*running, put_together(config::slice(next.config, Audience::Vrrp),
                                                  config::slice(next.config, Audience::Lvs),
                                                  config::slice(next.config, Audience::Observer), hello));
        compare_settings(hello, done, diff);
    }
    const auto* shown = done.can_run ? &diff : nullptr;
    const std::string text =
        hello.dry_run == DryRunAs::Json ? json_of(hello, next, shown, problems) : text_of(hello, next, shown, problems);
    const auto memfd = ipc::make_sealed_memfd("dry-run", std::as_bytes(std::span{text}));
    if (!memfd) return answer({kRefused, memfd.error().text()}, -1);
    return answer({!done.can_run ? kRefused : diff.empty() ? kNothing : kSomething, {}}, memfd->get());
}

}  // namespace mainstay::role
