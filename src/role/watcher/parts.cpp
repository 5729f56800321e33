#include "parts.hpp"

#include <unistd.h>

#include <algorithm>
#include <climits>

#include "mainstay/kernel/scheduling.hpp"
#include "mainstay/wire/track_value.hpp"

namespace mainstay::role {

namespace asio = boost::asio;
using Seen = ipc::Observation::Kind;

FileWatcher::FileWatcher(asio::io_context& loop, Log& log, ReportObservation report,
                         std::vector<vrrp::FileTracker> files)
    : log_{log}, report_{std::move(report)} {
    std::vector<std::string> paths;
    for (auto& tracker : files) {
        paths.push_back(tracker.path);
        files_.push_back({.tracker = std::move(tracker), .reported = {}, .complaint = {}});
    }
    paths_.emplace(loop, log, std::move(paths), [this](std::size_t changed) { look(files_[changed]); });
    for (File& file : files_) look(file);
}

void FileWatcher::look(File& file) {
    std::int64_t value = 0;
    const auto text = kernel::read_tracked_file(file.tracker.path);
    if (text) {
        const auto read = wire::read_track_value(*text);
        if (!read) return complain(file, file.tracker.path + " holds a number that does not fit 32 bits: ignored");
        value = *read;
        file.complaint.clear();
    } else if (text.error().code() != Errc::NotFound) {
        complain(file, text.error().text());
    }
    if (file.reported == value) return;
    file.reported = value;
    report_({Seen::File, file.tracker.name, value});
}

void FileWatcher::complain(File& file, const std::string& text) {
    if (file.complaint != text) log_.warning("track_file {}: {}", file.tracker.name, text);
    file.complaint = text;
}

ProcessWatcher::ProcessWatcher(asio::io_context& loop, Log& log, ReportObservation report, const vrrp::WatchPlan& plan)
    : log_{log}, report_{std::move(report)}, table_{plan.processes}, ready_{loop}, timer_{loop} {
    if (plan.processes.empty()) return;
    if (kernel::processes_are_hidden(::getegid()))
        log_.warning(
            "track_process: /proc hides the processes of other accounts (hidepid), which are not counted: let this "
            "account see them (mount -o remount,gid={} /proc)",
            ::getegid());
    auto connector = kernel::ProcessConnector::open();
    if (connector) {
        connector_.emplace(std::move(*connector));
        size_event_buffer(plan);
        ready_.assign(::dup(connector_->fd()));
        listen();
    } else {
        no_events(connector.error().text());
    }
    look_at_all();
}

void ProcessWatcher::size_event_buffer(const vrrp::WatchPlan& plan) {
    if (plan.event_buffer == 0) return;
    const auto bytes = static_cast<int>(std::min<std::uint32_t>(plan.event_buffer, INT_MAX));
    const auto sized = kernel::size_buffer(connector_->fd(), bytes, plan.event_buffer_forced);
    if (!sized) log_.warning("process_monitor_rcv_bufs: {}", sized.error().text());
}

void ProcessWatcher::listen() {
    ready_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
        if (error) return;
        const auto events = connector_->read();
        if (events) {
            take(*events);
        } else if (events.error().code() == Errc::Limit) {
            log_.warning("process events were lost: rescanning all processes");
            look_at_all();
        } else {
            connector_.reset();
            served_ = false;
            return no_events(events.error().text());
        }
        listen();
    });
}

void ProcessWatcher::take(const std::vector<netlink::ProcessEvent>& events) {
    using Kind = netlink::ProcessEvent::Kind;
    const bool command = table_.needs_command();
    for (const auto& event : events) {
        switch (event.kind) {
            case Kind::Listening:
                if (event.error != 0) {
                    no_events("the kernel refuses, error " + std::to_string(event.error));
                } else if (!std::exchange(served_, true)) {
                    log_.info("vrrp_track_process: the kernel reports process events");
                    look_at_all();  // what happened before it did
                }
                break;
            case Kind::Fork:
                table_.forked(event.pid, event.child);
                break;
            case Kind::Exec:
            case Kind::Renamed:
                if (const auto seen = kernel::look_at_process(event.pid, command)) table_.seen(event.pid, *seen);
                break;
            case Kind::Exit:
                table_.ended(event.pid);
                break;
        }
    }
    report_changes();
}

void ProcessWatcher::look_at_all() {
    table_.replace(kernel::all_processes(table_.needs_command()));
    report_changes();
    timer_.expires_after(served_ ? kProcessAudit : kProcessPoll);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        if (!served_) no_events("it does not answer in this namespace");
        look_at_all();
    });
}

void ProcessWatcher::no_events(const std::string& why) {
    if (std::exchange(resigned_, true)) return;
    log_.warning(
        "vrrp_track_process: the kernel reports no process events ({}): /proc is read every {} s instead. It reports "
        "them in the initial network, PID and user namespaces only, and with CAP_NET_ADMIN",
        why, kProcessPoll.count());
}

void ProcessWatcher::report_changes() {
    for (const auto& fact : table_.changes()) report_({Seen::Process, fact.process, fact.count});
}

LinkWatcher::LinkWatcher(asio::io_context& loop, Log& log, ReportObservation report,
                         std::vector<vrrp::PolledLink> links)
    : log_{log}, report_{std::move(report)}, timer_{loop} {
    for (auto& link : links) links_.push_back({std::move(link), {}, {}, {}});
    if (links_.empty()) return;
    auto poller = kernel::LinkPoller::open();
    if (!poller) {
        log_.error("links are not polled: {}", poller.error().text());
        return;
    }
    poller_.emplace(std::move(*poller));
    look();
}

void LinkWatcher::look() {
    for (Link& link : links_) {
        const auto answer = poller_->ask(link.link);
        std::int64_t value = -1;
        if (answer) {
            value = answer->up ? 1 : 0;
            if (link.method != answer->method)
                log_.info("The link of {} is polled by {}", link.link.name, kernel::to_string(answer->method));
            link.method = answer->method;
            link.complaint.clear();
        } else if (answer.error().code() != Errc::NotFound && link.complaint != answer.error().text()) {
            link.complaint = answer.error().text();
            log_.warning("The link of {} cannot be polled ({}): using its state from netlink", link.link.name,
                         link.complaint);
        }
        if (link.reported == value) continue;
        link.reported = value;
        report_({Seen::Link, link.link.name, value});
    }
    timer_.expires_after(kLinkPoll);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) look();
    });
}

}  // namespace mainstay::role
