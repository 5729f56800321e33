// A folder of its own for one test, removed at the end.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace mainstay::alert {

class TempFolder {
public:
    TempFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "mainstay-test-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;
    ~TempFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] std::string path(const std::string& below = "") const {
        return below.empty() ? path_.string() : (path_ / below).string();
    }
    void write(const std::string& name, const std::string& text) const { std::ofstream{path_ / name} << text; }
    [[nodiscard]] std::string read(const std::string& name) const {
        std::ifstream file{path_ / name};
        return {std::istreambuf_iterator<char>{file}, {}};
    }
    // Names of the files in it, sorted; folders are left out.
    [[nodiscard]] std::vector<std::string> files(const std::string& below = ".") const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator{path_ / below}) {
            if (!entry.is_directory()) names.push_back(entry.path().filename().string());
        }
        std::ranges::sort(names);
        return names;
    }

private:
    std::filesystem::path path_;
};

}  // namespace mainstay::alert
