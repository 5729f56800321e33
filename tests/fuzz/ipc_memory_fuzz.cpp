// Memory that another process wrote, who may have been taken over: state blocks, event rings, snapshots of the
// configuration and what else is handed on sealed. Reading never believes a length, and what it accepts says the same
// when it is written anew.
//
// The first byte chooses what the rest is: one of the kinds in `kKinds`, below.
// tools/fuzz builds it with clang's -fsanitize=fuzzer. Elsewhere replay.hpp brings a main.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <span>
#include <string>

#include "mainstay/alert/scripts.hpp"
#include "mainstay/base/framed_archive.hpp"
#include "mainstay/config/members.hpp"
#include "mainstay/ipc/hand_over.hpp"
#include "mainstay/ipc/host_plan.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/ipc/snapshot.hpp"
#include "mainstay/ipc/status.hpp"
#include "replay.hpp"
#include "require.hpp"

using namespace mainstay;
using fuzz::require;
using Bytes = std::span<const std::byte>;

namespace {

template <class T>
void try_struct(Bytes input) {
    const auto value = decode<T>(input);
    if (!value) return;
    const auto bytes = encode(*value);
    const auto again = decode<T>(bytes);
    require(again && encode(*again) == bytes);
}

void try_vrrp(Bytes input) {
    try_struct<report::VrrpStatus>(input);
    if (const auto status = decode<report::VrrpStatus>(input)) static_cast<void>(report::makes_sense(*status));
}

// Read a piece at a time it is the same configuration, and it does not differ from itself.
void try_snapshot(Bytes input) {
    const auto sealed = ipc::make_sealed_memfd("fuzz", input);
    require(sealed.has_value());
    const auto whole = decode<config::Config>(input);
    const auto pieces = ipc::read_snapshot(sealed->get());
    require(whole.has_value() == pieces.has_value());
    const auto changed = ipc::changed_services(sealed->get(), sealed->get());
    if (!whole) return;
    require(*whole == *pieces);
    require(!changed || !*changed || (*changed)->empty());
}

void try_hand_over(Bytes input) {
    const auto sealed = ipc::make_sealed_memfd("fuzz", input);
    require(sealed.has_value());
    static_cast<void>(ipc::read_hand_over(sealed->get()));
}

UniqueFd shared_memory(Bytes input, std::size_t size) {
    auto memory = ipc::make_shared_memfd("fuzz", size);
    require(memory.has_value());
    const auto some = input.first(std::min(input.size(), size));
    require(::pwrite(memory->get(), some.data(), some.size(), 0) == static_cast<ssize_t>(some.size()));
    return std::move(*memory);
}

void try_state_block(Bytes input) {
    constexpr std::size_t kBlockBytes = 512;
    const auto memory = shared_memory(input, kBlockBytes);
    if (const auto reader = ipc::StateBlock::map(memory.get(), false)) {
        if (const auto content = reader->read()) require(content->size() <= kBlockBytes / 2);
    }
    auto writer = ipc::StateBlock::map(memory.get(), true);
    require(writer.has_value());
    const std::array content{std::byte{1}, std::byte{2}};
    require(writer->publish(content).has_value());  // whatever the one before left
    const auto read = writer->read();
    require(read && std::ranges::equal(*read, content));
}

void try_event_ring(Bytes input) {
    constexpr std::size_t kRingBytes = 4096, kMost = 8;
    const auto memory = shared_memory(input, kRingBytes);
    if (const auto reader = ipc::EventRing::map(memory.get(), false))
        require(reader->read_after(0, kMost).events.size() <= kMost);
    auto writer = ipc::EventRing::map(memory.get(), true);
    require(writer.has_value());
    const auto number = writer->append(Event{});
    const auto batch = writer->read_after(number - 1, kMost);
    require(batch.events.size() == 1 && batch.last == number);
}

constexpr std::array<void (*)(Bytes), 11> kKinds{
    try_vrrp,
    try_struct<report::LvsStatus>,
    try_struct<report::BfdStatus>,
    try_struct<ipc::ObserverStatus>,
    try_struct<config::Config>,
    try_struct<ipc::HostPlan>,
    try_struct<alert::ScriptTable>,
    try_snapshot,
    try_hand_over,
    try_state_block,
    try_event_ring,
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0 || data[0] >= kKinds.size()) return 0;
    kKinds[data[0]](std::as_bytes(std::span{data, size}).subspan(1));
    return 0;
}

#ifdef MAINSTAY_FUZZ_REPLAY
int main(int argc, char** argv) {
    constexpr int kRounds = 30'000;
    return fuzz::replay(argc, argv, kRounds, [](std::mt19937& random) {
        std::string bytes(random() % 120, '\0');
        for (auto& b : bytes) b = static_cast<char>(random() % 3 == 0 ? random() : random() % 3);
        if (bytes.size() > 5) {  // most of them with a length that fits
            bytes[0] = static_cast<char>(random() % kKinds.size());
            bytes[1] = static_cast<char>(bytes.size() - 5);
            if (random() % 8 != 0) bytes[2] = bytes[3] = bytes[4] = '\0';
        }
        return bytes;
    });
}
#endif
