#include "operators.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <vector>

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

Operators::Operators(DaemonState& daemon, Children& children, Reload& reload, Handlers handlers)
    : daemon_{daemon},
      options_{daemon.options},
      log_{daemon.log},
      children_{children},
      reload_{reload},
      handlers_{std::move(handlers)},
      waiting_{daemon.loop},
      socket_{daemon.loop, log_, socket_handlers()},
      dumps_{daemon.loop, log_, dump_handlers()} {}

void Operators::on_question(ipc::OperatorQuestion question, UniqueFd client) {
    if (waiting_.add(question, std::move(client)) == 0) return;
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
void Operators::ask(Child& observer, ipc::OperatorQuestion question) {
    const auto own = std::visit([](const auto& asked) { return asked.request; }, question);
    if (!daemon_.current.settings.api.operate)
        return observer.send(ipc::OperatorAnswered{own, 2, "[api] operate is not set in mainstay.toml"}, -1, log_);
    const auto number = waiting_.add(question, [this, own](ipc::OperatorAnswered done, int text) {
        done.request = own;
        if (auto& to = children_.of(Kind::Observer); to.alive()) to.send(done, text, log_);
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

void Operators::carry_out(const ipc::ServerQuestion& question) {
    auto& lvs = children_.of(Kind::Lvs);
    if (!daemon_.is_running() || !lvs.alive() || !lvs.ready)
        return waiting_.refuse(question.request, "the load balancing process is not running");
    lvs.send(question, -1, log_);
}

void Operators::carry_out(const ipc::InstanceQuestion& question) {
    const auto request = question.request;
    if (question.verb == Verb::MaintenanceShow) return waiting_.answer_text(request, 0, shown(maintenance_.order()));
    if (!daemon_.is_running()) return waiting_.refuse(request, "the daemon is starting or stopping");
    if (question.verb == Verb::MaintenanceOn && (question.seconds < 0 || question.seconds > kMaintenanceSecondsMax))
        return waiting_.refuse(request, fmt::format("maintenance lasts at most {} s", kMaintenanceSecondsMax));
    if (!question.dry_run && question.verb == Verb::MaintenanceOn) return begin_maintenance(question);
    if (question.verb == Verb::MaintenanceOff && (!question.dry_run || !maintenance_.order().on))
        return end_maintenance(question.by, request);
    auto& vrrp = children_.of(Kind::Vrrp);
    if (!vrrp.alive() || !vrrp.ready) return waiting_.refuse(request, "the VRRP process is not running");
    vrrp.send(question, -1, log_);
}

void Operators::begin_maintenance(const ipc::InstanceQuestion& question) {
    const auto request = question.request;
    const WallTime now = kernel::wall_now();
    (void)maintenance_.follow_clock(kernel::monotonic_now(), now);  // of an order before this one
    ipc::MaintenanceOrder order{.on = true,
                                .since = maintenance_.order().on ? maintenance_.order().since : now,
                                .until = {},
                                .by = one_line(question.by),
                                .reason = one_line(question.reason),
                                .request = request,
                                .note = {}};
    if (question.seconds > 0) order.until = WallTime{now.unix_us + question.seconds * 1'000'000};
    log_.notice("{} ({})",
                maintenance_.order().on ? "maintenance goes on"
                : has_instances()       ? "maintenance begins: this director hands its instances over"
                                        : "maintenance begins: announced addresses move to their drain interface",
                described(order));
    if (const auto kept = maintenance_.set(order); !kept) {
        log_.error("maintenance will not survive a restart of the daemon: {}", kept.error().text());
        order.note = "It will not survive a restart of the daemon: " + kept.error().text() + "\n";
    }
    send_maintenance(order);
}

void Operators::end_maintenance(const std::string& by, std::uint64_t request) {
    if (!maintenance_.order().on) return waiting_.answer_text(request, 0, "maintenance was off already\n");
    log_.notice("maintenance is over ({}): {}", by,
                has_instances() ? "the instances have their configured priorities again"
                                : "announced addresses return from their drain interface");
    ipc::MaintenanceOrder order{.by = one_line(by), .reason = {}, .request = request, .note = {}};
    if (const auto removed = maintenance_.set(order); !removed) {
        log_.error("after a restart of the daemon, maintenance would begin again: {}", removed.error().text());
        order.note = "After a restart of the daemon, it would begin again: " + removed.error().text() + "\n";
    }
    send_maintenance(order);
}

bool Operators::has_instances() const { return daemon_.current.part(Kind::Vrrp).needed; }

// The vrrp process answers the operator, if there is one.
void Operators::send_maintenance(ipc::MaintenanceOrder order) {
    const auto request = std::exchange(order.request, 0);
    if (auto& lvs = children_.of(Kind::Lvs); lvs.alive()) lvs.send(order, -1, log_);
    order.request = request;
    auto& vrrp = children_.of(Kind::Vrrp);
    if (vrrp.alive()) vrrp.send(order, -1, log_);
    if (!vrrp.alive() || !vrrp.ready)
        waiting_.answer_text(request, 0,
                             fmt::format("maintenance is {}; {}\n{}", order.on ? "on" : "off",
                                         has_instances() ? "no VRRP process is running now"
                                                         : "no VRRP instance is configured: it is about announced "
                                                           "addresses alone",
                                         order.note));
}

void Operators::load_maintenance(const ipc::MaintenanceOrder& handed_over) {
    if (const auto loaded = maintenance_.load(daemon_.paths.state_directory, kernel::wall_now()); !loaded)
        log_.error("whether this director is in maintenance is not known: {}", loaded.error().text());
    // The program before an upgrade may not have been able to write or to remove the file: what an operator has ordered
    // since its start counts.
    const bool is_ordered = handed_over.on || !handed_over.by.empty();
    if (is_ordered && handed_over != maintenance_.order())
        if (const auto kept = maintenance_.set(handed_over); !kept)
            log_.error("{}: {}",
                       handed_over.on ? "maintenance will not survive a restart of the daemon"
                                      : "after a restart of the daemon, maintenance would begin again",
                       kept.error().text());
    if (maintenance_.order().on) log_.notice("this director is in maintenance: {}", described(maintenance_.order()));
}

void Operators::order_maintenance(Child& child) {
    if (traits_of(child.kind).follows_maintenance && maintenance_.order().on)
        child.send(maintenance_.order(), -1, log_);
}

void Operators::answered(Child& child, const ipc::OperatorAnswered& answer, const UniqueFd& text) {
    if (text)
        if (const auto size = ipc::sealed_size(text.get(), ipc::kTextBytesMax); !size)
            return children_.kill_offender(child, "sent an answer that cannot be read: " + size.error().text());
    waiting_.answer(child.kind, answer, text.get());
}

// Does what the corresponding signals do. Requests for a single instance go to the vrrp role.
void Operators::control(const ipc::ControlRequest& wanted) {
    using What = ipc::ControlRequest::What;
    auto& vrrp = children_.of(Kind::Vrrp);
    const auto dump = [&](const char* what, int signal) {
        log_.info("{} on {} request", what, wanted.by);
        ask_for_dump(signal);
    };
    if (daemon_.is_stopping()) return;
    switch (wanted.what) {
        case What::Reload:
            return reload_.request();
        case What::PrintData:
            return dump("Printing VRRP data", SIGUSR1);
        case What::PrintStats:
            return dump("Printing VRRP stats", SIGUSR2);
        case What::PrintStatsClear:
            return dump("Printing and clearing VRRP stats", SIGRTMAX - 1);
        default:
            break;
    }
    if (vrrp.alive()) vrrp.send(wanted, -1, log_);
}

// The supervisor's own socket, for mainstayctl.

ControlSocket::Handlers Operators::socket_handlers() {
    ControlSocket::Handlers handlers;
    handlers.start = [this](const ipc::Message& question, int control, int control_of_child) {
        if (const auto* wanted = std::get_if<ipc::Upgrade>(&question))
            return handlers_.try_upgrade(*wanted, control, control_of_child);
        return reload_.start_dry_run(std::get<ipc::DryRun>(question), control, control_of_child);
    };
    handlers.upgrade = handlers_.upgrade;
    handlers.upgrade_refused = handlers_.upgrade_refused;
    handlers.record = [this](const ipc::RecordQuestion& question) { return children_.record_to_read(question); };
    handlers.reload = [this](const ipc::Reload& wanted, UniqueFd client) {
        reload_.request(wanted, std::move(client));
    };
    handlers.operators = [this](ipc::OperatorQuestion question, UniqueFd client) {
        on_question(std::move(question), std::move(client));
    };
    return handlers;
}

void Operators::open(const ipc::MaintenanceOrder& handed_over) {
    load_maintenance(handed_over);
    if (const auto opened = socket_.open(daemon_.supervisor_socket()); !opened)
        log_.warning("mainstayctl reload, upgrade and server will not work: {}", opened.error().text());
}

void Operators::stop() {
    socket_.close();
    refuse_all("the daemon is stopping");
}

void Operators::look() {
    if (daemon_.is_running()) look_at_clocks();
    look_at_api_files();
}

void Operators::look_at_clocks() {
    const WallTime wall = kernel::wall_now();
    if (maintenance_.follow_clock(kernel::monotonic_now(), wall)) {
        const auto order = maintenance_.order();
        log_.notice("the clock was set, and maintenance lasts as long as it was to last: {}", described(order));
        if (const auto kept = maintenance_.set(order); !kept)
            log_.error("after a restart of the daemon, maintenance would end at another time: {}", kept.error().text());
        send_maintenance(order);
    }
    if (maintenance_.is_over(wall)) end_maintenance("its time is over", 0);
}

void Operators::process_ended(Kind kind) {
    dumps_.gone(kind);
    waiting_.process_died(kind);
}

bool Operators::ended(const kernel::Ended& how) { return socket_.ended(how) || dumps_.ended(how); }

}  // namespace mainstay::role
