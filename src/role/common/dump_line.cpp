#include "dump_line.hpp"

#include <poll.h>

#include <chrono>
#include <span>
#include <utility>

#include "mainstay/ipc/channel.hpp"
#include "mainstay/kernel/new_file.hpp"

namespace mainstay::role {

namespace {

using Step = ipc::DumpFile::Step;
constexpr std::chrono::milliseconds kFileWait{60'000};

}  // namespace

Result<void> DumpLine::receive() {
    pollfd wait{line_, POLLIN, 0};
    if (::poll(&wait, 1, static_cast<int>(kFileWait.count())) != 1) return fail(Errc::Timeout, "nobody opens it");
    auto got = ipc::receive_message(line_);
    if (!got) return error_of(got);
    auto* received = *got ? std::get_if<ipc::Received>(&**got) : nullptr;
    const auto* told = received != nullptr ? std::get_if<ipc::DumpFile>(&received->message) : nullptr;
    if (told == nullptr) return fail(Errc::State, "the supervisor does not open it any more");
    if (told->step == Step::Over)
        all_came_ = true;
    else
        files_[told->what] = std::move(received->descriptor);
    return {};
}

Result<UniqueFd> DumpLine::file_for(ipc::DumpText::What what) {
    while (!all_came_ && !files_.contains(what))
        if (auto received = receive(); !received) return error_of(received);
    return std::move(files_[what]);
}

Result<void> DumpLine::write(const Dump& dump) {
    const auto file = file_for(dump.what);
    if (!file) return error_of(file);
    if (!*file) return {};
    const auto bytes = std::as_bytes(std::span{dump.text});
    if (auto written = kernel::write_all(file->get(), bytes, "write"); !written) return written;
    return ipc::send_message(line_, ipc::DumpFile{dump.what, Step::Written});
}

// A line that is closed with something unread in it is reset: the other end would not get the last words.
void DumpLine::end() {
    while (!all_came_ && receive()) continue;
    static_cast<void>(ipc::send_message(line_, ipc::DumpFile{{}, Step::Over}));
}

}  // namespace mainstay::role
