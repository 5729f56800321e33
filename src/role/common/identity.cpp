#include "mainstay/role/common/identity.hpp"

namespace mainstay::role {

std::string Identity::program_and_version(const std::string& version) const {
    const std::string own = "mainstay v" + version;
    return keepalived ? "Keepalived v" + std::string{kKeepalivedVersion} + " (" + own + ")" : own;
}

std::string Identity::log_ident(Kind kind) const {
    return keepalived ? traits_of(kind).keepalived_ident : traits_of(kind).program;
}

std::string Identity::process_name(Kind kind) const {
    // keepalived: all its processes have the same name unless process_names is set.
    return keepalived ? "keepalived" : log_ident(kind);
}

std::string Identity::pid_file(Kind kind, const std::string& run_directory) const {
    if (keepalived) return std::string{"/run/"} + traits_of(kind).keepalived_pid_file;
    return run_directory + "/" + traits_of(kind).pid_file;
}

Identity identity_of(std::string_view argv0) {
    const auto slash = argv0.rfind('/');
    if (slash != std::string_view::npos) argv0.remove_prefix(slash + 1);
    return Identity{argv0 == "keepalived"};
}

}  // namespace mainstay::role
