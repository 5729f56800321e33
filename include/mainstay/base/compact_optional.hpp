// A member that most values leave at its default: one pointer instead of the whole of T.
//
// Large models are made of structs with many members of which each value sets a few. A CompactOptional<T> reads as a
// default-constructed T until it is given another value; copies are deep, and two are equal when what they read as is.
// Reading looks like a pointer that is never null; writing is spelled out: `server.notify_up.edit().user = "web"`.
#pragma once

#include <memory>
#include <utility>

namespace mainstay {

template <class T>
class CompactOptional {
public:
    CompactOptional() = default;
    CompactOptional(T value) { *this = std::move(value); }  // NOLINT: a CompactOptional<T> stands wherever a T does
    CompactOptional(const CompactOptional& other) : held_{copy_of(other)} {}
    CompactOptional(CompactOptional&&) noexcept = default;
    CompactOptional& operator=(const CompactOptional& other) {
        if (this != &other) held_ = copy_of(other);
        return *this;
    }
    CompactOptional& operator=(CompactOptional&&) noexcept = default;
    CompactOptional& operator=(T value) {
        held_ = value == none() ? nullptr : std::make_unique<T>(std::move(value));
        return *this;
    }
    ~CompactOptional() = default;

    // Never dangling: valid until the next change of this CompactOptional.
    [[nodiscard]] const T& operator*() const { return held_ ? *held_ : none(); }
    [[nodiscard]] const T* operator->() const { return &**this; }
    operator const T&() const { return **this; }  // NOLINT: see the constructor
    [[nodiscard]] bool empty() const              // of strings, lists, commands
        requires requires(const T& value) { value.empty(); }
    {
        return (**this).empty();
    }

    // For changing a part of the value. Takes memory from then on, so it is not for reading.
    [[nodiscard]] T& edit() {
        if (!held_) held_ = std::make_unique<T>();
        return *held_;
    }
    // Likewise, and takes none when nothing is left that differs from the default. `what` is called with a T&.
    template <class F>
    void change(F&& what) {
        T value = **this;
        what(value);
        *this = std::move(value);
    }
    void reset() { held_.reset(); }

    friend bool operator==(const CompactOptional& a, const CompactOptional& b) {
        return a.held_ == b.held_ || *a == *b;
    }
    friend bool operator==(const CompactOptional& a, const T& b) { return *a == b; }

private:
    static const T& none() {
        static const T kNone{};
        return kNone;
    }
    static std::unique_ptr<T> copy_of(const CompactOptional& other) {
        return other.held_ ? std::make_unique<T>(*other.held_) : nullptr;
    }

    std::unique_ptr<T> held_;
};

}  // namespace mainstay
