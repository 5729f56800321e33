#include "plain_quote.hpp"

#include <cstddef>

namespace mainstay::config {

std::string plain_quote(std::string_view text) {
    static constexpr std::string_view kPlain = ".:[]_-/%+=@, ";
    static constexpr std::size_t kBytesMax = 64;
    std::string out{"'"};
    for (const char c : text.substr(0, kBytesMax)) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           kPlain.find(c) != std::string_view::npos;
        out += plain ? c : '?';
    }
    return out + (text.size() > kBytesMax ? "...'" : "'");
}

}  // namespace mainstay::config
