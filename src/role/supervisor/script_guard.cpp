#include "script_guard.hpp"

#include "mainstay/kernel/scripts.hpp"

namespace mainstay::role {

namespace {

// A path that was resolved is resolved again: a folder that links lead to is replaced as a whole where Kubernetes
// changes files, and the one of before is removed.
std::string path_now(const alert::ScriptEntry& entry) {
    const bool was_resolved = entry.argv.front().starts_with('/') && entry.path != entry.argv.front();
    return was_resolved ? kernel::real_path(entry.argv.front()) : entry.path;
}

}  // namespace

std::optional<std::string> ScriptGuard::path_to_run(const std::string& key, const alert::ScriptEntry& entry) {
    using alert::ScriptSecurity;
    auto path = path_now(entry);
    if (entry.security == ScriptSecurity::Unchecked) return path;
    const auto file = kernel::real_path(path);
    if (!kernel::insecure_script(file, {entry.uid, entry.gid})) {
        reported_.erase(key);
        return path;
    }
    const bool refused = entry.security == ScriptSecurity::Refuse;
    if (reported_.insert(key).second) {
        if (refused)
            log_.error("script {} of {} is not run: accounts other than root may modify it (enable_script_security)",
                       file, key);
        else
            log_.warning("script {} of {} became unsafe: accounts other than root may modify it", file, key);
    }
    if (refused) return std::nullopt;
    return path;
}

}  // namespace mainstay::role
