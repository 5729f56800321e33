#include "dump_line.hpp"

#include <poll.h>

#include <chrono>
#include <span>

#include "mainstay/ipc/channel.hpp"
#include "mainstay/kernel/new_file.hpp"

namespace mainstay::role {

namespace {

using Step = ipc::DumpFile::Step;
constexpr std::chrono::milliseconds kAnswerWait{60'000};

// A descriptor for the file; none: it was refused.
Result<UniqueFd> open_file(int line, ipc::DumpText::What what) {
    if (auto sent = ipc::send_message(line, ipc::DumpFile{what, Step::Wanted}); !sent) return error_of(sent);
    pollfd wait{line, POLLIN, 0};
    if (::poll(&wait, 1, static_cast<int>(kAnswerWait.count())) != 1) return fail(Errc::Timeout, "nobody opens it");
    auto got = ipc::receive_message(line);
    if (!got) return error_of(got);
    auto* received = *got ? std::get_if<ipc::Received>(&**got) : nullptr;
    const auto* answer = received != nullptr ? std::get_if<ipc::DumpFile>(&received->message) : nullptr;
    if (answer == nullptr) return fail(Errc::State, "the supervisor does not open it any more");
    return std::move(received->descriptor);
}

}  // namespace

Result<void> write_dump(int line, const Dump& dump) {
    const auto file = open_file(line, dump.what);
    if (!file) return error_of(file);
    if (!*file) return {};
    const auto bytes = std::as_bytes(std::span{dump.text});
    if (auto written = kernel::write_all(file->get(), bytes, "write"); !written) return written;
    return ipc::send_message(line, ipc::DumpFile{dump.what, Step::Written});
}

void end_dumps(int line) { static_cast<void>(ipc::send_message(line, ipc::DumpFile{{}, Step::Over})); }

}  // namespace mainstay::role
