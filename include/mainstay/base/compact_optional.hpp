// A member that most values leave at its default: one pointer instead of the whole of T.
//
// The configuration model has structs with many members of which each object sets a few. A CompactOptional<T> reads as
// a default-constructed T until it gets another value. Copies are deep; comparison is by value. Reading looks like a
// pointer that is never null; writing is explicit: `server.notify_up.edit().user = "web"`.
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

    // For changing part of the value. It allocates, so do not use it for reading.
    [[nodiscard]] T& edit() {
        if (!held_) held_ = std::make_unique<T>();
        return *held_;
    }
    // Like edit(), but frees the memory if the value is then the default. `what` is called with a T&.
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
