#include "api_socket.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "mainstay/kernel/unix_socket.hpp"

namespace mainstay::role::http {
namespace {

constexpr mode_t kSocketMode = 0660;
constexpr std::size_t kGroupsMax = 65'536;  // the kernel's NGROUPS_MAX

}  // namespace

Result<Peer> peer_of(int socket) {
    const auto credentials = kernel::peer_of(socket);
    if (!credentials) return error_of(credentials);
    Peer peer{.uid = credentials->uid, .pid = credentials->pid, .gids = {credentials->gid}};
    std::vector<gid_t> groups(64);
    auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    int got = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
    if (got != 0 && errno == ERANGE && size <= kGroupsMax * sizeof(gid_t)) {  // the kernel says how many there are
        groups.resize(size / sizeof(gid_t));
        got = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
    }
    if (got == 0) {
        groups.resize(std::min<std::size_t>(size / sizeof(gid_t), groups.size()));
        peer.gids.insert(peer.gids.end(), groups.begin(), groups.end());
    }
    return peer;
}

bool may_read(const Peer& peer, std::uint32_t own_uid, std::uint32_t own_gid) {
    return peer.uid == 0 || peer.uid == own_uid || std::ranges::find(peer.gids, own_gid) != peer.gids.end();
}

bool has_own_places(const Peer& peer, std::uint32_t own_uid) { return peer.uid == 0 || peer.uid == own_uid; }

Caller caller_of(const Result<Peer>& peer, std::uint32_t own_uid, std::uint32_t own_gid, bool operate) {
    if (!peer) return {};
    Caller caller{.name = fmt::format("uid {}, pid {}", peer->uid, peer->pid),
                  .rights = Rights::Nothing,
                  .has_own_places = has_own_places(*peer, own_uid)};
    if (!may_read(*peer, own_uid, own_gid)) return caller;
    caller.rights = operate ? Rights::Operate : peer->uid == 0 ? Rights::Mail : Rights::Read;
    return caller;
}

Result<UniqueFd> listen_at(const std::string& path) {
    const std::string temporary = path + ".new";
    const auto at = kernel::unix_address(temporary);
    if (!at) return error_of(at);
    ::unlink(temporary.c_str());
    UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!fd) return fail_system("socket for " + path, errno);
    const bool ok = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&*at), sizeof *at) == 0 &&
                    ::chmod(temporary.c_str(), kSocketMode) == 0 && ::listen(fd.get(), SOMAXCONN) == 0 &&
                    ::rename(temporary.c_str(), path.c_str()) == 0;
    if (ok) return fd;
    const int error = errno;
    ::unlink(temporary.c_str());
    return fail_system("listen at " + path, error);
}

}  // namespace mainstay::role::http
