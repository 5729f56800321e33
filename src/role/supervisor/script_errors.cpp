#include "script_errors.hpp"

#include <utility>

#include "mainstay/kernel/clock.hpp"

namespace mainstay::role {
namespace {

constexpr int kLastReads = 4;  // a pipe holds what one read takes; whoever writes on is not waited for

}  // namespace

ScriptErrors::ScriptErrors(boost::asio::io_context& loop, kernel::ErrorPipe pipe)
    : pipe_{std::move(pipe)}, readable_{loop, pipe_.reading_end()}, pause_{loop} {}

ScriptErrors::~ScriptErrors() { readable_.release(); }  // the descriptor is the pipe's own

std::shared_ptr<ScriptErrors> ScriptErrors::follow(boost::asio::io_context& loop, kernel::ErrorPipe pipe) {
    std::shared_ptr<ScriptErrors> errors{new ScriptErrors{loop, std::move(pipe)}};
    errors->wait();
    return errors;
}

void ScriptErrors::wait() {
    using boost::asio::posix::stream_descriptor;
    readable_.async_wait(stream_descriptor::wait_read, [weak = weak_from_this()](boost::system::error_code failed) {
        const auto self = weak.lock();
        if (failed || !self) return;
        self->pipe_.take();
        self->pause_.expires_after(kErrorsReadEvery);
        self->pause_.async_wait([weak](boost::system::error_code cancelled) {
            const auto alive = weak.lock();
            if (!cancelled && alive) alive->wait();
        });
    });
}

std::string ScriptErrors::finish() {
    for (int reads = 0; reads < kLastReads && pipe_.take() != 0; ++reads) {
    }
    return pipe_.text();
}

bool ReportedErrors::is_news(const std::string& key, const std::string& text) {
    const Instant now = kernel::monotonic_now();
    const auto [found, is_first] = reported_.try_emplace(key, Reported{text, now});
    if (is_first) return true;
    if (found->second.text == text || now - found->second.at < kErrorsLoggedEvery) return false;
    found->second = {text, now};
    return true;
}

}  // namespace mainstay::role
