// A folder of its own for one test, removed at the end.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace mainstay::test {

// Empty when there is no such file.
inline std::string text_of(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

struct TemporaryFolder {
    TemporaryFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "mainstay-test.XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path = std::filesystem::canonical(pattern);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }

    [[nodiscard]] std::string at(const std::string& name) const { return path + "/" + name; }
    [[nodiscard]] std::string text(const std::string& name) const { return text_of(at(name)); }
    void write(const std::string& name, std::string_view text) const {
        std::ofstream{at(name), std::ios::binary} << text;
    }
    // Of its files and folders, sorted.
    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (const auto& entry : std::filesystem::directory_iterator{path})
            all.push_back(entry.path().filename().string());
        std::ranges::sort(all);
        return all;
    }

    std::string path;
};

}  // namespace mainstay::test
