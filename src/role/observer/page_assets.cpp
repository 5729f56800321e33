#include "page_assets.hpp"

#include <algorithm>

namespace mainstay::role {

std::optional<PageAsset> page_asset(std::string_view path) {
    const auto all = page_assets();
    const auto found = std::ranges::find(all, path, &PageAsset::path);
    return found == all.end() ? std::nullopt : std::optional{*found};
}

}  // namespace mainstay::role
