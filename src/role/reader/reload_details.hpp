// How the parts of a reload's diff write what differs.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mainstay/config/tools/differences.hpp"
#include "mainstay/role/reader/reload_diff.hpp"

namespace mainstay::role {

using Details = std::vector<ReloadDetail>;

template <class Texts, class T>
void compare(Texts& out, std::string_view what, const T& before, const T& after) {
    if (before != after) out.push_back(fmt::format("{} {} -> {}", what, before, after));
}

// Each with both values and its place in the new file, what is worse marked: it is the operator's business first.
// `place` answers where a difference is, or with nothing.
template <class Place>
void describe(Details& out, const config::Differences& differences, Place&& place) {
    for (const auto& one : differences) out.emplace_back((one.worse ? "worse: " : "") + one.text, place(one));
}

inline auto in_block(config::KeywordPlaces* places, std::string block) {
    return [places, block = std::move(block)](const config::Difference& one) {
        return places == nullptr ? std::string{} : places->of(one, block);
    };
}

// Of the instances, with their addresses and routes (instance_diff.cpp).
void diff_instances(const config::Config& running, const config::Config& next, ReloadDiff& diff,
                    config::KeywordPlaces* places);

}  // namespace mainstay::role
