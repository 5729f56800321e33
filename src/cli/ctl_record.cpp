// mainstayctl record save: the memory of the flight recorder as a file.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "ctl.hpp"
#include "ctl_client.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/config/settings.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/kernel/clock.hpp"
#include "mainstay/kernel/new_file.hpp"
#include "mainstay/record/reader.hpp"
#include "output.hpp"

namespace mainstay::cli {

namespace {

constexpr int kDone = 0;
constexpr std::size_t kMiB = 1U << 20;

Result<ipc::MappedRecord> memory_of(const std::string& socket, ipc::RecordQuestion::Of role) {
    const auto answer = ask_supervisor(socket, ipc::RecordQuestion{role});
    if (!answer) return error_of(answer);
    const auto* done = std::get_if<ipc::RecordMemory>(&answer->message);
    if (done == nullptr) return fail(Errc::Invalid, "mainstayd answered another question");
    if (!done->problem.empty()) return fail(Errc::State, done->problem);
    return ipc::MappedRecord::map(answer->descriptor.get(), false);
}

struct SavedRecord {
    std::vector<std::byte> file;
    std::vector<std::string> unrecorded;  // lines about processes that record nothing
};

// Of the processes that have a record: a director may have no instances, or no virtual servers.
Result<SavedRecord> record_of_daemon(const std::string& socket) {
    using Of = ipc::RecordQuestion::Of;
    std::vector<ipc::MappedRecord> memories;
    std::optional<Error> first_problem;
    SavedRecord saved;
    for (const Of role : {Of::Vrrp, Of::Lvs}) {
        auto memory = memory_of(socket, role);
        if (memory) {
            auto line = unrecorded(role == Of::Lvs ? "load balancing" : "VRRP", memory->bytes());
            if (line) saved.unrecorded.push_back(std::move(*line));
            memories.push_back(std::move(*memory));
        } else if (!first_problem) {
            first_problem = std::move(memory.error());
        }
    }
    if (memories.empty()) return std::unexpected{*first_problem};
    std::vector<std::span<const std::byte>> bytes;
    for (const auto& memory : memories) bytes.emplace_back(memory.bytes());
    auto file = record::file_of_memories(bytes, kernel::wall_now());
    if (!file && file.error().code() == Errc::NotFound && !saved.unrecorded.empty())
        return fail(Errc::State, fmt::format("{}", fmt::join(saved.unrecorded, "\nmainstayctl: ")));
    if (!file) return fail(Errc::State, file.error().text());  // NotFound would be: no daemon
    saved.file = std::move(*file);
    return saved;
}

}  // namespace

std::optional<std::string> unrecorded(std::string_view process, std::span<const std::byte> memory) {
    const auto bytes = record::unwritten_key_frame(memory);
    if (!bytes) return std::nullopt;
    // Two segments, each for a state and as much again that follows it.
    const std::size_t enough = (*bytes * 2 * record::kSegments + kMiB - 1) / kMiB;
    const std::string fix =
        enough > config::kRecorderSizeMax
            ? fmt::format("the largest [recorder] size of mainstay.toml, {}, is not enough", config::kRecorderSizeMax)
            : fmt::format("fix: set [recorder] size of mainstay.toml to {} and restart mainstayd", enough);
    return fmt::format(
        "the {} process records nothing: its state has {} bytes, more than half of its memory of {} MiB holds; {}",
        process, *bytes, (memory.size() + kMiB - 1) / kMiB, fix);
}

int ctl_record_save(const std::string& socket, const std::string& file) {
    const auto saved = record_of_daemon(socket);
    if (!saved) return complain(saved.error());
    for (const auto& line : saved->unrecorded) print_error("mainstayctl: " + line + "\n");
    std::error_code unknown;
    const auto there = std::filesystem::status(file, unknown);  // /dev/stdout is a link
    if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there))
        return complain(Error{Errc::Invalid, file + " is there, and is not a file that could be written anew"});
    // For root alone: it may have names of commands and addresses.
    if (const auto written = kernel::write_file_durably(file, saved->file, 0600); !written)
        return complain(Error{Errc::Io, written.error().text()});
    print(fmt::format("{}: {} bytes\n", file, saved->file.size()));
    return kDone;
}

}  // namespace mainstay::cli
