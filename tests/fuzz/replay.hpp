// A fuzz target as an ordinary program: it replays the files and folders given as arguments, and without any a fixed
// series of made-up inputs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace mainstay::fuzz {

inline void replay_input(const std::string& input) {
    const std::vector<std::uint8_t> bytes{input.begin(), input.end()};  // of its own size: a sanitizer sees its end
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

// The ending says how config_fuzz shall read it, as in tools/fuzz.
inline void replay_file(const std::filesystem::path& path) {
    std::ifstream file{path, std::ios::binary};
    std::string bytes{std::istreambuf_iterator<char>{file}, {}};
    if (path.extension() == ".toml") bytes.insert(0, "\001");
    if (path.extension() == ".several") bytes.insert(0, "\002");
    replay_input(bytes);
}

// `made_up` gives one input for the generator's next numbers.
template <class MadeUp>
int replay(int argc, char** argv, int rounds, MadeUp made_up) {
    for (int i = 1; i < argc; ++i) {
        if (!std::filesystem::is_directory(argv[i])) {
            replay_file(argv[i]);
            continue;
        }
        for (const auto& entry : std::filesystem::directory_iterator{argv[i]}) replay_file(entry.path());
    }
    std::mt19937 random{1};
    for (int round = 0; argc == 1 && round < rounds; ++round) replay_input(made_up(random));
    return 0;
}

}  // namespace mainstay::fuzz
