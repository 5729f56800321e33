#include "check_dump.hpp"

#include <utility>

#include "mainstay/ipc/shared.hpp"
#include "mainstay/ipc/snapshot.hpp"
#include "mainstay/kernel/host_facts.hpp"
#include "mainstay/report/dumps.hpp"
#include "role/common/blocks.hpp"
#include "role/common/dump_line.hpp"

namespace mainstay::role {

namespace {

Result<report::LvsStatus> lvs_status() {
    const auto block = ipc::StateBlock::map(ipc::inherited::kLvsBlock, false);
    if (!block) return error_of(block);
    const auto bytes = block->read();
    if (!bytes) return error_of(bytes);
    return decode_lvs_block(*bytes);
}

Result<std::string> check_data() {
    // The lvs role's part lacks the mail settings, the observer's all secrets and all services but one.
    auto config = ipc::read_snapshot(ipc::inherited::kRunningObserver);
    if (!config) return error_of(config, "the running configuration");
    auto services = ipc::read_snapshot(ipc::inherited::kRunningLvs);
    if (!services) return error_of(services, "the running configuration");
    config->virtual_servers = std::move(services->virtual_servers);
    const auto status = lvs_status();
    if (!status && status.error().code() != Errc::NotFound) return error_of(status, "the state of the lvs role");
    return report::dump_check_data(
        {.config = *config, .lvs = status ? &*status : nullptr, .host_name = kernel::host_name()});
}

}  // namespace

int write_check_dump(int line, Log& log) {
    DumpLine files{line};
    auto text = check_data();
    const auto written = text ? files.write({ipc::DumpText::What::DataCheck, std::move(*text)}) : error_of(text);
    if (!written) log.error("dump file: {}", written.error().text());
    files.end();
    return written ? 0 : 1;
}

}  // namespace mainstay::role
