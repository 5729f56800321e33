// One GET of the other director's API, with libcurl in a thread of its own: its name lookups and TLS handshakes block.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "mainstay/alert/background.hpp"
#include "mainstay/base/error.hpp"

namespace mainstay::role {

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

}  // namespace mainstay::role
