// What is made piece by piece, each when it is asked for: std::generator of C++23, which GCC 12 has not.
#pragma once

#include <coroutine>
#include <optional>
#include <string>
#include <utility>

namespace mainstay {

// The return type of a coroutine that says `co_yield value`. Its parameters are held by value, since it runs while it
// is asked, not when it is called.
template <class T>
class Generator {
public:
    struct promise_type {
        std::optional<T> value;

        Generator get_return_object() { return Generator{std::coroutine_handle<promise_type>::from_promise(*this)}; }
        static std::suspend_always initial_suspend() noexcept { return {}; }
        static std::suspend_always final_suspend() noexcept { return {}; }
        std::suspend_always yield_value(T yielded) {
            value = std::move(yielded);
            return {};
        }
        static void return_void() {}
        [[noreturn]] static void unhandled_exception() { throw; }
    };

    Generator(Generator&& other) noexcept : handle_{std::exchange(other.handle_, {})} {}
    Generator& operator=(Generator&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    Generator(const Generator&) = delete;
    Generator& operator=(const Generator&) = delete;
    ~Generator() {
        if (handle_) handle_.destroy();
    }

    // The next value; none: there are no more.
    [[nodiscard]] std::optional<T> next() {
        if (!handle_ || handle_.done()) return std::nullopt;
        handle_.promise().value.reset();
        handle_.resume();
        return std::move(handle_.promise().value);
    }

private:
    explicit Generator(std::coroutine_handle<promise_type> handle) : handle_{handle} {}
    std::coroutine_handle<promise_type> handle_;
};

[[nodiscard]] inline std::string joined(Generator<std::string> pieces) {
    std::string all;
    while (auto piece = pieces.next()) all += *piece;
    return all;
}

}  // namespace mainstay
