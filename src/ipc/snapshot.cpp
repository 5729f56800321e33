#include "mainstay/ipc/snapshot.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <span>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "mainstay/config/members.hpp"
#include "mainstay/ipc/shared.hpp"
#include "memfd.hpp"

namespace mainstay::ipc {
namespace {

constexpr std::size_t kWindow = 64 * 1024;

// Reads a file through a buffer that moves forward.
class Window {
public:
    explicit Window(int fd) : fd_{fd} {
        if (auto size = sealed_size(fd))
            size_ = *size;
        else
            failure_ = std::move(size.error());
    }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }

    // Valid until the next call. None: fewer bytes are left, or they cannot be read.
    std::optional<std::span<const std::byte>> bytes(std::size_t at, std::size_t length) {
        if (failure_ || at > size_ || length > size_ - at) return std::nullopt;
        if (at < start_ || at + length > start_ + filled_) {
            if (!fill(at, length)) return std::nullopt;
        }
        return std::span<const std::byte>{buffer_}.subspan(at - start_, length);
    }
    std::optional<std::uint32_t> number(std::size_t at) {
        std::uint32_t value = 0;
        const auto found = bytes(at, sizeof value);
        if (!found) return std::nullopt;
        std::memcpy(&value, found->data(), sizeof value);
        return value;
    }

private:
    bool fill(std::size_t at, std::size_t length) {
        if (buffer_.size() < length || buffer_.empty()) buffer_.resize(std::max(length, std::min(kWindow, size_)));
        const std::size_t wanted = std::min(buffer_.size(), size_ - at);
        start_ = at;
        filled_ = 0;
        if (auto read = read_at(fd_, at, std::span{buffer_}.first(wanted)); !read) {
            failure_ = std::move(read.error());
            return false;
        }
        filled_ = wanted;
        return true;
    }

    int fd_;
    std::optional<Error> failure_;
    std::size_t size_ = 0, start_ = 0, filled_ = 0;
    std::vector<std::byte> buffer_;
};

// Walks over the encoding of one struct and of the lists in it, like Decoder, and yields their elements as whole
// pieces, each with its length prefix.
class Walk {
public:
    explicit Walk(Window& window) : window_{&window} {
        const auto length = window.number(0);
        at_ = sizeof(std::uint32_t);
        ok_ = length && *length <= window.size() - at_;
        if (ok_) end_ = at_ + *length;
    }
    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] bool at_end() const { return !ok_ || at_ >= end_; }

    std::uint32_t count() {
        const auto found = ok_ && end_ - at_ >= sizeof(std::uint32_t) ? window_->number(at_) : std::nullopt;
        if (found) at_ += sizeof(std::uint32_t);
        // A piece has at least four bytes.
        ok_ = found && *found <= (end_ - at_) / sizeof(std::uint32_t);
        return ok_ ? *found : 0;
    }
    // Valid until the next call; empty at the end.
    std::span<const std::byte> piece() {
        const auto length = ok_ && end_ - at_ >= sizeof(std::uint32_t) ? window_->number(at_) : std::nullopt;
        ok_ = length && *length <= end_ - at_ - sizeof(std::uint32_t);
        if (!ok_) return {};
        const auto found = window_->bytes(at_, sizeof(std::uint32_t) + *length);
        ok_ = found.has_value();
        if (!ok_) return {};
        at_ += found->size();
        return *found;
    }
    template <class T>
    void take(T& out) {
        const auto bytes = piece();
        if (ok_) take_from(bytes, out);
    }
    template <class T>
    void take_from(std::span<const std::byte> bytes, T& out) {
        Decoder decoder{bytes};
        decoder.value(out);
        ok_ = ok_ && decoder.ok();
    }

private:
    Window* window_;
    std::size_t at_ = 0, end_ = 0;
    bool ok_ = true;
};

// Both are archives for fields(), so that the codec's list of members is used.
class Reading {
public:
    explicit Reading(Walk& walk) : walk_{walk} {}
    template <class... T>
    void operator()(T&... values) {
        (get(values), ...);
    }

private:
    template <class T>
    void get(T& out) {
        if (!walk_.at_end()) walk_.take(out);
    }
    template <class T>
    void get(std::vector<T>& out) {
        if (walk_.at_end()) return;
        const auto count = walk_.count();
        out.reserve(count);
        for (std::uint32_t i = 0; i < count && walk_.ok(); ++i) walk_.take(out.emplace_back());
    }

    Walk& walk_;
};

// std::ranges::equal compares byte by byte, which is slower.
bool same(std::span<const std::byte> one, std::span<const std::byte> other) {
    return one.size() == other.size() && (one.empty() || std::memcmp(one.data(), other.data(), one.size()) == 0);
}

// What the pieces of two lists have in common: the same ones in the same order, found by hashes of their bytes.
using Hashes = std::vector<std::size_t>;

// Of the next pieces of a walk, which stays where it is.
Hashes hashes_of(Walk walk, std::uint32_t count) {
    Hashes hashes;
    hashes.reserve(count);
    for (std::uint32_t i = 0; i < count && walk.ok(); ++i) {
        const auto bytes = walk.piece();
        const auto* const text = reinterpret_cast<const char*>(bytes.data());
        hashes.push_back(std::hash<std::string_view>{}({text, bytes.size()}));
    }
    return hashes;
}

