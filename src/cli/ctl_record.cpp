// mainstayctl record save: the memory of the flight recorder as a file.
#include <fmt/format.h>

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "ctl.hpp"
#include "ctl_supervisor.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/mapped_record.hpp"
#include "mainstay/kernel/clock.hpp"
#include "mainstay/kernel/new_file.hpp"
#include "mainstay/record/reader.hpp"
#include "output.hpp"

namespace mainstay::cli {

namespace {

constexpr int kDone = 0;

Result<ipc::MappedRecord> memory_of(const std::string& socket, ipc::RecordQuestion::Of role) {
    const auto answer = ask_supervisor(socket, ipc::RecordQuestion{role});
    if (!answer) return std::unexpected{answer.error()};
    const auto* done = std::get_if<ipc::RecordMemory>(&answer->message);
    if (done == nullptr) return fail(Errc::Invalid, "mainstayd answered another question");
    if (!done->problem.empty()) return fail(Errc::State, done->problem);
    return ipc::MappedRecord::map(answer->descriptor.get(), false);
}

// Of the processes that have a record: a director may have no instances, or no virtual servers.
Result<std::vector<std::byte>> record_of_daemon(const std::string& socket) {
    using Of = ipc::RecordQuestion::Of;
    std::vector<ipc::MappedRecord> memories;
    std::optional<Error> first_problem;
    for (const Of role : {Of::Vrrp, Of::Lvs}) {
        auto memory = memory_of(socket, role);
        if (memory)
            memories.push_back(std::move(*memory));
        else if (!first_problem)
            first_problem = std::move(memory.error());
    }
    if (memories.empty()) return std::unexpected{*first_problem};
    std::vector<std::span<const std::byte>> bytes;
    for (const auto& memory : memories) bytes.emplace_back(memory.bytes());
    auto file = record::file_of_memories(bytes, kernel::wall_now());
    if (!file) return fail(Errc::State, file.error().text());  // NotFound would be: no daemon
    return file;
}

}  // namespace

int ctl_record_save(const std::string& socket, const std::string& file) {
    const auto bytes = record_of_daemon(socket);
    if (!bytes) return complain(bytes.error());
    // For root alone: it may have names of commands and addresses.
    if (const auto written = kernel::write_file_durably(file, *bytes, 0600); !written)
        return complain(Error{Errc::Io, written.error().text()});
    print(fmt::format("{}: {} bytes\n", file, bytes->size()));
    return kDone;
}

}  // namespace mainstay::cli
