// A list that most of its owners leave empty: one pointer instead of the three of a std::vector.
//
// It reads and is filled as a std::vector; what is missing here is to be had from `edit`. Copies are deep.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

namespace mainstay {

template <class T>
class Few {
public:
    using value_type = T;

    Few() = default;
    Few(std::vector<T> values) { *this = std::move(values); }  // NOLINT: a Few<T> stands wherever a list does
    Few(std::initializer_list<T> values) : Few{std::vector<T>{values}} {}
    Few(const Few& other) : Few{*other} {}
    Few(Few&&) noexcept = default;
    Few& operator=(const Few& other) { return *this = *other; }
    Few& operator=(Few&&) noexcept = default;
    Few& operator=(std::vector<T> values) {
        held_ = values.empty() ? nullptr : std::make_unique<std::vector<T>>(std::move(values));
        return *this;
    }
    Few& operator=(std::initializer_list<T> values) { return *this = std::vector<T>{values}; }
    ~Few() = default;

    [[nodiscard]] const std::vector<T>& operator*() const { return held_ ? *held_ : none(); }
    operator const std::vector<T>&() const { return **this; }  // NOLINT: see the constructor
    // Takes memory from then on, so it is not for reading.
    [[nodiscard]] std::vector<T>& edit() {
        if (!held_) held_ = std::make_unique<std::vector<T>>();
        return *held_;
    }

    [[nodiscard]] bool empty() const { return size() == 0; }
    [[nodiscard]] std::size_t size() const { return (**this).size(); }
    [[nodiscard]] const T* data() const { return (**this).data(); }
    [[nodiscard]] const T* begin() const { return data(); }
    [[nodiscard]] const T* end() const { return data() + size(); }
    [[nodiscard]] T* begin() { return held_ ? held_->data() : nullptr; }
    [[nodiscard]] T* end() { return begin() + size(); }
    [[nodiscard]] const T& operator[](std::size_t at) const { return (*held_)[at]; }
    [[nodiscard]] T& operator[](std::size_t at) { return (*held_)[at]; }
    [[nodiscard]] const T& at(std::size_t at) const { return (**this).at(at); }
    [[nodiscard]] T& at(std::size_t at) { return edit().at(at); }
    [[nodiscard]] const T& front() const { return held_->front(); }
    [[nodiscard]] T& front() { return held_->front(); }
    [[nodiscard]] const T& back() const { return held_->back(); }
    [[nodiscard]] T& back() { return held_->back(); }

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
        if (held_ && std::erase_if(*held_, std::forward<Which>(which)) != 0 && held_->empty()) clear();
    }

    friend bool operator==(const Few& a, const Few& b) { return *a == *b; }

private:
    static const std::vector<T>& none() {
        static const std::vector<T> kNone;
        return kNone;
    }

    std::unique_ptr<std::vector<T>> held_;
};

}  // namespace mainstay
