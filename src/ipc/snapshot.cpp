#include "mainstay/ipc/snapshot.hpp"

#include <algorithm>
#include <cstring>
#include <span>

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
    explicit Walk(Window& window) : window_{window} {
        const auto length = window.number(0);
        at_ = sizeof(std::uint32_t);
        ok_ = length && *length <= window.size() - at_;
        if (ok_) end_ = at_ + *length;
    }
    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] bool at_end() const { return !ok_ || at_ >= end_; }

    std::uint32_t count() {
        const auto found = ok_ && end_ - at_ >= sizeof(std::uint32_t) ? window_.number(at_) : std::nullopt;
        if (found) at_ += sizeof(std::uint32_t);
        // A piece has at least four bytes.
        ok_ = found && *found <= (end_ - at_) / sizeof(std::uint32_t);
        return ok_ ? *found : 0;
    }
    // Valid until the next call; empty at the end.
    std::span<const std::byte> piece() {
        const auto length = ok_ && end_ - at_ >= sizeof(std::uint32_t) ? window_.number(at_) : std::nullopt;
        ok_ = length && *length <= end_ - at_ - sizeof(std::uint32_t);
        if (!ok_) return {};
        const auto found = window_.bytes(at_, sizeof(std::uint32_t) + *length);
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
    Window& window_;
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
        for (std::uint32_t i = 0; i < count && !others && next_.ok(); ++i) {
            const auto was = running_.piece(), is = next_.piece();
            if (same(was, is)) continue;
            if constexpr (std::is_same_v<T, config::VirtualServer>) {
                auto& change = changed.emplace_back(config::ServiceChange{.at = i, .before = {}, .after = {}});
                running_.take_from(was, change.before);
                next_.take_from(is, change.after);
            } else {
                others = true;
            }
        }
    }

    Walk& running_;
    Walk& next_;
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
