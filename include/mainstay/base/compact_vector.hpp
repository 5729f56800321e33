// A list that most of its owners leave empty: a CompactOptional<std::vector> with the common members of std::vector.
// For other members use edit().
#pragma once

#include <cstddef>
#include <initializer_list>
#include <utility>
#include <vector>

#include "compact_optional.hpp"

namespace mainstay {

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
