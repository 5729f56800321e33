// The trial of an upgrade, in the new program: checks that it can load the state of the running daemon.
#include "mainstay/role/supervisor/upgrade_trial.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "mainstay/config/members.hpp"
#include "mainstay/ipc/bfd_status.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/ipc/hand_over.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/ipc/status.hpp"
#include "mainstay/kernel/process.hpp"
#include "mainstay/role/common/identity.hpp"
#include "mainstay/role/supervisor/programs.hpp"

#ifndef MAINSTAY_VERSION
#define MAINSTAY_VERSION "unknown"
#endif

namespace mainstay::role {
namespace {

constexpr int kOrdersWithinMs = 10'000;

template <class T>
Result<void> decodes(const std::vector<std::byte>& bytes) {
    auto decoded = decode<T>(bytes);
    if (!decoded) return error_of(decoded);
    return {};
}

Result<void> load_block(Kind kind, int fd) {
    const auto block = ipc::StateBlock::map(fd, false);
    if (!block) return error_of(block);
    const auto bytes = block->read();
    if (!bytes && bytes.error().code() == Errc::NotFound) return {};  // that role has not run yet
    if (!bytes) return error_of(bytes);
    switch (kind) {
        case Kind::Vrrp:
            return decodes<report::VrrpStatus>(*bytes);
        case Kind::Lvs:
            return decodes<report::LvsStatus>(*bytes);
        case Kind::Observer:
            return decodes<ipc::ObserverStatus>(*bytes);
        case Kind::Bfd:
            return decodes<report::BfdStatus>(*bytes);
        default:
            return {};
    }
}

Result<void> load(const ipc::UpgradeTrial& trial) {
    if (trial.format != ipc::kHandOverFormat)
        return fail(Errc::Unsupported, "the running daemon hands over in format " + std::to_string(trial.format) +
                                           ", this program reads format " + std::to_string(ipc::kHandOverFormat));
    for (const auto& part : trial.parts) {
        const std::string name = Identity{}.process_name(static_cast<Kind>(part.kind));
        if (part.snapshot >= 0) {
            const auto bytes = ipc::read_memfd(part.snapshot);
            if (!bytes) return error_of(bytes, "configuration of " + name);
            if (auto loaded = decodes<config::Config>(*bytes); !loaded)
                return error_of(loaded, "configuration of " + name);
        }
        if (part.block < 0) continue;
        if (auto loaded = load_block(static_cast<Kind>(part.kind), part.block); !loaded)
            return error_of(loaded, "state of " + name);
    }
    return {};
}

// The roles are separate programs beside this one; without them the upgrade would leave no role running.
Result<void> has_programs() {
    const auto own = kernel::own_executable();
    if (!own) return error_of(own);
    for (const char* name : {traits_of(Kind::Vrrp).program, traits_of(Kind::Lvs).program, traits_of(Kind::Bfd).program,
                             traits_of(Kind::Observer).program, kReaderProgram, kWatcherProgram})
        if (const auto path = program_path(*own, name); ::access(path.c_str(), X_OK) != 0)
            return fail_system("program " + path, errno);
    return {};
}

}  // namespace

int run_upgrade_trial() {
    pollfd wait{ipc::inherited::kControl, POLLIN, 0};
    if (::poll(&wait, 1, kOrdersWithinMs) != 1) return 1;
    auto got = ipc::receive_message(ipc::inherited::kControl);
    if (!got || !got->has_value() || !std::holds_alternative<ipc::Received>(**got)) return 1;
    const auto* trial = std::get_if<ipc::UpgradeTrial>(&std::get<ipc::Received>(**got).message);
    if (trial == nullptr) return 1;
    auto loaded = has_programs();
    if (loaded) loaded = load(*trial);
    const ipc::UpgradeChecked answer{loaded ? std::string{} : loaded.error().text(), MAINSTAY_VERSION};
    return ipc::send_message(ipc::inherited::kControl, answer) ? 0 : 1;
}

}  // namespace mainstay::role
