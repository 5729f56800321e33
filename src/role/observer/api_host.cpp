#include "api_host.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>

#include "mainstay/ipc/shared.hpp"

namespace mainstay::role {
namespace {

constexpr unsigned kRetryEvery = 10;  // seconds
constexpr std::int32_t kNoAnswer = 2;

Result<std::string> text_of(const UniqueFd& file) {
    std::string text;
    std::array<char, 16'384> room{};
    for (;;) {
        const auto got = ::pread(file.get(), room.data(), room.size(), static_cast<off_t>(text.size()));
        if (got < 0) return fail_system("read it", errno);
        if (got == 0) return text;
        text.append(room.data(), static_cast<std::size_t>(got));
        if (text.size() > ipc::kApiFileBytesMax) return fail(Errc::Invalid, "it is larger than 1 MB");
    }
}

}  // namespace

Result<void> ApiHost::open(http::ApiSources sources) {
    if (server_) return {};
    sources.ask = [this](ipc::OperatorQuestion question, Answered answered) {
        std::visit(
            [&](auto& asked) {
                asked.request = expect(std::move(answered));
                runtime_.send(asked);
            },
            question);
    };
    sources.log_levels = [this] { return runtime_.log_levels(); };
    sources.ask_peer = [this](http::Done done) { peer_.ask(std::move(done)); };
    auto server =
        http::Server::open(runtime_.loop(), runtime_.log_of(LogModule::Api), runtime_.options().control_socket,
                           UniqueFd{runtime_.options().has_api_socket ? ipc::inherited::kApiSocket : -1},
                           http::Router{http::api_routes(sources)},
                           {.now = [this] { return runtime_.now(); }, .wall = [this] { return runtime_.wall(); }});
    if (!server) return error_of(server);
    server_ = std::move(*server);
    if (settings_) server_->set(*settings_);
    for (const auto& [what, text] : files_) server_->take(what, text);
    return {};
}

void ApiHost::look() {
    if (!server_ || ++until_retry_ < kRetryEvery) return;
    until_retry_ = 0;
    server_->retry();
}

void ApiHost::wake_streams() {
    if (server_) server_->wake_streams();
}

bool ApiHost::is_busy() const {
    return !server_ || server_->serves() || !settings_ || !settings_->listen.empty() || !settings_->peer.empty();
}

bool ApiHost::was_asked() {
    const auto requests = server_ ? server_->status().counters.requests : 0;
    return std::exchange(requests_, requests) != requests;
}

std::optional<report::ApiStatus> ApiHost::status() const {
    if (!server_) return std::nullopt;
    return server_->status();
}

void ApiHost::settings(const ipc::ApiSettings& settings) {
    settings_ = settings;
    files_.clear();
    peer_.set(settings);
    if (server_) server_->set(settings);
}

void ApiHost::file(const ipc::ApiFile& file, const UniqueFd& descriptor) {
    Result<std::string> text = fail(Errc::Io, file.problem.empty() ? "it did not come" : file.problem);
    if (file.problem.empty() && descriptor) text = text_of(descriptor);
    peer_.take(file.what, text);
    files_.insert_or_assign(file.what, text);
    if (server_) server_->take(file.what, std::move(text));
}

std::uint64_t ApiHost::expect(Answered answered) {
    if (asked_.size() >= kQuestionsMax) {
        const auto oldest = asked_.extract(asked_.begin());
        oldest.mapped()({kNoAnswer, "there was no answer, and too many others wait", {}});
    }
    // The process id, so that an answer to an earlier incarnation is no answer to this one.
    if (next_request_ == 0) next_request_ = static_cast<std::uint64_t>(::getpid()) << 32U;
    asked_.emplace(++next_request_, std::move(answered));
    return next_request_;
}

void ApiHost::answered(const ipc::OperatorAnswered& answer, const UniqueFd& text) {
    const auto found = asked_.extract(answer.request);
    if (found.empty()) return;
    OperatorReply done{answer.exit_code, answer.problem, {}};
    if (done.problem.empty()) {
        const auto bytes = ipc::read_memfd(text.get());
        if (bytes)
            done.text.assign(reinterpret_cast<const char*>(bytes->data()), bytes->size());
        else
            done.problem = bytes.error().text();
    }
    found.mapped()(std::move(done));
}

}  // namespace mainstay::role
