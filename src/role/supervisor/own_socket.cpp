// What the supervisor does for mainstayctl, over its own socket.
#include "impl.hpp"

namespace mainstay::role {

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