// How many pieces follow each other on both sides before the next one that both have: {of the first, of the second}.
// After them comes one that is the same, or the end of both.
using Gap = std::pair<std::size_t, std::size_t>;

std::vector<Gap> gaps_between(const Hashes& running, const Hashes& next) {
    std::unordered_map<std::size_t, std::size_t> places;  // the last one where a piece is there twice
    for (std::size_t at = 0; at < running.size(); ++at) places.insert_or_assign(running[at], at);
    std::vector<Gap> gaps;
    std::size_t was = 0, is = 0;
    for (std::size_t at = 0; at < next.size(); ++at) {
        const auto found = places.find(next[at]);
        if (found == places.end() || found->second < was) continue;
        gaps.emplace_back(found->second - was, at - is);
        was = found->second + 1;
        is = at + 1;
    }
    gaps.emplace_back(running.size() - was, next.size() - is);
    return gaps;
}

// By which a service that has changed is known again.
auto identity(const config::VirtualServer& service) {
    return std::tuple{service.endpoint, service.fwmark, *service.group, service.family, service.protocol};
}

class Comparing {
public:
    Comparing(Walk& running, Walk& next) : running_{running}, next_{next} {}
    template <class... T>
    void operator()(T&... members) {
        (compare(members), ...);
    }

    bool others = false;  // something other than virtual servers differs
    std::vector<config::ServiceChange> changed;

private:
    using Change = config::ServiceChange;
    using Services = std::vector<config::VirtualServer>;

    [[nodiscard]] bool at_end() {
        others = others || running_.at_end() != next_.at_end();
        return others || next_.at_end();
    }
    template <class T>
    void compare(T&) {
        if (!at_end()) others = !same(running_.piece(), next_.piece());
    }
    template <class T>
    void compare(std::vector<T>&) {
        if (at_end()) return;
        const auto count = next_.count();
        others = running_.count() != count;
        for (std::uint32_t i = 0; i < count && !others && next_.ok(); ++i)
            others = !same(running_.piece(), next_.piece());
    }
    void compare(Services&) {
        if (at_end()) return;
        const auto running = running_.count(), next = next_.count();
        std::uint32_t begin = 0;
        for (; begin < std::min(running, next) && next_.ok(); ++begin) {
            const Walk was = running_, is = next_;
            if (same(running_.piece(), next_.piece())) continue;
            running_ = was, next_ = is;
            break;
        }
        if (begin == running && begin == next) return;
        was_ = is_ = begin;
        const auto gaps = gaps_between(hashes_of(running_, running - begin), hashes_of(next_, next - begin));
        for (std::size_t i = 0; i < gaps.size() && !others && next_.ok(); ++i) {
            pass(gaps[i]);
            if (i + 1 == gaps.size()) continue;
            others = !same(running_.piece(), next_.piece());
            ++was_, ++is_;
        }
    }

    // What differs between two services that are the same.
    void pass(const Gap& gap) {
        auto before = taken(running_, gap.first), after = taken(next_, gap.second);
        std::map<decltype(identity(before[0])), std::size_t> places;
        for (std::size_t at = 0; at < before.size(); ++at) places.emplace(identity(before[at]), at);
        std::size_t passed = 0;
        const auto remove_until = [&](std::size_t end) {
            for (; passed < end; ++passed)
                changed.push_back({was_ + passed, std::move(before[passed]), {}, Change::Kind::Removed});
        };
        for (std::size_t at = 0; at < after.size(); ++at) {
            const auto found = places.find(identity(after[at]));
            if (found == places.end() || found->second < passed) {
                changed.push_back({is_ + at, {}, std::move(after[at]), Change::Kind::Added});
                continue;
            }
            remove_until(found->second);
            changed.push_back({is_ + at, std::move(before[passed]), std::move(after[at]), Change::Kind::Changed});
            ++passed;
        }
        remove_until(before.size());
        was_ += before.size(), is_ += after.size();
    }
    static Services taken(Walk& walk, std::size_t count) {
        Services services;
        for (std::size_t i = 0; i < count && walk.ok(); ++i) walk.take(services.emplace_back());
        return services;
    }

    Walk& running_;
    Walk& next_;
    std::size_t was_ = 0, is_ = 0;  // the indexes of the services that the walks have come to
};

Error problem_of(const Window& window) {
    if (window.failure()) return *window.failure();
    return std::move(fail(Errc::Invalid, "the bytes end early or hold an impossible length").error());
}

}  // namespace

Result<config::Config> read_snapshot(int fd) {
    Window window{fd};
    Walk walk{window};
    config::Config config;
    Reading reading{walk};
    if (walk.ok()) fields(reading, config);
    if (!walk.ok()) return std::unexpected{problem_of(window)};
    return config;
}

Result<std::optional<std::vector<config::ServiceChange>>> changed_services(int running, int next) {
    Window running_window{running}, next_window{next};
    Walk running_walk{running_window}, next_walk{next_window};
    Comparing comparing{running_walk, next_walk};
    config::Config members;
    if (running_walk.ok() && next_walk.ok()) fields(comparing, members);
    if (!next_walk.ok()) return std::unexpected{problem_of(next_window)};
    if (comparing.others || !running_walk.ok()) return std::nullopt;
    return std::move(comparing.changed);
}

}  // namespace mainstay::ipc
