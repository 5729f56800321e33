#include "followed_paths.hpp"

#include <unistd.h>

#include "mainstay/kernel/scripts.hpp"

namespace mainstay::role {

namespace asio = boost::asio;

FollowedPaths::FollowedPaths(asio::io_context& loop, Log& log, std::vector<std::string> paths, Changed changed)
    : changed_{std::move(changed)}, ready_{loop}, timer_{loop} {
    for (auto& path : paths) paths_.emplace_back().path = std::move(path);
    if (paths_.empty()) return;
    auto notifications = kernel::FolderWatch::open();
    if (notifications) {
        watch_.emplace(std::move(*notifications));
        ready_.assign(::dup(watch_->fd()));
        listen();
    } else {
        log.error("files are looked at every {} s only: {}", kPathLook.count(), notifications.error().text());
    }
    mounts_ = kernel::MountedTypes::read();
    for (Path& path : paths_) (void)has_changed(path);
    look_later();
}

void FollowedPaths::listen() {
    ready_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
        if (error) return;
        take_events();
        listen();
    });
}

// Any event of a folder makes its files suspect: a link on the way may have been turned there.
void FollowedPaths::take_events() {
    for (const auto& event : watch_->read()) {
        for (Path& path : paths_) {
            if (event.lost) path.changed = path.suspect = true;
            for (Place* place : {&path.named, &path.reached}) {
                if (place->folder != event.folder) continue;
                path.suspect = true;
                path.changed = path.changed || event.gone || event.name == place->name;
                if (event.gone) old_folders_.insert(*std::exchange(place->folder, std::nullopt));
            }
        }
    }
    look_at_suspects();
}

void FollowedPaths::look_at_suspects() {
    for (std::size_t i = 0; i < paths_.size(); ++i)
        if (std::exchange(paths_[i].suspect, false) && has_changed(paths_[i])) changed_(i);
    leave_old_folders();
}

void FollowedPaths::look_later() {
    timer_.expires_after(kPathLook);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        mounts_ = kernel::MountedTypes::read();
        for (Path& path : paths_) path.suspect = true;
        look_at_suspects();
        look_later();
    });
}

// While its folders are watched, a file that is being written is reported when it is closed, and not before.
bool FollowedPaths::has_changed(Path& path) {
    const auto facts = kernel::facts_of(path.path, mounts_);
    const bool watched = path.named.folder && path.reached.folder;
    const bool same = facts.has_value() == path.seen.has_value() &&
                      (!facts || (watched ? facts->is_same_file(*path.seen) : *facts == *path.seen));
    const bool changed = std::exchange(path.changed, false) || !same;
    path.seen = facts;
    if (changed || !path.named.folder) watch(path);
    return changed;
}

// The facts are older than the watches, and the content is read after them: whatever changes in between is noticed.
void FollowedPaths::watch(Path& path) {
    if (!watch_ || mounts_.unreported(path.path)) return;
    watch(path.named, path.path);
    watch(path.reached, path.seen ? kernel::real_path(path.path) : path.path);
}

void FollowedPaths::watch(Place& place, const std::string& path) {
    const std::size_t slash = path.rfind('/');
    place.name = path.substr(slash == std::string::npos ? 0 : slash + 1);
    const auto folder = watch_->add(slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash));
    const std::optional<int> number = folder ? std::optional{*folder} : std::nullopt;
    if (place.folder && place.folder != number) old_folders_.insert(*place.folder);
    place.folder = number;
}

void FollowedPaths::leave_old_folders() {
    if (old_folders_.empty()) return;
    for (const Path& path : paths_)
        for (const Place* place : {&path.named, &path.reached})
            if (place->folder) old_folders_.erase(*place->folder);
    for (const int folder : std::exchange(old_folders_, {})) watch_->leave(folder);
}

}  // namespace mainstay::role
