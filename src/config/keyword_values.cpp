#include "mainstay/config/keyword_values.hpp"

#include <algorithm>

namespace mainstay::config {
namespace {

template <class T>
std::vector<const T*> all_of(const std::vector<T>& list, std::string_view keyword) {
    std::vector<const T*> found;
    for (const T& one : list)
        if (one.keyword == keyword) found.push_back(&one);
    return found;
}

template <class T>
void collect(const std::vector<T>& before, const std::vector<T>& after, WordList& changed) {
    const auto same = [](const T* a, const T* b) { return *a == *b; };
    for (const auto* list : {&before, &after})
        for (const T& one : *list)
            if (!std::ranges::equal(all_of(before, one.keyword), all_of(after, one.keyword), same))
                changed.push_back(one.keyword);
}

}  // namespace

WordList changed_keywords(const ExtraSettings& before, const ExtraSettings& after) {
    WordList changed;
    collect(before.values, after.values, changed);
    collect(before.sections, after.sections, changed);
    std::ranges::sort(changed);
    const auto twice = std::ranges::unique(changed);
    changed.erase(twice.begin(), twice.end());
    return changed;
}

}  // namespace mainstay::config
