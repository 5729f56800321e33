#include "deadlines.hpp"

#include <bit>

namespace mainstay::vrrp {

void Deadlines::resize(std::size_t size) {
    const std::size_t leaves = std::bit_ceil(size > 0 ? size : 1);
    due_.assign(leaves, kNever);
    winners_.assign(2 * leaves, 0);
    for (std::size_t i = 0; i < leaves; ++i) winners_[leaves + i] = i;
    for (std::size_t i = leaves - 1; i > 0; --i) winners_[i] = winners_[2 * i];
}

void Deadlines::set(std::size_t position, std::optional<Instant> due) {
    const Instant next = due.value_or(kNever);
    if (due_[position] == next) return;
    due_[position] = next;
    for (std::size_t i = (due_.size() + position) / 2; i > 0; i /= 2) {
        const std::size_t left = winners_[2 * i], right = winners_[2 * i + 1];
        winners_[i] = due_[right] < due_[left] ? right : left;
    }
}

std::optional<Deadlines::Next> Deadlines::next() const {
    if (due_.empty()) return std::nullopt;
    const std::size_t first = due_.size() == 1 ? 0 : winners_[1];
    if (due_[first] == kNever) return std::nullopt;
    return Next{first, due_[first]};
}

}  // namespace mainstay::vrrp
