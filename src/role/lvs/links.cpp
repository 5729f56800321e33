#include "links.hpp"

#include <algorithm>

#include "mainstay/config/keywords.hpp"
#include "role/common/process.hpp"

namespace mainstay::role {

void LvsLinks::open(const config::Global& global) {
    if (ready_) return size_netlink_buffer(netlink_->notification_fd(), global, config::kLvsMonitorBuffer, log_);
    auto opened = kernel::Rtnetlink::open();
    if (!opened) return log_.error("links and addresses cannot be monitored: {}", opened.error().text());
    netlink_.emplace(std::move(*opened));
    size_netlink_buffer(netlink_->notification_fd(), global, config::kLvsMonitorBuffer, log_);
    if (auto read = refresh(); !read) log_.error("{}", read.error().text());
    ready_.emplace(loop_, netlink_->notification_fd());
    watch();
}

void LvsLinks::close() {
    if (ready_) ready_->release();  // the descriptor belongs to the monitor's socket
    ready_.reset();
    netlink_.reset();
    links_.clear();
    addresses_.clear();
}

std::uint32_t LvsLinks::index_of(const std::string& interface) const {
    const auto found = std::ranges::find(links_, interface, [](const auto& entry) { return entry.second.name; });
    return found == links_.end() ? 0 : found->first;
}

std::set<IpAddress> LvsLinks::addresses() const {
    std::set<IpAddress> all;
    for (const auto& [index, list] : addresses_)
        for (const Prefix& prefix : list) all.insert(prefix.address);
    return all;
}

Result<void> LvsLinks::refresh() {
    auto links = netlink_->links();
    if (!links) return error_of(links);
    auto addresses = netlink_->addresses();
    if (!addresses) return error_of(addresses);
    links_.clear();
    addresses_.clear();
    for (auto& link : *links) links_.emplace(link.index, Seen{std::move(link.name), link.up});
    for (auto& address : *addresses) addresses_[address.interface_index].insert(address.prefix);
    return {};
}

void LvsLinks::watch() {
    ready_->async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [this](const boost::system::error_code& error) {
                           if (error || !ready_) return;
                           const auto notifications = netlink_->read_notifications();
                           bool changed = false;
                           if (!notifications)
                               log_.error("{}", notifications.error().text());
                           else
                               for (const auto& one : *notifications) changed = take(one) || changed;
                           watch();
                           if (changed) changed_();
                       });
}

// True when it changes anything.
bool LvsLinks::take(const kernel::RouteNotification& notification) {
    if (const auto* link = std::get_if<kernel::LinkChanged>(&notification)) {
        const Seen now{link->link.name, link->link.up};
        return std::exchange(links_[link->link.index], now) != now;
    }
    if (const auto* gone = std::get_if<kernel::LinkGone>(&notification)) {
        addresses_.erase(gone->index);
        return links_.erase(gone->index) != 0;
    }
    if (const auto* added = std::get_if<kernel::AddressAdded>(&notification))
        return addresses_[added->address.interface_index].insert(added->address.prefix).second;
    if (const auto* removed = std::get_if<kernel::AddressRemoved>(&notification))
        return addresses_[removed->address.interface_index].erase(removed->address.prefix) != 0;
    if (!std::holds_alternative<kernel::NotificationsLost>(notification)) return false;
    log_.warning("netlink notifications were lost: rereading links and addresses");
    if (auto read = refresh(); !read) log_.error("{}", read.error().text());
    return true;
}

}  // namespace mainstay::role
