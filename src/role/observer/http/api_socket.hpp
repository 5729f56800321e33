// The unix socket of the API, and who is at its other end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "exchange.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::role::http {

struct Peer {
    std::uint32_t uid = 0;
    std::int32_t pid = 0;
    std::vector<std::uint32_t> gids;  // primary and supplementary
};
[[nodiscard]] Result<Peer> peer_of(int socket);
// True for root, the server's own account, and members of its group.
[[nodiscard]] bool may_read(const Peer& peer, std::uint32_t own_uid, std::uint32_t own_gid);
// True for root and the server's own account: no other account takes their places.
[[nodiscard]] bool has_own_places(const Peer& peer, std::uint32_t own_uid);
// `operate`: those who may read may also change something; otherwise root may at least handle the mails.
[[nodiscard]] Caller caller_of(const Result<Peer>& peer, std::uint32_t own_uid, std::uint32_t own_gid, bool operate);

// Listens at `path`, replacing the socket of an earlier incarnation: clients find the old or the new one, never none.
// The socket is for its owner and its group (0660); root needs no permission.
[[nodiscard]] Result<UniqueFd> listen_at(const std::string& path);

}  // namespace mainstay::role::http
