// Messages from the roles: authorization.hpp decides whether a role may send them, the handlers here act on them. A
// role that sends a forbidden message is killed and restarted with the usual back-off.
#include <algorithm>
#include <bit>
#include <csignal>
#include <exception>
#include <string>

#include "impl.hpp"
#include "mainstay/base/overloaded.hpp"
#include "mainstay/kernel/clock.hpp"

namespace mainstay::role {
bool Supervisor::is_allowed(Child& child, Sender sender, const Result<ipc::Received>& received) {
    if (child.offended) return false;
    if (!received) {
        // During an upgrade a role of another version may send kinds of messages that this supervisor does not know.
        if (received.error().code() == Errc::Unsupported && ++child.unknown_messages <= kUnknownMessagesMax) {
            if (child.unknown_messages == 1)
                log_.warning("{} process({}): {}; messages of unknown kinds are ignored", label(child.kind), child.pid,
                             received.error().text());
            return false;
        }
    }
    auto offence = offence_of(sender, received);
    if (!offence && !child.budget.spend(received->message, kernel::monotonic_now())) offence = kFlooded;
    if (!offence) return is_timely(child, sender, received->message);
    kill_offender(child, *offence);
    return false;
}

bool Supervisor::is_timely(Child& child, Sender sender, const ipc::Message& message) {
    Awaited awaited = child.awaited;
    awaited.stopping = phase_ == Phase::Stopping;
    awaited.ready = child.ready;
    const Verdict verdict = judge(sender, message, awaited);
    if (verdict == Verdict::Offence)
        kill_offender(child, std::string{"sent a message "} + row_of(message).name + ", which is not expected now");
    if (verdict != Verdict::Take) return false;
    if (row_of(message).counts != MessageRow::Counts::Request || child.budget.spend_request(kernel::monotonic_now()))
        return true;
    if (std::has_single_bit(++child.requests_ignored))
        log_.warning("{} process({}): too many requests over D-Bus, SNMP or the API or by signals, {} ignored",
                     label(child.kind), child.pid, child.requests_ignored);
    return false;
}

// This logs one line per incarnation; the back-off between restarts bounds their rate.
void Supervisor::kill_offender(Child& child, const std::string& offence) {
    log_.error("{} process({}) {}: killing it (offence {} of this role)", label(child.kind), child.pid, offence,
               ++child.offences);
    child.kill_offender();
}

void Supervisor::on_message(Child& child, Result<ipc::Received> got) {
    if (!is_allowed(child, sender_of(child.kind), got)) return;
    try {
        handle(child, *got);
    } catch (const std::exception& thrown) {
        kill_offender(child, std::string{"sent a message "} + row_of(got->message).name +
                                 " that caused an error: " + thrown.what());
    }
}

void Supervisor::handle(Child& child, ipc::Received& received) {
    auto& descriptor = received.descriptor;
    std::visit(Overloaded{
                   [&](const ipc::Heartbeat& m) { on_heartbeat(child, m); },
                   [&](const ipc::Prepared& m) { child_prepared(child, m); },
                   [&](const ipc::Committed&) { child_committed(child); },
                   [&](const ipc::RunScript& m) { run_script(child, m); },
                   [&](const ipc::FifoLine& m) { write_fifos(child, m.line); },
                   [&](const ipc::ControlRequest& m) { on_control_request(m); },
                   [&](const ipc::SignalReceived& m) { signal_handed_on(label(child.kind), child.pid, m.signal); },
                   [&](const ipc::DumpRequested& m) { state_refreshed(child, m.signal); },
                   [&](const ipc::ReadTraffic&) { relay_read_traffic(); },
                   [&](const ipc::DiscoveryMemory&) { keep_discovery(child, std::move(descriptor)); },
                   [&](const ipc::Rests&) { observer_rests(child, std::move(descriptor)); },
                   [](const ipc::Stopped&) {},  // its exit follows, else stop_step() kills it
                   [&](const auto&) {
                       if (const auto answer = ipc::operator_answer(received.message))
                           operator_answered(child, *answer, descriptor);
                       if (auto question = ipc::operator_question(received.message))
                           relay_for_api(child, std::move(*question));
                   },
               },
               received.message);
}

void Supervisor::run_script(Child& child, const ipc::RunScript& wanted) {
    if (const auto allowed = scripts_->check(child.kind, wanted); !allowed)
        return kill_offender(child,
                             "asked for the script " + wanted.key + ", which is refused: " + allowed.error().text());
    scripts_->run(child.kind, wanted);
}

void Supervisor::write_fifos(Child& child, const std::string& line) {
    const auto allowed = fifos_->check(child.kind, line);
    if (allowed) return fifos_->write(child.kind, line);
    if (allowed.error().code() != Errc::NotFound)
        return kill_offender(child, "sent a FIFO line that is refused: " + allowed.error().text());
    if (std::has_single_bit(++child.refused_lines))
        log_.warning("{} process({}): {}; not written ({} so far)", label(child.kind), child.pid,
                     allowed.error().text(), child.refused_lines);
}

// Does what the corresponding signals do. Requests for a single instance go to the vrrp role.
void Supervisor::on_control_request(const ipc::ControlRequest& wanted) {
    using What = ipc::ControlRequest::What;
    auto& vrrp = child_of(Kind::Vrrp);
    const auto dump = [&](const char* what, int signal) {
        log_.info("{} on {} request", what, wanted.by);
        ask_for_dump(signal);
    };
    if (phase_ == Phase::Stopping) return;
    switch (wanted.what) {
        case What::Reload:
            return request_reload();
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

}  // namespace mainstay::role
