#include "mainstay/ipc/hand_over.hpp"

#include "mainstay/ipc/shared.hpp"

namespace mainstay::ipc {

template <class A>
void fields(A& a, HandedRole& r) {
    a(r.kind, r.pid, r.control, r.block, r.ring, r.snapshot, r.needed, r.ready, r.ever_ready, r.born);
}
template <class A>
void fields(A& a, HandedScript& s) {
    a(s.pid, s.from, s.request, s.key, s.queue, s.extra, s.timed_out, s.due);
}
template <class A>
void fields(A& a, HandedFifo& f) {
    a(f.path, f.fd, f.created, f.pid);
}
template <class A>
void fields(A& a, HandOver& h) {
    a(h.format, h.version, h.config_path, h.pid_path, h.pid_file, h.kick, h.scripts, h.client, h.generation, h.settings,
      h.roles, h.running, h.host, h.fifos, h.maintenance, h.log_levels, h.discovered, h.pid_name);
}

Result<UniqueFd> write_hand_over(const HandOver& hand_over) {
    return make_sealed_memfd("hand-over", encode(hand_over));
}

Result<HandOver> read_hand_over(int fd) {
    const auto bytes = read_memfd(fd);
    if (!bytes) return error_of(bytes);
    auto hand_over = decode<HandOver>(*bytes);
    if (hand_over && hand_over->format != kHandOverFormat)
        return fail(Errc::Unsupported, "a hand-over of format " + std::to_string(hand_over->format));
    return hand_over;
}

}  // namespace mainstay::ipc
