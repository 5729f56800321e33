#include "notify_fifos.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "authorization.hpp"
#include "mainstay/kernel/notify_fifo.hpp"

namespace mainstay::role {

namespace {

alert::FifoNames names_of(const ipc::HostPlan& plan) {
    alert::FifoNames names;
    if (!plan.fifo_names) return names;
    const auto take = [](auto& to, const auto& from) { to.insert(from.begin(), from.end()); };
    take(names.instances, plan.fifo_names->instances);
    take(names.groups, plan.fifo_names->groups);
    take(names.services, plan.fifo_names->services);
    names.known = true;
    return names;
}

bool has_lines_of(alert::Requester requester, ipc::FifoPlan::Lines lines) {
    using Lines = ipc::FifoPlan::Lines;
    return lines == Lines::All || (lines == Lines::Vrrp) == (requester == alert::Requester::Vrrp);
}

}  // namespace

Result<void> NotifyFifos::check(Kind from, const std::string& line) const {
    auto allowed = alert::check_fifo_line(traits_of(from).requester, line, names_);
    if (!allowed && names_before_.known && alert::check_fifo_line(traits_of(from).requester, line, names_before_))
        return {};
    return allowed;
}

void NotifyFifos::follow(const ipc::HostPlan& plan, const alert::ScriptTable& scripts) {
    names_before_ = std::exchange(names_, names_of(plan));
    auto old = std::exchange(fifos_, {});
    for (const ipc::FifoPlan& wanted : plan.fifos) {
        const auto entry = scripts.find(wanted.script);
        const alert::ScriptEntry script = entry == scripts.end() ? alert::ScriptEntry{} : entry->second;
        const auto same = std::ranges::find_if(old, [&](const auto& fifo) {
            return fifo != nullptr && fifo->fd && fifo->plan == wanted && fifo->script == script &&
                   (script.argv.empty() || fifo->pass_environment == pass_environment_) && is_at_its_path(*fifo);
        });
        if (same != old.end()) {
            fifos_.push_back(std::move(*same));
            continue;
        }
        auto& fifo = *fifos_.emplace_back(std::make_unique<Fifo>(loop_, wanted));
        fifo.script = script;
        fifo.pass_environment = pass_environment_;
    }
    // Old FIFOs are removed before new ones are created, because both may have the same path.
    for (auto& fifo : old)
        if (fifo != nullptr) put_away(*fifo);
    for (auto& fifo : fifos_)
        if (!fifo->fd) open(*fifo, plan.fifo_mode);
}

bool NotifyFifos::is_at_its_path(const Fifo& fifo) {
    struct stat open{}, found{};
    return ::fstat(fifo.fd.get(), &open) == 0 && ::stat(fifo.plan.path.c_str(), &found) == 0 &&
           open.st_dev == found.st_dev && open.st_ino == found.st_ino;
}

std::vector<ipc::HandedFifo> NotifyFifos::hand_over() const {
    std::vector<ipc::HandedFifo> all;
    for (const auto& fifo : fifos_)
        if (fifo->fd) {
            all.push_back({fifo->plan.path, fifo->fd.get(), fifo->created, fifo->pid});
            if (!fifo->waiting.empty())
                log_.warning("FIFO {}: {} lines wait for a reader, and are lost by the upgrade", fifo->plan.path,
                             fifo->waiting.size());
        }
    return all;
}

void NotifyFifos::adopt(const std::vector<ipc::HandedFifo>& handed, const std::function<UniqueFd(int)>& own) {
    for (const auto& fifo : handed) adopted_.push_back({fifo.path, own(fifo.fd), fifo.created, fifo.pid});
}

void NotifyFifos::open(Fifo& fifo, std::uint32_t mode) {
    const auto earlier = std::ranges::find(adopted_, fifo.plan.path, &Adopted::path);
    if (earlier != adopted_.end()) {
        fifo.fd = std::move(earlier->fd);
        fifo.created = earlier->created;
        fifo.pid = earlier->pid;
        adopted_.erase(earlier);
        if (fifo.pid == 0 && !fifo.script.argv.empty()) start_script(fifo);
        return;
    }
    auto opened = kernel::open_notify_fifo(fifo.plan.path, {fifo.plan.uid, fifo.plan.gid}, mode);
    if (!opened) return log_.error("FIFO {} cannot be used: {}", fifo.plan.path, opened.error().text());
    fifo.fd = std::move(opened->fd);
    fifo.created = opened->created;
    if (!fifo.plan.script.empty() && !fifo.script.argv.empty()) start_script(fifo);
}

void NotifyFifos::start_script(Fifo& fifo) {
    const auto path = guard_.path_to_run(fifo.plan.script, fifo.script);
    if (!path) return start_script_later(fifo);
    kernel::ScriptProcess process{*path, fifo.script.argv, {fifo.script.uid, fifo.script.gid}, fifo.script.groups};
    process.argv.push_back(fifo.plan.path);
    process.network_namespace = network_namespace_;
    process.pass_environment = fifo.pass_environment;
    process.umask = umask_;
    const auto pid = kernel::spawn_script(process);
    if (!pid) {
        log_.error("the script that reads {} cannot be started: {}", fifo.plan.path, pid.error().text());
        return start_script_later(fifo);
    }
    fifo.pid = *pid;
    fifo.started = std::chrono::steady_clock::now();
}

void NotifyFifos::start_script_later(Fifo& fifo) {
    const auto lived = std::chrono::steady_clock::now() - fifo.started;
    if (lived >= kFifoScriptStable) fifo.next_pause = kFifoScriptPause;
    fifo.pause.expires_after(fifo.next_pause);
    fifo.next_pause = std::min(fifo.next_pause * 2, kFifoScriptPauseMax);
    fifo.pause.async_wait(fifo.lifetime.when_due([this, &fifo] {
        if (!stopping_) start_script(fifo);
    }));
}

void NotifyFifos::write(Kind from, const std::string& line) {
    for (auto& fifo : fifos_) {
        if (!fifo->fd || !has_lines_of(traits_of(from).requester, fifo->plan.lines)) continue;
        if (fifo->waiting.empty() && is_written(*fifo, line)) continue;
        if (fifo->waiting.size() >= kFifoLinesWaitingMax) {
            ++fifo->lost;
            if (fifo->lost_in_a_row++ == 0)
                log_.warning("FIFO {}: {} lines wait for a reader, and further ones are lost", fifo->plan.path,
                             fifo->waiting.size());
            continue;
        }
        fifo->waiting.push_back(line);
        if (fifo->waiting.size() != 1) continue;
        log_.notice("FIFO {} is full because no process reads it: lines wait", fifo->plan.path);
        wait_for_room(*fifo);
    }
}

// A line has at most PIPE_BUF bytes: it is written whole, or not at all.
bool NotifyFifos::is_written(const Fifo& fifo, const std::string& line) {
    ssize_t written = 0;
    while ((written = ::write(fifo.fd.get(), line.data(), line.size())) < 0 && errno == EINTR) {
    }
    return written == static_cast<ssize_t>(line.size());
}

void NotifyFifos::wait_for_room(Fifo& fifo) {
    UniqueFd same{fifo.room.is_open() ? -1 : ::fcntl(fifo.fd.get(), F_DUPFD_CLOEXEC, 0)};
    if (same) fifo.room.assign(same.release());
    if (!fifo.room.is_open()) {
        log_.error("FIFO {}: {}: lines that do not fit into it are lost", fifo.plan.path,
                   std::generic_category().message(errno));
        fifo.lost += std::exchange(fifo.waiting, {}).size();
        return;
    }
    fifo.room.async_wait(boost::asio::posix::stream_descriptor::wait_write, fifo.lifetime.when_due([this, &fifo] {
        write_waiting(fifo);
        if (!fifo.waiting.empty()) wait_for_room(fifo);
    }));
}

void NotifyFifos::write_waiting(Fifo& fifo) {
    while (!fifo.waiting.empty() && is_written(fifo, fifo.waiting.front())) fifo.waiting.pop_front();
    if (!fifo.waiting.empty()) return;
    fifo.waiting.shrink_to_fit();
    if (const auto lost = std::exchange(fifo.lost_in_a_row, 0); lost != 0)
        log_.notice("FIFO {} accepts lines again: {} lines were lost ({} in total)", fifo.plan.path, lost, fifo.lost);
}

void NotifyFifos::close(Fifo& fifo) {
    fifo.pause.cancel();
    fifo.created = fifo.created && is_at_its_path(fifo);  // otherwise what is there is another's, and stays
    if (!fifo.waiting.empty()) {
        log_.warning("FIFO {} is closed: {} lines that waited for a reader are lost", fifo.plan.path,
                     fifo.waiting.size() + fifo.lost_in_a_row);
        fifo.waiting.clear();
    }
    if (fifo.room.is_open()) fifo.room.close();
    fifo.fd.reset();
}

bool NotifyFifos::ended(const kernel::Ended& process) {
    if (std::erase(leaving_, process.pid) != 0) return true;
    for (auto& fifo : fifos_) {
        if (fifo->pid == 0 || fifo->pid != process.pid) continue;
        fifo->pid = 0;
        if (stopping_) return true;
        log_.warning("the script that reads {} ended ({} {}): restarting it", fifo->plan.path,
                     process.signalled ? "signal" : "exit status", process.status);
        start_script_later(*fifo);
        return true;
    }
    return false;
}

std::size_t NotifyFifos::scripts_running() const {
    return leaving_.size() +
           static_cast<std::size_t>(std::ranges::count_if(fifos_, [](const auto& fifo) { return fifo->pid != 0; }));
}

void NotifyFifos::put_away(Fifo& fifo) {
    close(fifo);
    if (fifo.pid != 0) {
        kernel::terminate_group(fifo.pid, false);
        leaving_.push_back(std::exchange(fifo.pid, 0));
    }
    if (std::exchange(fifo.created, false)) ::unlink(fifo.plan.path.c_str());
}

void NotifyFifos::close_writers() {
    stopping_ = true;
    for (auto& fifo : fifos_) close(*fifo);
}

void NotifyFifos::terminate_scripts() {
    for (const auto& fifo : fifos_)
        if (fifo->pid != 0) kernel::terminate_group(fifo->pid, false);
}

void NotifyFifos::remove() {
    for (auto& fifo : fifos_)
        if (std::exchange(fifo->created, false)) ::unlink(fifo->plan.path.c_str());
}

}  // namespace mainstay::role
