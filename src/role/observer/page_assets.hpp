// The files of the live page (page/), which are part of the program.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace mainstay::role {

struct PageAsset {
    std::string_view path;  // "/", "/page/page.css"
    std::string_view content_type, body;
};

[[nodiscard]] std::span<const PageAsset> page_assets();
// By exactly this path.
[[nodiscard]] std::optional<PageAsset> page_asset(std::string_view path);

}  // namespace mainstay::role
