// Finds a checker's position by its id. Entries are small, because there are tens of thousands.
#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace mainstay::lvs {

// Never reused within a process, so that the result of a check that a reload removed matches no other check.
using CheckerId = std::uint64_t;

struct ServerRef {  // indices: of a service, a server in it
    std::size_t service = 0, server = 0;
    auto operator<=>(const ServerRef&) const = default;
};
struct CheckerRef : ServerRef {
    std::size_t checker = 0;
};

class CheckerIndex {
public:
    void clear() { entries_.clear(); }
    void reserve(std::size_t count) { entries_.reserve(count); }
    // In any order; call sort() before a lookup.
    void add(CheckerId id, const CheckerRef& place) {
        entries_.push_back({static_cast<std::uint32_t>(id >> kHalf), static_cast<std::uint32_t>(id),
                            static_cast<std::uint32_t>(place.service), static_cast<std::uint32_t>(place.server),
                            static_cast<std::uint32_t>(place.checker)});
    }
    void sort() { std::ranges::sort(entries_, {}, &Entry::id); }

    [[nodiscard]] std::optional<CheckerRef> find(CheckerId id) const {
        const auto found = std::ranges::lower_bound(entries_, id, {}, &Entry::id);
        if (found == entries_.end() || found->id() != id) return std::nullopt;
        return found->place();
    }
    [[nodiscard]] CheckerRef at(CheckerId id) const { return find(id).value(); }
    [[nodiscard]] bool contains(CheckerId id) const { return find(id).has_value(); }

    // All of them, by id.
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    [[nodiscard]] CheckerId id(std::size_t number) const { return entries_[number].id(); }
    [[nodiscard]] CheckerRef place(std::size_t number) const { return entries_[number].place(); }

private:
    static constexpr unsigned kHalf = 32;
    struct Entry {  // an id in halves: 20 bytes, not 24
        std::uint32_t id_high, id_low;
        std::uint32_t service, server, checker;
        [[nodiscard]] CheckerId id() const { return CheckerId{id_high} << kHalf | id_low; }
        [[nodiscard]] CheckerRef place() const { return {{service, server}, checker}; }
    };
    std::vector<Entry> entries_;
};

}  // namespace mainstay::lvs
