// The three kinds of objects that the watcher observes. Each reports its observations through `report`.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "followed_paths.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/kernel/link_poll.hpp"
#include "mainstay/kernel/process_watch.hpp"
#include "mainstay/vrrp/watch.hpp"

namespace mainstay::role {

using ReportObservation = std::function<void(ipc::Observation)>;

// The interval for reading /proc where the kernel sends no process events.
inline constexpr std::chrono::seconds kProcessPoll{1};
// The interval for reading /proc where the kernel sends process events, to correct lost ones.
inline constexpr std::chrono::seconds kProcessAudit{30};
inline constexpr std::chrono::seconds kLinkPoll{1};

class FileWatcher {
public:
    FileWatcher(boost::asio::io_context& loop, Log& log, ReportObservation report,
                std::vector<vrrp::FileTracker> files);

private:
    struct File {
        vrrp::FileTracker tracker;
        std::optional<std::int64_t> reported;
        std::string complaint;  // logged last; not repeated
    };
    void look(File& file);
    void complain(File& file, const std::string& text);

    Log& log_;
    ReportObservation report_;
    std::vector<File> files_;
    std::optional<FollowedPaths> paths_;
};

class ProcessWatcher {
public:
    ProcessWatcher(boost::asio::io_context& loop, Log& log, ReportObservation report, const vrrp::WatchPlan& plan);

private:
    void listen();
    void size_event_buffer(const vrrp::WatchPlan& plan);
    void take(const std::vector<netlink::ProcessEvent>& events);
    void look_at_all();
    void report_changes();
    void no_events(const std::string& why);

    Log& log_;
    ReportObservation report_;
    vrrp::ProcessTable table_;
    std::optional<kernel::ProcessConnector> connector_;
    boost::asio::posix::stream_descriptor ready_;
    boost::asio::steady_timer timer_;
    bool served_ = false;    // the kernel has answered: it reports process events
    bool resigned_ = false;  // process events are not available, which was logged
};

class LinkWatcher {
public:
    LinkWatcher(boost::asio::io_context& loop, Log& log, ReportObservation report, std::vector<vrrp::PolledLink> links);

private:
    struct Link {
        vrrp::PolledLink link;
        std::optional<std::int64_t> reported;
        std::optional<vrrp::PolledLink::Method> method;
        std::string complaint;
    };
    void look();

    Log& log_;
    ReportObservation report_;
    std::vector<Link> links_;
    std::optional<kernel::LinkPoller> poller_;
    boost::asio::steady_timer timer_;
};

}  // namespace mainstay::role
