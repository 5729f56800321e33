// The other director of a pair, as [api] peer names it: its state, read from its API when somebody asks ours for it.
// The answer is passed on as it is; whoever asked reads it.
#pragma once

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>  // Boost 1.74's Asio needs it
#include <vector>

#include "mainstay/alert/background.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/ipc/message.hpp"
#include "role/observer/http/exchange.hpp"

namespace mainstay::role {

// One GET of the other director's API, with libcurl in a thread of its own: its name lookups and TLS handshakes block.

inline constexpr std::chrono::seconds kPeerWithin{4};           // from the lookup of its name to the end of its answer
inline constexpr std::size_t kPeerBytesMax = 16 * 1024 * 1024;  // of its answer

struct PeerRequest {
    std::string url;    // with its path
    std::string token;  // empty: none is sent
    std::string ca;     // PEM; empty: the system's authorities
};
struct PeerAnswer {
    long status = 0;      // of HTTP; 0: there was no answer, see `problem`
    std::string problem;  // for people
    std::string body;
};

class PeerFetch {
public:
    // Of what is on its way when it is destroyed no `done` is called. The thread ends by itself within kPeerWithin.
    explicit PeerFetch(boost::asio::io_context& loop) : background_{loop} {}

    // `done` is called on the loop. An error: no thread can be started.
    [[nodiscard]] Result<void> get(PeerRequest request, std::function<void(PeerAnswer)> done);

private:
    alert::Background background_;
};

inline constexpr std::chrono::seconds kPeerReadEvery{1};  // at most: more readers share an answer
inline constexpr std::size_t kPeerReadersMax = 32;        // that wait for one answer

// The URL of the status, or why this setting cannot be used: "https://HOST[:PORT]", or http:// at a loopback address.
[[nodiscard]] Result<std::string> peer_status_url(const std::string& peer);
// The first line of a token's file.
[[nodiscard]] Result<std::string> peer_token(const std::string& text);
// What a client of our API gets.
[[nodiscard]] http::Answer answer_from_peer(const std::string& peer, const PeerAnswer& answer);

class Peer {
public:
    using Fetch = std::function<Result<void>(PeerRequest, std::function<void(PeerAnswer)>)>;
    using Clock = std::function<Instant()>;
    Peer(Fetch fetch, Clock now) : fetch_{std::move(fetch)}, now_{std::move(now)} {}

    // The files that the settings name follow.
    void set(const ipc::ApiSettings& settings);
    void take(ipc::ApiFile::What what, const Result<std::string>& text);
    // Answers at once or when the peer has answered, within kPeerWithin.
    void ask(http::Done done);

private:
    void on_answer(std::uint64_t number, const PeerAnswer& answer);

    Fetch fetch_;
    Clock now_;
    std::string peer_, problem_;  // the problem of a setting or a file
    PeerRequest request_;
    std::uint64_t number_ = 0;  // of the settings: an answer that was asked for by others is dropped
    std::vector<http::Done> waiting_;
    std::optional<http::Answer> last_;
    Instant last_at_{};
    bool reading_ = false;
};

}  // namespace mainstay::role
