#include "operators.hpp"

#include <fmt/format.h>

#include <span>

#include "impl.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/kernel/clock.hpp"

namespace mainstay::role {

std::uint64_t OperatorQueue::add(Reply reply) {
    if (waiting_.size() >= kMost) {
        reply({0, kRefused, "too many commands wait for their outcome: try again later"}, -1);
        return 0;
    }
    const auto number = next_++;
    waiting_.emplace(number, Waiting{std::move(reply), std::chrono::steady_clock::now() + answer_within_});
    if (waiting_.size() == 1) arm();
    return number;
}

std::uint64_t OperatorQueue::add(UniqueFd client) {
    return add([to = std::move(client)](const ipc::InstanceAnswered& done, int text) {
        [[maybe_unused]] const auto sent = ipc::send_message(to.get(), done, text);  // the client may have gone
    });
}

void OperatorQueue::answer(const ipc::InstanceAnswered& done, int text) {
    const auto found = waiting_.find(done.request);
    if (found == waiting_.end()) return;
    Reply reply = std::move(found->second.reply);
    waiting_.erase(found);
    reply(done, text);
}

void OperatorQueue::answer_text(std::uint64_t request, std::int32_t exit_code, const std::string& text) {
    const auto memory = ipc::make_sealed_memfd("answer", std::as_bytes(std::span{text}));
    if (!memory) return refuse(request, memory.error().text());
    answer({request, exit_code, {}}, memory->get());
}

void OperatorQueue::fail_all(const std::string& problem) {
    while (!waiting_.empty()) refuse(waiting_.begin()->first, problem);
}

void OperatorQueue::arm() {
    if (waiting_.empty()) return;
    limit_.expires_at(waiting_.begin()->second.until);
    limit_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        while (!waiting_.empty() && waiting_.begin()->second.until <= std::chrono::steady_clock::now())
            refuse(waiting_.begin()->first, "the VRRP process does not answer; see the log");
        arm();
    });
}

// mainstayctl failover and maintenance. The vrrp role carries them out and knows their outcome, and the lvs role drains
// announced addresses; the supervisor remembers that there is maintenance, because it outlives the roles.

namespace {

using Verb = ipc::InstanceQuestion::Verb;

std::string described(const ipc::MaintenanceOrder& order) {
    return fmt::format("{}, by {}{}", order.until ? "until " + utc_text(*order.until) : "until it is ended", order.by,
                       order.reason.empty() ? "" : ": " + order.reason);
}

std::string shown(const ipc::MaintenanceOrder& order) {
    if (!order.on) return "maintenance is off\n";
    return fmt::format("maintenance is on since {}, {}\n", utc_text(order.since), described(order));
}

}  // namespace

void Supervisor::on_instance_question(ipc::InstanceQuestion question, UniqueFd client) {
    const auto request = operators_.add(std::move(client));
    if (request == 0) return;
    const std::string account = one_line(question.account);
    if (!account.empty()) question.by = account + ": " + question.by;
    carry_out(std::move(question), request);
}

// The observer names the client, and may be another process when the outcome is known: the number of its request says
// whether the answer is for it.
std::uint64_t Supervisor::request_of_api(Child& observer, std::uint64_t number, std::string& by) {
    if (!current_.settings.api.operate) {
        observer.send(ipc::InstanceAnswered{number, 2, "[api] operate is not set in mainstay.toml"}, -1, log_);
        return 0;
    }
    by = "API: " + one_line(by, kCallerBytesMax);
    return operators_.add([this, number](ipc::InstanceAnswered done, int text) {
        done.request = number;
        if (auto& to = child_of(Kind::Observer); to.alive()) to.send(done, text, log_);
    });
}

void Supervisor::relay_for_api(Child& observer, ipc::InstanceQuestion question) {
    const auto request = request_of_api(observer, question.request, question.by);
    if (request == 0) return;
    question.account.clear();
    carry_out(std::move(question), request);
}

