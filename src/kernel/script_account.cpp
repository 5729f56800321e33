#include "mainstay/kernel/script_account.hpp"

namespace mainstay::kernel {

Result<Account> script_account(const config::Command& command, const config::Global& global) {
    if (!command.user.empty()) return find_account(command.user, command.group);
    if (!global.script_user.empty()) return find_account(global.script_user, global.script_group);
    if (auto account = find_account("keepalived_script"); account) return account;
    return Account{0, 0};
}

}  // namespace mainstay::kernel
