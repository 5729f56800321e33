// While no vrrp process runs, and none is started at once, the virtual addresses are taken from this host before
// another router can have taken them over, by another program with the rights of the vrrp role.
#include "impl.hpp"
#include "mainstay/kernel/clock.hpp"

namespace mainstay::role {
namespace {

constexpr const char* kProgram = "mainstayd-yield";

}  // namespace

void Supervisor::begin_address_release() {
    const Child& vrrp = child_of(Kind::Vrrp);
    if (!vrrp_silent_since_ || vrrp.alive() || address_release_.alive() || options_.keep_addresses ||
        phase_ == Phase::Stopping)
        return;
    const auto silent =
        std::chrono::duration_cast<std::chrono::milliseconds>(kernel::monotonic_now() - *vrrp_silent_since_);
    auto process = process_of(vrrp);
    process.executable = program_path(executable_, kProgram);
    process.argv = command_line(kProgram);
    process.argv.insert(process.argv.begin() + 1, std::to_string(silent.count()));
    auto startup = startup_for(Kind::Vrrp, true);
    startup.process_name = kProgram;
    startup.may_schedule = startup.may_lock = startup.has_record = false;
    const auto on_message = [this](const Result<ipc::Received>& received) {
        const auto* prepared = received ? std::get_if<ipc::Prepared>(&received->message) : nullptr;
        if (prepared != nullptr && prepared->refused.empty())
            address_release_.send(ipc::Commit{prepared->generation}, -1, log_);
    };
    if (const auto started = address_release_.start(std::move(process), startup, on_message, log_); !started)
        return log_.error("virtual addresses stay on this host while no VRRP process runs: {}", started.error().text());
    address_release_.send(ipc::Prepare{current_.number}, current_.part(Kind::Vrrp).snapshot.get(), log_);
}

void Supervisor::end_address_release() {
    if (address_release_.alive()) address_release_.kill_offender();
}

bool Supervisor::address_release_ended(const kernel::Ended& how) {
    if (how.pid != address_release_.pid) return false;
    const bool killed = address_release_.offended;
    address_release_.forget();
    if (killed)
        begin_address_release();  // the vrrp process for which it was killed may have died meanwhile
    else if (how.signalled || how.status != 0)
        log_.error("virtual addresses may have stayed on this host while no VRRP process runs: {}",
                   kernel::text_of(how));
    return true;
}

}  // namespace mainstay::role
