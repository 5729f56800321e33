// The threads of the test's process.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <thread>

namespace mainstay::test {

inline std::size_t threads() {
    return static_cast<std::size_t>(std::ranges::distance(std::filesystem::directory_iterator{"/proc/self/task"},
                                                          std::filesystem::directory_iterator{}));
}
// Waits until there are no more than `most`. False: there are, or there are fewer.
[[nodiscard]] inline bool ended_but(std::size_t most, std::chrono::seconds within) {
    const auto give_up = std::chrono::steady_clock::now() + within;
    while (threads() > most && std::chrono::steady_clock::now() < give_up)
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
    return threads() == most;
}

}  // namespace mainstay::test
