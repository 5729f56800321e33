#include "mainstay/vrrp/pacing.hpp"

#include <algorithm>
#include <utility>

#include "mainstay/config/keywords.hpp"

namespace mainstay::vrrp {

namespace keyword = config::keyword;

namespace {

using config::Section;
using config::WordList;

std::vector<std::string> interfaces_of(const Section& group) {
    std::vector<std::string> names;
    for (const auto& value : group.values)
        if (value.keyword == keyword::interface)
            if (const auto* words = std::get_if<WordList>(&value.data))
                names.insert(names.end(), words->begin(), words->end());
    for (const Section& list : group.sections)
        if (list.keyword == keyword::interfaces)
            for (const auto& value : list.values)
                if (const auto* words = std::get_if<WordList>(&value.data))
                    names.insert(names.end(), words->begin(), words->end());
    return names;
}

}  // namespace

void Pacer::configure(const config::Config& config) {
    garp_ = config.global.vrrp_garp_interval;
    gna_ = config.global.vrrp_gna_interval;
    groups_.clear();
    for (const Section& section : config.more->sections) {
        if (section.keyword != keyword::garp_group) continue;
        groups_.push_back({interfaces_of(section), config::value_of(section.values, keyword::garp_interval),
                           config::value_of(section.values, keyword::gna_interval)});
    }
    // Queued items are sorted in again, because a group number may now mean other interfaces.
    std::map<Key, Lane> before = std::exchange(lanes_, {});
    for (auto& [key, lane] : before)
        for (Waiting& waiting : lane.waiting) {
            if (waiting.rounds == 0) continue;
            Lane& now = lanes_[key_of(waiting.network, key.second)];
            now.due = std::max(now.due, lane.due);
            now.waiting.push_back(std::move(waiting));
        }
}

const Pacer::Group* Pacer::group_of(const std::string& network) const {
    for (const Group& group : groups_)
        if (std::ranges::find(group.interfaces, network) != group.interfaces.end()) return &group;
    return nullptr;
}

// No interface has a name with a slash.
Pacer::Key Pacer::key_of(const std::string& network, Family family) const {
    const Group* group = group_of(network);
    return {group == nullptr ? network : "/" + std::to_string(group - groups_.data()), family};
}

Micros Pacer::distance(const std::string& network, Family family) const {
    const Group* group = group_of(network);
    const bool arp = family == Family::V4;
    const std::optional<Micros> own = group == nullptr ? std::nullopt : arp ? group->garp : group->gna;
    return own.value_or(arp ? garp_ : gna_);
}

Micros Pacer::distance_of(const Key& key) const {
    const auto& [name, family] = key;
    if (!name.starts_with('/')) return distance(name, family);
    const Group& group = groups_.at(std::stoul(name.substr(1)));
    return group.interfaces.empty() ? Micros{0} : distance(group.interfaces.front(), family);
}

void Pacer::ask(const std::string& network, Item item, std::uint32_t rounds, Instant now) {
    const Key key = key_of(network, item.address.family());
    Lane& lane = lanes_[key];
    if (lane.waiting.empty()) lane.due = std::max(lane.due, now);
    const auto have = std::ranges::find(lane.waiting, item, &Waiting::item);
    if (have != lane.waiting.end())
        have->rounds = std::max(have->rounds, rounds);
    else
        lane.waiting.push_back({std::move(item), network, rounds});
}

void Pacer::forget(const Item& item) {
    for (auto& [key, lane] : lanes_) {
        const auto have = std::ranges::find(lane.waiting, item, &Waiting::item);
        if (have == lane.waiting.end()) continue;
        if (static_cast<std::size_t>(have - lane.waiting.begin()) < lane.next) --lane.next;
        lane.waiting.erase(have);
    }
}

std::vector<Pacer::Item> Pacer::take_due(Instant now) {
    std::vector<Item> due;
    for (auto& [key, lane] : lanes_) {
        if (lane.waiting.empty() || lane.due > now) continue;
        if (lane.next >= lane.waiting.size()) lane.next = 0;
        Waiting& waiting = lane.waiting[lane.next];
        due.push_back(waiting.item);
        if (waiting.rounds <= 1)
            lane.waiting.erase(lane.waiting.begin() + static_cast<std::ptrdiff_t>(lane.next));
        else
            --waiting.rounds, ++lane.next;
        // Counted from now, not from when it was due: lateness must not shorten a delay.
        lane.due = now + distance_of(key);
    }
    return due;
}

std::optional<Instant> Pacer::deadline() const {
    std::optional<Instant> earliest;
    for (const auto& [key, lane] : lanes_)
        if (!lane.waiting.empty() && (!earliest || lane.due < *earliest)) earliest = lane.due;
    return earliest;
}

}  // namespace mainstay::vrrp