void Supervisor::carry_out(ipc::InstanceQuestion question, std::uint64_t request) {
    question.request = request;
    if (question.verb == Verb::MaintenanceShow) return operators_.answer_text(request, 0, shown(maintenance_.order()));
    if (phase_ != Phase::Running) return operators_.refuse(request, "the daemon is starting or stopping");
    if (!question.dry_run && question.verb == Verb::MaintenanceOn) return begin_maintenance(question, request);
    if (!question.dry_run && question.verb == Verb::MaintenanceOff) return end_maintenance(question.by, request);
    auto& vrrp = child_of(Kind::Vrrp);
    if (!vrrp.alive() || !vrrp.ready) return operators_.refuse(request, "the VRRP process is not running");
    vrrp.send(question, -1, log_);
}

void Supervisor::begin_maintenance(const ipc::InstanceQuestion& question, std::uint64_t request) {
    if (question.seconds < 0 || question.seconds > kMaintenanceSecondsMax)
        return operators_.refuse(request, fmt::format("maintenance lasts at most {} s", kMaintenanceSecondsMax));
    const WallTime now = kernel::wall_now();
    ipc::MaintenanceOrder order{.on = true,
                                .since = maintenance_.order().on ? maintenance_.order().since : now,
                                .until = {},
                                .by = one_line(question.by),
                                .reason = one_line(question.reason),
                                .request = request,
                                .note = {}};
    if (question.seconds > 0) order.until = WallTime{now.unix_us + question.seconds * 1'000'000};
    log_.notice("maintenance begins: this director hands its instances over ({})", described(order));
    if (const auto kept = maintenance_.set(order); !kept) {
        log_.error("maintenance will not survive a restart of the daemon: {}", kept.error().text());
        order.note = "It will not survive a restart of the daemon: " + kept.error().text() + "\n";
    }
    send_maintenance(order);
}

void Supervisor::end_maintenance(const std::string& by, std::uint64_t request) {
    if (!maintenance_.order().on) return operators_.answer_text(request, 0, "maintenance was off already\n");
    log_.notice("maintenance is over ({}): the instances have their configured priorities again", by);
    ipc::MaintenanceOrder order{.by = one_line(by), .reason = {}, .request = request, .note = {}};
    if (const auto removed = maintenance_.set(order); !removed) {
        log_.error("after a restart of the daemon, maintenance would begin again: {}", removed.error().text());
        order.note = "After a restart of the daemon, it would begin again: " + removed.error().text() + "\n";
    }
    send_maintenance(order);
}

// The vrrp process answers the operator, if there is one.
void Supervisor::send_maintenance(ipc::MaintenanceOrder order) {
    const auto request = std::exchange(order.request, 0);
    if (auto& lvs = child_of(Kind::Lvs); lvs.alive()) lvs.send(order, -1, log_);
    order.request = request;
    auto& vrrp = child_of(Kind::Vrrp);
    if (vrrp.alive()) vrrp.send(order, -1, log_);
    if (!vrrp.alive() || !vrrp.ready)
        operators_.answer_text(
            request, 0,
            fmt::format("maintenance is {}; no VRRP process is running now\n{}", order.on ? "on" : "off", order.note));
}

void Supervisor::look_at_maintenance() {
    if (phase_ == Phase::Running && maintenance_.is_over(kernel::wall_now())) end_maintenance("its time is over", 0);
}

void Supervisor::load_maintenance(const ipc::MaintenanceOrder& handed_over) {
    if (const auto loaded = maintenance_.load(paths_.state_directory, kernel::wall_now()); !loaded)
        log_.error("whether this director is in maintenance is not known: {}", loaded.error().text());
    // The program before an upgrade may not have been able to write it.
    if (handed_over.on && !maintenance_.order().on)
        if (const auto kept = maintenance_.set(handed_over); !kept)
            log_.error("maintenance will not survive a restart of the daemon: {}", kept.error().text());
    if (maintenance_.order().on) log_.notice("this director is in maintenance: {}", described(maintenance_.order()));
}

void Supervisor::order_maintenance(Child& child) {
    if (traits_of(child.kind).follows_maintenance && maintenance_.order().on)
        child.send(maintenance_.order(), -1, log_);
}

void Supervisor::instances_answered(Child& child, const ipc::InstanceAnswered& answer, const UniqueFd& text) {
    if (text)
        if (const auto size = ipc::sealed_size(text.get(), ipc::kTextBytesMax); !size)
            return kill_offender(child, "sent an answer that cannot be read: " + size.error().text());
    operators_.answer(answer, text.get());
}

}  // namespace mainstay::role
