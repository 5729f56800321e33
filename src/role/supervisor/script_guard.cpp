#include "script_guard.hpp"

#include "mainstay/kernel/script_security.hpp"

namespace mainstay::role {

bool ScriptGuard::may_run(const std::string& key, const alert::ScriptEntry& entry) {
    using alert::ScriptSecurity;
    if (entry.security == ScriptSecurity::Unchecked) return true;
    const auto path = kernel::real_path(entry.path);
    if (!kernel::insecure_script(path, {entry.uid, entry.gid})) {
        reported_.erase(key);
        return true;
    }
    const bool refused = entry.security == ScriptSecurity::Refuse;
    if (!reported_.insert(key).second) return !refused;
    if (refused)
        log_.error("script {} of {} is not run: accounts other than root may modify it (enable_script_security)", path,
                   key);
    else
        log_.warning("script {} of {} became unsafe: accounts other than root may modify it", path, key);
    return !refused;
}

}  // namespace mainstay::role
