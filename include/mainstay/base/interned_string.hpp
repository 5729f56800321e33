// An immutable, reference-counted string: its users share one copy and have one pointer each.
//
// Thousands of checks end with the same few texts. An InternedString reads as a string, empty by default; a TextPool
// returns the same copy for equal texts. The count is not atomic: all users must belong to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mainstay {

class InternedString {
public:
    InternedString() = default;
    explicit InternedString(std::string_view text) : held_{text.empty() ? nullptr : new Held{std::string{text}}} {}
    InternedString(const InternedString& other) : held_{other.held_} {
        if (held_ != nullptr) ++held_->holders;
    }
    InternedString(InternedString&& other) noexcept : held_{std::exchange(other.held_, nullptr)} {}
    InternedString& operator=(InternedString other) noexcept {
        std::swap(held_, other.held_);
        return *this;
    }
    ~InternedString() { release(held_); }

    [[nodiscard]] std::string_view view() const { return held_ != nullptr ? held_->text : std::string_view{}; }
    [[nodiscard]] std::string text() const { return std::string{view()}; }

    friend bool operator==(const InternedString& a, const InternedString& b) {
        return a.held_ == b.held_ || a.view() == b.view();
    }
    friend bool operator==(const InternedString& a, std::string_view b) { return a.view() == b; }

private:
    struct Held {
        std::string text;
        std::size_t holders = 1;
    };
    // Not inlined, because GCC 12 would otherwise emit a false use-after-free warning.
    [[gnu::noinline]] static void release(Held* held) {
        if (held != nullptr && --held->holders == 0) delete held;
    }

    Held* held_ = nullptr;
};

// A cache of the last few texts. A text that is no longer in the cache gets a second copy, which only costs memory.
class TextPool {
public:
    static constexpr std::size_t kTextsMax = 16;

    [[nodiscard]] InternedString of(std::string_view text) {
        for (const auto& one : texts_)
            if (one == text) return one;
        InternedString made{text};
        if (texts_.size() < kTextsMax)
            texts_.push_back(made);
        else
            texts_[next_++ % kTextsMax] = made;
        return made;
    }

private:
    std::vector<InternedString> texts_;
    std::size_t next_ = 0;  // the entry to replace next
};

}  // namespace mainstay
