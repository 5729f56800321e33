// Stands in for a host with AMX: preloaded, it has ptrace answer as the kernel of such a host does, and so a user-mode
// kernel before 6.13 dies of it anywhere. test_lab_registers.py drives it.

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "../../tools/lab.d/ptrace_between.hpp"

namespace {

constexpr size_t kAmxSize = 11008;  // of the extended registers with AMX
constexpr size_t kStateBitsAt = 512;
constexpr uint64_t kAmxBits = uint64_t{1} << 17 | uint64_t{1} << 18;

alignas(64) char whole[kAmxSize];

long refuse(int why) {
    errno = why;
    return -1;
}

long get(pid_t pid, void* kind, iovec* wanted) {
    memset(whole, 0, sizeof whole);
    iovec own{whole, sizeof whole};
    if (next(PTRACE_GETREGSET, pid, kind, &own) < 0) return -1;
    wanted->iov_len = std::min(wanted->iov_len, kAmxSize);
    memcpy(wanted->iov_base, whole, wanted->iov_len);
    return 0;
}

long set(pid_t pid, void* kind, const iovec* given) {
    if (given->iov_len < kAmxSize) return refuse(EFAULT);
    iovec own{whole, sizeof whole};
    if (next(PTRACE_GETREGSET, pid, kind, &own) < 0) return -1;
    memcpy(whole, given->iov_base, kAmxSize);
    // Nothing inside may use AMX: that it does is a mistake, and so is what lies where the registers of AMX are.
    uint64_t in_use = 0;
    memcpy(&in_use, whole + kStateBitsAt, sizeof in_use);
    const bool clean = std::all_of(whole + own.iov_len, whole + kAmxSize, [](char byte) { return byte == 0; });
    if ((in_use & kAmxBits) != 0 || !clean) return refuse(EINVAL);
    return next(PTRACE_SETREGSET, pid, kind, &own);
}

long extended_registers(__ptrace_request request, pid_t pid, void* kind, iovec* registers) {
    return request == PTRACE_GETREGSET ? get(pid, kind, registers) : set(pid, kind, registers);
}

}  // namespace
