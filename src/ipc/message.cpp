#include "mainstay/ipc/message.hpp"

#include <utility>

namespace mainstay::report {

template <class A>
void fields(A& a, ProcessStatus& p) {
    a(p.role, p.ready, p.ends, p.last_end);
}
template <class A>
void fields(A& a, ReloadResults& r) {
    a(r.done, r.refused, r.last_done, r.last_refused, r.last_problem, r.last_changes, r.last_changes_left_out);
}
template <class A>
void fields(A& a, UpgradeRefused& u) {
    a(u.at, u.problem);
}
template <class A>
void fields(A& a, LogLoss& l) {
    a(l.process, l.lines, l.last);
}
template <class A>
void fields(A& a, Supervision& s) {
    a(s.since, s.reloads, s.processes, s.upgrade_refused, s.log_losses);
}

}  // namespace mainstay::report

namespace mainstay::ipc {

template <class A>
void fields(A& a, Prepare& m) {
    a(m.generation);
}
template <class A>
void fields(A& a, Commit& m) {
    a(m.generation);
}
template <class A>
void fields(A& a, Abort& m) {
    a(m.generation);
}
template <class A>
void fields(A&, Stop&) {}
template <class A>
void fields(A& a, ScriptResult& m) {
    a(m.request, m.how, m.status, m.errors);
}
template <class A>
void fields(A& a, ScriptResults& m) {
    a(m.results);
}
template <class A>
void fields(A& a, DumpRequested& m) {
    a(m.signal);
}
template <class A>
void fields(A& a, SignalReceived& m) {
    a(m.signal);
}
template <class A>
void fields(A& a, Heartbeat& m) {
    a(m.log_lines_lost);
}
template <class A>
void fields(A& a, Prepared& m) {
    a(m.generation, m.refused);
}
template <class A>
void fields(A& a, Committed& m) {
    a(m.generation);
}
template <class A>
void fields(A& a, RunScript& m) {
    a(m.request, m.key, m.queue, m.extra, m.removed);
}
template <class A>
void fields(A&, Stopped&) {}
template <class A>
void fields(A&, Rests&) {}
template <class A>
void fields(A& a, RoleStartup& m) {
    a(m.restarted, m.log_ident, m.log_socket, m.log_facility, m.log_console, m.log_level, m.user, m.process_name,
      m.config_path, m.config_id, m.control_socket, m.spool_directory, m.keep_addresses, m.keep_ipvs, m.audit_seconds,
      m.settings_path, m.mail_keep_seconds, m.strict, m.all_include_checks, m.dry_run, m.run_vrrp, m.run_lvs,
      m.notify_wait_seconds, m.spare, m.snmp, m.snmp_socket, m.has_ipvs_namespace, m.net_namespace, m.check_first,
      m.check_log, m.may_schedule, m.may_lock, m.force, m.report, m.in_namespace, m.mail, m.has_record, m.log_journal,
      m.log_json, m.webhooks, m.api, m.log_levels, m.adopt, m.pass_environment, m.has_api_socket, m.upgraded_from,
      m.errors, m.check_dump);
}
template <class A>
void fields(A& a, Snapshot& m) {
    a(m.audience, m.needed);
}
template <class A>
void fields(A& a, DryRun& m) {
    a(m.as_json);
}
template <class A>
void fields(A& a, DryRunDone& m) {
    a(m.exit_code, m.problem, m.lines, m.lines_left_out, m.removed_by_errors);
}
template <class A>
void fields(A& a, ControlRequest& m) {
    a(m.what, m.instance, m.value, m.by);
}
template <class A>
void fields(A&, Retire&) {}
template <class A>
void fields(A& a, Upgrade& m) {
    a(m.program);
}
template <class A>
void fields(A& a, UpgradeDone& m) {
    a(m.problem, m.before, m.after, m.roles);
}
template <class A>
void fields(A& a, UpgradeTrial::Part& m) {
    a(m.kind, m.snapshot, m.block);
}
template <class A>
void fields(A& a, UpgradeTrial& m) {
    a(m.format, m.parts);
}
template <class A>
void fields(A& a, DumpText& m) {
    a(m.what);
}
template <class A>
void fields(A& a, UpgradeChecked& m) {
    a(m.problem, m.version);
}
template <class A>
void fields(A& a, PeerChannel& m) {
    a(m.to);
}
template <class A>
void fields(A& a, BfdState& m) {
    a(m.name, m.up);
}
template <class A>
void fields(A& a, BfdStates& m) {
    a(m.sessions);
}

template <class A>
void fields(A& a, InstanceState& m) {
    a(m.name, m.master);
}
template <class A>
void fields(A& a, InstanceStates& m) {
    a(m.instances);
}
template <class A>
void fields(A& a, FifoLine& m) {
    a(m.line);
}
template <class A>
void fields(A& a, Observation& m) {
    a(m.kind, m.name, m.value);
}
template <class A>
void fields(A& a, Observations& m) {
    a(m.list);
}

template <class A>
void fields(A& a, ServerQuestion& m) {
    a(m.request, m.verb, m.which, m.weight, m.dry_run, m.by, m.expire_persistence, m.seconds, m.reason,
      m.count_connections);
}
template <class A>
void fields(A& a, ServerAnswered& m) {
    a(m.request, m.exit_code, m.problem);
}

template <class A>
void fields(A& a, Reload& m) {
    a(m.force, m.as_json);
}
template <class A>
void fields(A& a, ReloadDone& m) {
    a(m.problem);
}

template <class A>
void fields(A& a, DumpFile& m) {
    a(m.what, m.step);
}

template <class A>
void fields(A& a, SupervisionReport& m) {
    a(m.now);
}
template <class A>
void fields(A&, ReadTraffic&) {}

template <class A>
void fields(A& a, InstanceQuestion& m) {
    a(m.request, m.verb, m.which, m.seconds, m.reason, m.dry_run, m.account, m.by);
}
template <class A>
void fields(A& a, OperatorAnswered& m) {
    a(m.request, m.exit_code, m.problem);
}
template <class A>
void fields(A& a, ApiFile& m) {
    a(m.what, m.problem);
}

template <class A>
void fields(A& a, RecordQuestion& m) {
    a(m.of);
}
template <class A>
void fields(A& a, RecordMemory& m) {
    a(m.problem);
}

template <class A>
void fields(A& a, LogLevelQuestion& m) {
    a(m.request, m.module, m.level, m.by, m.account);
}
template <class A>
void fields(A& a, LogLevelOrder& m) {
    a(m.levels);
}

template <class A>
void fields(A& a, ServerFileRead& m) {
    a(m.source, m.problem);
}
template <class A>
void fields(A&, DiscoveryMemory&) {}

std::optional<OperatorQuestion> operator_question(const Message& message) {
    if (const auto* servers = std::get_if<ServerQuestion>(&message)) return *servers;
    if (const auto* instances = std::get_if<InstanceQuestion>(&message)) return *instances;
    if (const auto* levels = std::get_if<LogLevelQuestion>(&message)) return *levels;
    return std::nullopt;
}

std::optional<OperatorAnswered> operator_answer(const Message& message) {
    if (const auto* former = std::get_if<ServerAnswered>(&message))
        return OperatorAnswered{former->request, former->exit_code, former->problem};
    const auto* answer = std::get_if<OperatorAnswered>(&message);
    return answer == nullptr ? std::nullopt : std::optional{*answer};
}

std::vector<std::byte> encode_message(const Message& message) {
    Encoder encoder;
    encoder(static_cast<std::uint8_t>(message.index()));
    std::visit([&](const auto& body) { encoder(body); }, message);
    return encoder.take();
}

namespace {

template <std::size_t... Kind>
Result<Message> decode_kind(std::size_t kind, std::span<const std::byte> body, std::index_sequence<Kind...>) {
    Result<Message> result = fail(Errc::Unsupported, "a message of an unknown kind");
    const auto try_kind = [&]<std::size_t K>() {
        if (kind != K) return;
        auto decoded = decode<std::variant_alternative_t<K, Message>>(body);
        if (decoded)
            result = Message{std::in_place_index<K>, std::move(*decoded)};
        else
            result = error_of(decoded);
    };
    (try_kind.template operator()<Kind>(), ...);
    return result;
}

}  // namespace

Result<Message> decode_message(std::span<const std::byte> bytes) {
    if (bytes.empty()) return fail(Errc::Invalid, "an empty message");
    return decode_kind(std::to_integer<std::size_t>(bytes[0]), bytes.subspan(1),
                       std::make_index_sequence<std::variant_size_v<Message>>{});
}

}  // namespace mainstay::ipc
