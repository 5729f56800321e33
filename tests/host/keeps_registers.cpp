// Looks whether a kernel keeps the registers of each process to itself: two processes fill their widest registers,
// yield to each other, and compare. test_lab_registers.py runs it in a guest.
//
// usage: keeps_registers SECONDS
// Exit status: 0 and a line of what was compared; 1 when a register was changed.

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace {

constexpr size_t kRegisters = 32;
constexpr size_t kWords = 8;  // of 64 bits, in the widest register

struct Values {
    alignas(64) uint64_t words[kRegisters][kWords];
};

// Each fills the registers, makes a system call that lets the other process run, and stores them. One statement of
// assembler, so that the compiler uses none of them in between.
using Round = void (*)(const Values& in, Values& out);

[[gnu::target("avx512f")]] void round_of_avx512(const Values& in, Values& out) {
    long call = SYS_sched_yield;
    asm volatile(
        ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "vmovdqa64 \\n*64(%[in]), %%zmm\\n\n.endr\n"
        "syscall\n"
        ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "vmovdqa64 %%zmm\\n, \\n*64(%[out])\n.endr\n"
        : "+a"(call)
        : [in] "r"(&in), [out] "r"(&out)
        : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
          "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21",
          "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31");
}

[[gnu::target("avx")]] void round_of_avx(const Values& in, Values& out) {
    long call = SYS_sched_yield;
    asm volatile(
        ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\nvmovdqa \\n*64(%[in]), %%ymm\\n\n.endr\n"
        "syscall\n"
        ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\nvmovdqa %%ymm\\n, \\n*64(%[out])\n.endr\n"
        : "+a"(call)
        : [in] "r"(&in), [out] "r"(&out)
        : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
          "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

void round_of_sse(const Values& in, Values& out) {
    long call = SYS_sched_yield;
    asm volatile(
        ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\nmovdqa \\n*64(%[in]), %%xmm\\n\n.endr\n"
        "syscall\n"
        ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\nmovdqa %%xmm\\n, \\n*64(%[out])\n.endr\n"
        : "+a"(call)
        : [in] "r"(&in), [out] "r"(&out)
        : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
          "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

struct Width {
    const char* name;
    Round round;
    size_t registers;
    size_t words;
};

Width widest() {
    if (__builtin_cpu_supports("avx512f")) return {"AVX-512", round_of_avx512, 32, 8};
    if (__builtin_cpu_supports("avx")) return {"AVX", round_of_avx, 16, 4};
    return {"SSE", round_of_sse, 16, 2};
}

bool same(const Width& width, const Values& one, const Values& other) {
    for (size_t number = 0; number < width.registers; ++number)
        if (memcmp(one.words[number], other.words[number], width.words * sizeof(uint64_t)) != 0) return false;
    return true;
}

// The number of rounds after which each register was as before; 0 when one was not.
unsigned long rounds_kept(const Width& width, uint64_t mark, time_t end) {
    Values in{}, out{};
    unsigned long rounds = 0;
    while (time(nullptr) < end) {
        for (size_t number = 0; number < kRegisters; ++number)
            for (size_t word = 0; word < kWords; ++word)
                in.words[number][word] = mark << 56 | uint64_t{rounds} << 16 | number << 8 | word;
        width.round(in, out);
        if (!same(width, in, out)) return 0;
        ++rounds;
    }
    return rounds;
}

}  // namespace

int main(int argc, char** argv) {
    const Width width = widest();
    const time_t end = time(nullptr) + (argc > 1 ? strtol(argv[1], nullptr, 10) : 1);
    const pid_t other = fork();
    if (other < 0) return 2;
    const unsigned long rounds = rounds_kept(width, other == 0 ? 0xbb : 0xaa, end);
    if (other == 0) _exit(rounds == 0 ? 1 : 0);
    int status = 0;
    if (waitpid(other, &status, 0) != other || status != 0 || rounds == 0) {
        puts("a register was changed");
        return 1;
    }
    printf("%s registers kept\n", width.name);
    return 0;
}
