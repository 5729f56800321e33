// Preloaded into a user-mode kernel before 6.13 on a processor with AMX (tools/lab).
//
// Such a kernel keeps the extended registers (XSAVE's) of each of its processes in 2.7 KB and gives them back with
// PTRACE_SETREGSET. The host takes all of its own extended registers or none: with AMX it has 11 KB of them, answers
// EFAULT, and the guest ends in its first process. This ptrace completes what the guest gives: the registers that the
// guest has kept, and zeros for those that did not fit. No bit of XSTATE_BV says that the latter are in use, so the
// processor takes them to be in their initial state, in which they have been all along: a process wants the host's
// permission before it may use AMX, and a guest never asks for it.

#include <cpuid.h>

#include <cstring>

#include "ptrace_between.hpp"

namespace {

using Components = uint64_t;  // one bit for each component of the state, as in XSTATE_BV

// In the layout of XSAVE that ptrace speaks (Intel's manual, volume 1, 13.4): the registers of x87 and SSE, a header
// that begins with XSTATE_BV, and then each further component at the place that the processor names.
constexpr size_t kHeaderAt = 512;
constexpr size_t kHeaderSize = 64;
constexpr uint32_t kCpuidXsave = 0xd;
constexpr uint32_t kFirstPlaced = 2;  // x87 and SSE, components 0 and 1, lie before the header
constexpr uint32_t kComponents = 63;

// A kernel's stack is too small for the whole. One buffer serves, because a user-mode kernel before 6.13 has one CPU,
// and switches to no other process between filling it and the call.
alignas(64) char whole[64 * 1024];
size_t host_size;  // how much of it the host wants; 0 before it was asked
size_t kept_size;  // what the guest keeps of that, and
Components kept;   // the components that lie in there

Components components_within(size_t size) {
    Components found = (Components{1} << kFirstPlaced) - 1;
    for (uint32_t component = kFirstPlaced; component < kComponents; ++component) {
        uint32_t length = 0, place = 0, rest = 0, more = 0;
        __cpuid_count(kCpuidXsave, component, length, place, rest, more);
        if (length != 0 && size_t{place} + length <= size) found |= Components{1} << component;
    }
    return found;
}

// The process `pid` is stopped when its registers are set, so that they can be read as well. A host that refuses to
// tell, or has more than the buffer holds, is not asked again, and everything is left to it.
void ask_for_sizes(pid_t pid, void* kind, size_t given) {
    iovec all{whole, sizeof whole};
    const bool told = next(PTRACE_GETREGSET, pid, kind, &all) == 0 && all.iov_len < sizeof whole;
    memset(whole, 0, sizeof whole);
    host_size = told ? all.iov_len : given;
    kept_size = given;
    kept = components_within(given);
}

long set_extended_registers(pid_t pid, void* kind, iovec* given) {
    if (host_size == 0) ask_for_sizes(pid, kind, given->iov_len);
    // A guest gives the same size each time. What has no header does not say which registers it has.
    if (given->iov_len != kept_size || kept_size >= host_size || kept_size < kHeaderAt + kHeaderSize)
        return next(PTRACE_SETREGSET, pid, kind, given);
    memcpy(whole, given->iov_base, kept_size);
    Components in_use = 0;
    memcpy(&in_use, whole + kHeaderAt, sizeof in_use);
    in_use &= kept;
    memcpy(whole + kHeaderAt, &in_use, sizeof in_use);
    iovec all{whole, host_size};
    return next(PTRACE_SETREGSET, pid, kind, &all);
}

long extended_registers(__ptrace_request request, pid_t pid, void* kind, iovec* registers) {
    if (request == PTRACE_SETREGSET) return set_extended_registers(pid, kind, registers);
    return next(request, pid, kind, registers);
}

}  // namespace
