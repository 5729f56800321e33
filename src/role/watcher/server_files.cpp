#include "server_files.hpp"

#include <unistd.h>

#include <utility>

#include "mainstay/ipc/discovered.hpp"
#include "mainstay/ipc/shared.hpp"

namespace mainstay::role {

namespace asio = boost::asio;

namespace {

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

}  // namespace

ServerFileWatcher::ServerFileWatcher(asio::io_context& loop, Log& log, Report report,
                                     std::vector<config::ServerFileSource> sources)
    : log_{log},
      report_{std::move(report)},
      ready_{loop},
      retry_{loop},
      pause_{loop},
      slice_{loop},
      unread_{sources.size()} {
    for (auto& source : sources) {
        Source one;
        one.folder = folder_of(source.path);
        one.source = std::move(source);
        sources_.push_back(std::move(one));
    }
    if (sources_.empty()) return;
    auto watch = kernel::FolderWatch::open();
    if (watch) {
        watch_.emplace(std::move(*watch));
        ready_.assign(::dup(watch_->fd()));
        listen();
    } else {
        log_.error("files of real servers are looked at every {} s only: {}",
                   kServerFileAudit * kServerFolderRetry.count(), watch.error().text());
    }
    look_at_folders();
}

void ServerFileWatcher::listen() {
    ready_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
        if (error) return;
        take_events();
        listen();
    });
}

// Any event of the folder counts: a file may be a link to another one, which was replaced.
void ServerFileWatcher::take_events() {
    for (const auto& event : watch_->read()) {
        for (Source& source : sources_) {
            if (!event.lost && source.number != event.folder) continue;
            if (event.gone) source.number.reset();
            if (event.lost || event.gone || source.source.path.ends_with("/" + event.name)) source.dirty = true;
            source.suspect = true;
        }
    }
    bool any = false;
    for (Source& source : sources_) {
        if (std::exchange(source.suspect, false) && !source.dirty)
            source.dirty = kernel::facts_of(source.source.path) != source.seen;
        any = any || source.dirty;
    }
    if (!any || pause_.expiry() > std::chrono::steady_clock::now()) return;
    pause_.expires_after(kServerFilePause);
    pause_.async_wait([this](const boost::system::error_code& error) {
        if (!error) begin_reading();
    });
}

// The folder is watched before the file is read, so that no change is missed in between.
void ServerFileWatcher::look_at_folders() {
    for (Source& source : sources_) {
        if (source.number || !watch_) continue;
        const auto number = watch_->add(source.folder);
        if (!number) continue;
        source.number = *number;
        source.dirty = true;
    }
    if (--looks_until_audit_ == 0) audit();
    begin_reading();
    retry_.expires_after(kServerFolderRetry);
    retry_.async_wait([this](const boost::system::error_code& error) {
        if (!error) look_at_folders();
    });
}

void ServerFileWatcher::audit() {
    looks_until_audit_ = kServerFileAudit;
    for (Source& source : sources_) {
        const auto facts = kernel::facts_of(source.source.path);
        if (facts != source.seen && facts == source.audited) source.dirty = true;
        source.audited = facts;
    }
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
    source.seen = kernel::facts_of(source.source.path);
    const auto text = kernel::read_whole_file(source.source.path, config::kServerFileBytesMax);
    auto servers = text ? config::read_server_file(*text, source.source)
                        : Result<config::DiscoveredServers>{std::unexpected{text.error()}};
    auto list = servers ? ipc::encode_sealed("servers", ipc::ServerList{std::move(*servers)})
                        : Result<UniqueFd>{std::unexpected{std::move(servers.error())}};
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
