// Messages of the supervisor that a running role gets as they are.
#pragma once

#include <utility>

#include "mainstay/role/common/runtime.hpp"

namespace mainstay::role {

inline void pass_on(Role& role, const ipc::ControlRequest& wanted, UniqueFd /*none*/) { role.asked(wanted); }
inline void pass_on(Role& role, const ipc::ServerAnswered& answer, UniqueFd text) {
    role.servers_answered(answer, std::move(text));
}
inline void pass_on(Role& role, const ipc::InstanceAnswered& answer, UniqueFd text) {
    role.instances_answered(answer, std::move(text));
}
inline void pass_on(Role& role, const ipc::ApiSettings& settings, UniqueFd /*none*/) { role.api_settings(settings); }
inline void pass_on(Role& role, const ipc::WebhookSettings& settings, UniqueFd /*none*/) {
    role.webhook_settings(settings);
}
inline void pass_on(Role& role, const ipc::ApiFile& file, UniqueFd opened) { role.api_file(file, std::move(opened)); }
inline void pass_on(Role& role, const ipc::RecordMemory& /*none*/, UniqueFd memory) {
    role.record_memory(std::move(memory));
}

}  // namespace mainstay::role
