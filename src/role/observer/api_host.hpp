// Serves the API in the observer: keeps what the supervisor sends for it (settings, files, answers) until it is needed.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "http/api_routes.hpp"
#include "http/server.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/role/common/runtime.hpp"
#include "peer/peer.hpp"

namespace mainstay::role {

// Commands that the other processes have not answered; the oldest gives way.
inline constexpr std::size_t kQuestionsMax = 64;

class ApiHost {
public:
    explicit ApiHost(Runtime& runtime)
        : runtime_{runtime},
          peer_fetch_{runtime.loop()},
          peer_{[this](PeerRequest request, auto done) { return peer_fetch_.get(std::move(request), std::move(done)); },
                [this] { return runtime_.now(); }} {}

    // Opens the control socket, once; an error: try again later. `sources` without ask and ask_peer, which
    // are asked here.
    [[nodiscard]] Result<void> open(http::ApiSources sources);
    void close() { server_.reset(); }
    void look();  // once a second
    // For an observer that ends: `leave()` after `pause()` lets the next one go on with the control socket, on which
    // clients wait meanwhile; `resume()` takes `pause()` back.
    void pause() { server_->pause(); }
    void resume() { server_->resume(); }
    void leave() { server_->leave(); }
    [[nodiscard]] int socket() const { return server_->control_socket(); }
    // It serves a client, or listens, or looks at another director.
    [[nodiscard]] bool is_busy() const;
    [[nodiscard]] bool was_asked();  // since the last time
    void wake_streams();
    [[nodiscard]] std::optional<report::ApiStatus> status() const;

    void settings(const ipc::ApiSettings& settings);
    void file(const ipc::ApiFile& file, const UniqueFd& descriptor);
    void answered(const ipc::OperatorAnswered& answer, const UniqueFd& text);

private:
    using Answered = std::function<void(OperatorReply)>;
    [[nodiscard]] std::uint64_t expect(Answered answered);  // the number of the question

    Runtime& runtime_;
    PeerFetch peer_fetch_;
    Peer peer_;
    std::unique_ptr<http::Server> server_;
    std::optional<ipc::ApiSettings> settings_;  // once they have come
    std::map<ipc::ApiFile::What, Result<std::string>> files_;
    std::map<std::uint64_t, Answered> asked_;
    std::uint64_t next_request_ = 0;
    unsigned until_retry_ = 0;
    std::uint64_t requests_ = 0;  // at the last was_asked()
};

}  // namespace mainstay::role
