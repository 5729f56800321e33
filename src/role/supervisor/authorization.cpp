#include "authorization.hpp"

#include <algorithm>
#include <bit>
#include <exception>
#include <string>
#include <variant>

#include "children.hpp"
#include "mainstay/kernel/clock.hpp"
#include "mainstay/kernel/signals.hpp"

namespace mainstay::role {

bool may_send(Sender sender, const ipc::Message& message) { return row_of(message).is_sent_by(sender); }

std::optional<std::string> offence_of(Sender sender, const Result<ipc::Received>& received) {
    if (!received) return "sent what cannot be read (" + received.error().text() + ")";
    const auto& row = row_of(received->message);
    if (!row.is_sent_by(sender)) return std::string{"sent a message "} + row.name + ", which it may not send";
    if (received->descriptor && !row.descriptor)
        return std::string{"sent a message "} + row.name + " with a descriptor, though none belongs to it";
    return std::nullopt;
}

namespace {

// The observer relays control requests from D-Bus, SNMP's process writes to columns of its MIB.
bool is_request_of(Sender sender, const ipc::ControlRequest& wanted) {
    using What = ipc::ControlRequest::What;
    const bool of_bus = wanted.what <= What::SendGarp;
    const bool of_snmp = wanted.what >= What::SetPriority && wanted.what <= What::SetLinkbeat;
    return sender == Sender::Observer ? of_bus && wanted.by == "DBus" : of_snmp && wanted.by == "SNMP";
}

Verdict take_if(bool right) { return right ? Verdict::Take : Verdict::Offence; }

}  // namespace

Verdict judge(Sender sender, const ipc::Message& message, const Awaited& awaited) {
    if (const auto* wanted = std::get_if<ipc::ControlRequest>(&message)) {
        if (!is_request_of(sender, *wanted)) return Verdict::Offence;
        return awaited.ready && !awaited.stopping ? Verdict::Take : Verdict::Ignore;
    }
    if (const auto* question = std::get_if<ipc::InstanceQuestion>(&message)) {
        if (question->verb > ipc::InstanceQuestion::Verb::MaintenanceShow) return Verdict::Offence;
        return awaited.ready && !awaited.stopping ? Verdict::Take : Verdict::Ignore;
    }
    if (const auto* received = std::get_if<ipc::SignalReceived>(&message)) {
        if (std::ranges::count(kernel::asking_signals(), received->signal) == 0) return Verdict::Offence;
        return awaited.stopping ? Verdict::Ignore : Verdict::Take;
    }
    if (ipc::is_one_of<ipc::ServerQuestion, ipc::LogLevelQuestion, ipc::Rests>(message))
        return awaited.ready && !awaited.stopping ? Verdict::Take : Verdict::Ignore;
    if (std::holds_alternative<ipc::DumpText>(message))  // what a role has made is not written by root
        return awaited.handed_over ? Verdict::Ignore : Verdict::Offence;
    if (std::holds_alternative<ipc::Stopped>(message)) return take_if(awaited.stopping);
    if (std::holds_alternative<ipc::Committed>(message))
        return awaited.commits > 0 || (awaited.handed_over && !awaited.ready) ? Verdict::Take
               : awaited.handed_over                                          ? Verdict::Ignore
                                                                              : Verdict::Offence;
    if (awaited.handed_over) return Verdict::Take;
    if (const auto* done = std::get_if<ipc::DumpRequested>(&message))
        return take_if(std::ranges::find(awaited.dumps, done->signal) != awaited.dumps.end());
    return Verdict::Take;
}

// A process that sends what it may not is killed, and restarted with the usual back-off.

bool Children::is_allowed(Child& child, Sender sender, const Result<ipc::Received>& received) {
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

bool Children::is_timely(Child& child, Sender sender, const ipc::Message& message) {
    Awaited awaited = child.awaited;
    awaited.stopping = daemon_.is_stopping();
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
void Children::kill_offender(Child& child, const std::string& offence) {
    log_.error("{} process({}) {}: killing it (offence {} of this role)", label(child.kind), child.pid, offence,
               ++child.offences);
    child.kill_offender();
}

void Children::on_message(Child& child, Result<ipc::Received> got) {
    if (!is_allowed(child, sender_of(child.kind), got)) return;
    try {
        handlers_.message(child, *got);
    } catch (const std::exception& thrown) {
        kill_offender(child, std::string{"sent a message "} + row_of(got->message).name +
                                 " that caused an error: " + thrown.what());
    }
}

}  // namespace mainstay::role
