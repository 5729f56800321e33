#include "operators.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <vector>

#include "impl.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/kernel/clock.hpp"

namespace mainstay::role {

std::uint64_t OperatorQueue::add(ipc::OperatorQuestion& question, Reply reply) {
    const bool lvs = std::holds_alternative<ipc::ServerQuestion>(question);
    const Kind by = lvs ? Kind::Lvs : Kind::Vrrp;
    const auto waiting = std::ranges::count(waiting_, by, [](const auto& one) { return one.second.by; });
    if (static_cast<std::size_t>(waiting) >= (lvs ? kMostOfLvs : kMostOfVrrp)) {
        reply({0, kRefused, "too many commands wait for their outcome: try again later"}, -1);
        return 0;
    }
    const auto number = next_++;
    std::visit([number](auto& asked) { asked.request = number; }, question);
    const auto until = std::chrono::steady_clock::now() + (lvs ? waits_.for_lvs : waits_.for_vrrp);
    waiting_.emplace(number, Waiting{std::move(reply), by, until});
    arm();
    return number;
}

std::uint64_t OperatorQueue::add(ipc::OperatorQuestion& question, UniqueFd client) {
    return add(question, [to = std::move(client)](const ipc::OperatorAnswered& done, int text) {
        [[maybe_unused]] const auto sent = ipc::send_message(to.get(), done, text);  // the client may have gone
    });
}

void OperatorQueue::answer(Kind by, const ipc::OperatorAnswered& done, int text) {
    const auto found = waiting_.find(done.request);
    if (found != waiting_.end() && found->second.by == by) end(done, text);
}

void OperatorQueue::end(const ipc::OperatorAnswered& done, int text) {
    const auto found = waiting_.find(done.request);
    if (found == waiting_.end()) return;
    Reply reply = std::move(found->second.reply);
    waiting_.erase(found);
    reply(done, text);
}

void OperatorQueue::answer_text(std::uint64_t request, std::int32_t exit_code, const std::string& text) {
    const auto memory = ipc::make_sealed_memfd("answer", std::as_bytes(std::span{text}));
    if (!memory) return refuse(request, memory.error().text());
    end({request, exit_code, {}}, memory->get());
}

template <class Condition>
void OperatorQueue::refuse_all(const Condition& condition, const std::string& problem) {
    std::vector<std::uint64_t> numbers;
    for (const auto& [number, waiting] : waiting_)
        if (condition(waiting)) numbers.push_back(number);
    for (const auto number : numbers) refuse(number, problem);
}

void OperatorQueue::fail_all(const std::string& problem) {
    refuse_all([](const Waiting&) { return true; }, problem);
}

void OperatorQueue::process_died(Kind kind) {
    refuse_all([kind](const Waiting& one) { return one.by == kind; },
               std::string{traits_of(kind).sentence} + " died; see the log");
}

void OperatorQueue::arm() {
    if (waiting_.empty()) return;
    const auto until = [](const auto& one) { return one.second.until; };
    limit_.expires_at(until(*std::ranges::min_element(waiting_, {}, until)));
    limit_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        const auto now = std::chrono::steady_clock::now();
        for (const Kind kind : {Kind::Vrrp, Kind::Lvs})
            refuse_all([&](const Waiting& one) { return one.by == kind && one.until <= now; },
                       std::string{traits_of(kind).sentence} + " does not answer; see the log");
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

void Supervisor::on_operator_question(ipc::OperatorQuestion question, UniqueFd client) {
    if (operators_.add(question, std::move(client)) == 0) return;
    std::visit(
        [this]<class Question>(Question& asked) {
            if constexpr (requires { asked.account; })
                if (const std::string account = one_line(asked.account); !account.empty())
                    asked.by = account + ": " + asked.by;
            carry_out(asked);
        },
        question);
}

// The observer names the client, and is believed as far as the mark says. It may be another process when the outcome is
// known: the number of its own, which the answer has, says whether that is for it.
void Supervisor::relay_for_api(Child& observer, ipc::OperatorQuestion question) {
    const auto own = std::visit([](const auto& asked) { return asked.request; }, question);
    if (!current_.settings.api.operate)
        return observer.send(ipc::OperatorAnswered{own, 2, "[api] operate is not set in mainstay.toml"}, -1, log_);
    const auto number = operators_.add(question, [this, own](ipc::OperatorAnswered done, int text) {
        done.request = own;
        if (auto& to = child_of(Kind::Observer); to.alive()) to.send(done, text, log_);
    });
    if (number == 0) return;
    std::visit(
        [this](auto& asked) {
            asked.by = "API: " + one_line(asked.by, kCallerBytesMax);
            if constexpr (requires { asked.account; }) asked.account.clear();
            carry_out(asked);
        },
        question);
}

void Supervisor::carry_out(const ipc::ServerQuestion& question) {
    auto& lvs = child_of(Kind::Lvs);
    if (phase_ != Phase::Running || !lvs.alive() || !lvs.ready)
        return operators_.refuse(question.request, "the load balancing process is not running");
    lvs.send(question, -1, log_);
}

void Supervisor::carry_out(const ipc::InstanceQuestion& question) {
    const auto request = question.request;
    if (question.verb == Verb::MaintenanceShow) return operators_.answer_text(request, 0, shown(maintenance_.order()));
    if (phase_ != Phase::Running) return operators_.refuse(request, "the daemon is starting or stopping");
    if (!question.dry_run && question.verb == Verb::MaintenanceOn) return begin_maintenance(question);
    if (!question.dry_run && question.verb == Verb::MaintenanceOff) return end_maintenance(question.by, request);
    auto& vrrp = child_of(Kind::Vrrp);
    if (!vrrp.alive() || !vrrp.ready) return operators_.refuse(request, "the VRRP process is not running");
    vrrp.send(question, -1, log_);
}

void Supervisor::begin_maintenance(const ipc::InstanceQuestion& question) {
    const auto request = question.request;
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

void Supervisor::operator_answered(Child& child, const ipc::OperatorAnswered& answer, const UniqueFd& text) {
    if (text)
        if (const auto size = ipc::sealed_size(text.get(), ipc::kTextBytesMax); !size)
            return kill_offender(child, "sent an answer that cannot be read: " + size.error().text());
    operators_.answer(child.kind, answer, text.get());
}

// What the supervisor does for mainstayctl, over its own socket.

void Supervisor::open_own_socket() {
    ControlSocket::Handlers handlers;
    handlers.start = [this](const ipc::Message& question, int control, int control_of_child) {
        if (const auto* wanted = std::get_if<ipc::Upgrade>(&question))
            return start_upgrade_trial(*wanted, control, control_of_child);
        return start_dry_run(std::get<ipc::DryRun>(question), control, control_of_child);
    };
    handlers.upgrade = [this](const std::string& program, const std::string& version, UniqueFd client) {
        upgrade(program, version, std::move(client));
    };
    handlers.upgrade_refused = [this](const std::string& problem) { upgrade_refused(problem); };
    handlers.record = [this](const ipc::RecordQuestion& question) { return record_to_read(question); };
    handlers.reload = [this](const ipc::Reload& wanted, UniqueFd client) { request_reload(wanted, std::move(client)); };
    handlers.operators = [this](ipc::OperatorQuestion question, UniqueFd client) {
        on_operator_question(std::move(question), std::move(client));
    };
    dry_runs_ = std::make_unique<ControlSocket>(loop_, log_, std::move(handlers));
    const auto opened = dry_runs_->open(supervisor_socket());
    if (!opened) log_.warning("mainstayctl reload, upgrade and server will not work: {}", opened.error().text());
}

}  // namespace mainstay::role
