#include "mount_table.hpp"

#include <sstream>
#include <string_view>
#include <utility>

namespace mainstay::kernel {
namespace {

// Decodes mountinfo's octal escapes, such as "\040" for a blank.
std::string unescaped(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto digits = text.substr(i + 1, 3);
        if (text[i] == '\\' && digits.size() == 3 && digits.find_first_not_of("01234567") == std::string_view::npos) {
            plain += static_cast<char>((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + (digits[2] - '0'));
            i += 3;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

}  // namespace

// "23 29 0:22 / /proc rw,nosuid shared:13 - proc proc rw,hidepid=invisible"
std::vector<Mount> read_mounts(std::istream& mountinfo) {
    std::vector<Mount> mounts;
    for (std::string line; std::getline(mountinfo, line);) {
        std::istringstream words{line};
        std::string skip, point;
        words >> skip >> skip >> skip >> skip >> point;
        while (words >> skip && skip != "-") {
        }
        Mount mount{unescaped(point), {}, {}};
        words >> mount.type >> skip >> mount.options;
        mounts.push_back(std::move(mount));
    }
    return mounts;
}

}  // namespace mainstay::kernel
