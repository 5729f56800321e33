// The frame of a library that is preloaded and stands between a program and ptrace() where that one gets or sets the
// extended registers of a process. Included by the one source of such a library.
#pragma once

#include <dlfcn.h>
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cstdarg>
#include <cstdint>

namespace {

using Ptrace = long (*)(__ptrace_request, ...);

Ptrace next;  // the C library's

// What the library makes of PTRACE_GETREGSET and PTRACE_SETREGSET; `kind` is NT_X86_XSTATE.
long extended_registers(__ptrace_request request, pid_t pid, void* kind, iovec* registers);

[[gnu::constructor]] void find_next() { next = reinterpret_cast<Ptrace>(dlsym(RTLD_NEXT, "ptrace")); }

}  // namespace

extern "C" long ptrace(__ptrace_request request, ...) noexcept {
    va_list more;
    va_start(more, request);
    const pid_t pid = va_arg(more, pid_t);
    void* const address = va_arg(more, void*);
    void* const data = va_arg(more, void*);
    va_end(more);
    const bool registers = request == PTRACE_GETREGSET || request == PTRACE_SETREGSET;
    if (registers && reinterpret_cast<uintptr_t>(address) == NT_X86_XSTATE)
        return extended_registers(request, pid, address, static_cast<iovec*>(data));
    return next(request, pid, address, data);
}
