// An optional and a vector of one pointer each, for structs that exist tens of thousands of times.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

namespace mainstay {

// A member that most values leave at its default: one pointer instead of the whole of T.
//
// The configuration model has structs with many members of which each object sets a few. A CompactOptional<T> reads as
// a default-constructed T until it gets another value. Copies are deep; comparison is by value. Reading looks like a
// pointer that is never null; writing is explicit: `server.notify_up.edit().user = "web"`.

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

// A list that most of its owners leave empty: a CompactOptional<std::vector> with the common members of std::vector.
// For other members use edit().

template <class T>
class CompactVector {
public:
    using value_type = T;

    CompactVector() = default;
    CompactVector(std::vector<T> values)
        : held_{std::move(values)} {}  // NOLINT: a CompactVector<T> stands wherever a list does
    CompactVector(std::initializer_list<T> values) : CompactVector{std::vector<T>{values}} {}
    CompactVector& operator=(std::initializer_list<T> values) { return *this = CompactVector{values}; }

    [[nodiscard]] const std::vector<T>& operator*() const { return *held_; }
    operator const std::vector<T>&() const { return *held_; }  // NOLINT: see the constructor
    // It allocates, so do not use it for reading.
    [[nodiscard]] std::vector<T>& edit() { return held_.edit(); }

    [[nodiscard]] bool empty() const { return held_.empty(); }
    [[nodiscard]] std::size_t size() const { return held_->size(); }
    [[nodiscard]] const T* data() const { return held_->data(); }
    [[nodiscard]] const T* begin() const { return data(); }
    [[nodiscard]] const T* end() const { return data() + size(); }
    [[nodiscard]] T* begin() { return empty() ? nullptr : edit().data(); }
    [[nodiscard]] T* end() { return begin() + size(); }
    [[nodiscard]] const T& operator[](std::size_t at) const { return (*held_)[at]; }
    [[nodiscard]] T& operator[](std::size_t at) { return edit()[at]; }
    [[nodiscard]] const T& at(std::size_t at) const { return held_->at(at); }
    [[nodiscard]] T& at(std::size_t at) { return edit().at(at); }
    [[nodiscard]] const T& front() const { return held_->front(); }
    [[nodiscard]] T& front() { return edit().front(); }
    [[nodiscard]] const T& back() const { return held_->back(); }
    [[nodiscard]] T& back() { return edit().back(); }

    void reserve(std::size_t size) {
        if (size != 0) edit().reserve(size);
    }
    void push_back(T value) { edit().push_back(std::move(value)); }
    template <class... Arguments>
    T& emplace_back(Arguments&&... arguments) {
        return edit().emplace_back(std::forward<Arguments>(arguments)...);
    }
    void clear() { held_.reset(); }
    template <class Which>
    void erase_if(Which&& which) {
        if (empty()) return;
        std::erase_if(edit(), std::forward<Which>(which));
        if (empty()) clear();
    }

    bool operator==(const CompactVector&) const = default;

private:
    CompactOptional<std::vector<T>> held_;
};

}  // namespace mainstay
