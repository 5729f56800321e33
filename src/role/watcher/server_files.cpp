#include "server_files.hpp"

#include <utility>

#include "mainstay/ipc/discovered.hpp"
#include "mainstay/ipc/shared.hpp"

namespace mainstay::role {

namespace asio = boost::asio;

ServerFileWatcher::ServerFileWatcher(asio::io_context& loop, Log& log, Report report,
                                     std::vector<config::ServerFileSource> sources)
    : report_{std::move(report)}, pause_{loop}, slice_{loop}, unread_{sources.size()} {
    std::vector<std::string> paths;
    for (auto& source : sources) {
        paths.push_back(source.path);
        sources_.emplace_back().source = std::move(source);
    }
    if (sources_.empty()) return;
    paths_.emplace(loop, log, std::move(paths), [this](std::size_t changed) { note_change(sources_[changed]); });
    begin_reading();
}

void ServerFileWatcher::note_change(Source& source) {
    source.dirty = true;
    if (pause_.expiry() > std::chrono::steady_clock::now()) return;
    pause_.expires_after(kServerFilePause);
    pause_.async_wait([this](const boost::system::error_code& error) {
        if (!error) begin_reading();
    });
}

void ServerFileWatcher::begin_reading() {
    if (std::exchange(reading_, true)) return;
    slice_.expires_after(std::chrono::milliseconds{0});
    slice_.async_wait([this](const boost::system::error_code& error) {
        if (!error) read_slice();
    });
}

void ServerFileWatcher::read_slice() {
    reading_ = false;
    const auto end = std::chrono::steady_clock::now() + kServerFileSlice;
    for (std::size_t looked_at = 0; looked_at < sources_.size(); ++looked_at) {
        Source& source = sources_[std::exchange(next_, (next_ + 1) % sources_.size())];
        if (!std::exchange(source.dirty, false)) continue;
        read(source);
        if (std::chrono::steady_clock::now() >= end) return begin_reading();
    }
}

void ServerFileWatcher::read(Source& source) {
    if (!std::exchange(source.read, true)) --unread_;
    const auto text = kernel::read_whole_file(source.source.path, config::kServerFileBytesMax);
    auto servers =
        text ? config::read_server_file(*text, source.source) : Result<config::DiscoveredServers>{error_of(text)};
    auto list = servers ? ipc::encode_sealed("servers", ipc::ServerList{std::move(*servers)})
                        : Result<UniqueFd>{error_of(servers)};
    const std::string key = config::key_of(source.source);
    if (list) {
        source.problem.clear();
        return report_({key, {}}, std::move(*list));
    }
    if (source.problem == list.error().text()) return;
    source.problem = list.error().text();
    report_({key, source.problem}, UniqueFd{});
}

}  // namespace mainstay::role
