// The lvs role's real servers that files and DNS list: they take the path of a reload, of their services alone.
#include <algorithm>

#include "mainstay/ipc/shared.hpp"
#include "role_impl.hpp"

namespace mainstay::role {

config::Config LvsRole::with_discovered(config::Config config) {
    const auto is_discovered = [](const auto& service) { return !lvs::named_servers(service).empty(); };
    const bool any = std::ranges::any_of(config.virtual_servers, is_discovered);
    names_.follow(config);
    files_.follow(config);
    keep_discovered_soon();
    configured_ = any ? config : config::Config{};
    if (!any) return with_path_checks(std::move(config));
    return with_path_checks(lvs::with_known(std::move(config), known_servers()));
}

lvs::KnownOf LvsRole::known_servers() const {
    return [this](const config::VirtualServer& service, const lvs::NamedServers& named) {
        return named.file ? files_.known(named) : names_.known(service, named);
    };
}

void LvsRole::discovered(const ipc::ServerFileRead& read, UniqueFd servers) {
    files_.on_file_read(read, std::move(servers));
    publish_within(kPublishSoon);
}

// All that change within a moment are one reload: each looks at every service, and a thousand files that are read at
// the start would be a thousand times a thousand looks.
void LvsRole::discovered_changed() {
    if (!started_ || stopping_ || std::exchange(discovered_queued_, true)) return;
    discovered_timer_.expires_after(kDiscoveredSoon);
    discovered_timer_.async_wait(lifetime_.when_due([this] {
        discovered_queued_ = false;
        take_discovered();
    }));
}

void LvsRole::take_discovered() {
    if (stopping_) return;
    carry_out_pending();
    keep_discovered_soon();
    auto changes = needs_all_services() ? std::nullopt : discovered_changes();
    if (changes && changes->empty()) return;  // a reload was faster
    auto accepted = changes ? judge_.accept(std::move(*changes)) : std::nullopt;
    if (accepted) return commit_changes(std::move(*accepted));
    reload(with_path_checks(lvs::with_known(configured_, known_servers())));
}

// The services whose servers have changed. None: the judge has other services than are configured.
std::optional<std::vector<config::ServiceChange>> LvsRole::discovered_changes() const {
    const auto& running = judge_.services();
    if (running.size() != configured_.virtual_servers.size()) return std::nullopt;
    std::vector<config::ServiceChange> changes;
    for (std::size_t i = 0; i < running.size(); ++i) {
        const auto& service = configured_.virtual_servers[i];
        if (lvs::named_servers(service).empty()) continue;
        auto after = lvs::with_known(service, known_servers());
        if (after != running[i]) changes.push_back({i, running[i], std::move(after)});
    }
    return changes;
}

void LvsRole::recall_discovered(UniqueFd saved) {
    const auto bytes = ipc::read_memfd(saved.get(), ipc::kDiscoveredBytesMax);
    auto sources = bytes ? decode<ipc::DiscoveredSources>(*bytes) : error_of(bytes);
    if (!sources) return runtime_.log().warning("the last known real servers are lost: {}", sources.error().text());
    discovered_before_ = std::move(*sources);
}

std::vector<report::DiscoveredStatus> LvsRole::discovered_status() const {
    std::vector<report::DiscoveredStatus> list;
    names_.add_status(list);
    files_.add_status(list);
    std::ranges::sort(list, {}, &report::DiscoveredStatus::source);
    return list;
}

void LvsRole::keep_discovered_soon() {
    if (stopping_ || std::exchange(keep_queued_, true)) return;
    keep_timer_.expires_after(kKeepDiscovered);
    keep_timer_.async_wait(lifetime_.when_due([this] {
        keep_queued_ = false;
        keep_discovered();
    }));
}

void LvsRole::keep_discovered() {
    ipc::DiscoveredSources sources;
    names_.add_saved(sources.list);
    files_.add_saved(sources.list);
    std::erase_if(sources.list, [](const auto& source) { return source.servers.empty(); });
    if (sources.list.empty() && !kept_any_) return;
    kept_any_ = !sources.list.empty();
    auto sealed = ipc::encode_sealed("discovered", sources);
    if (!sealed) return runtime_.log().warning("the known real servers are not kept: {}", sealed.error().text());
    runtime_.send(ipc::DiscoveryMemory{}, sealed->get());
}

}  // namespace mainstay::role
