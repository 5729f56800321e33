// Errors are values: what was attempted, on what, and why it failed.
//
// A function that can fail returns Result<T>. Callers add context on the way up with `with()`; the text is logged
// once, where the error stops travelling. Exceptions are for bugs and stay inside third-party calls.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace mainstay {

enum class Errc : std::uint8_t {
    Invalid,      // bytes, text or a value that is not acceptable
    NotFound,     // the named thing does not exist
    Exists,       // it exists already
    Permission,   // a privilege is missing
    Unsupported,  // the kernel or the build lacks it
    Timeout,
    Limit,  // a named limit was reached
    Io,     // any other system call failure; see sys_errno()
    State,  // not possible in this state
};

class Error {
public:
    Error(Errc code, std::string text, int sys_errno = 0)
        : text_{std::move(text)}, sys_errno_{sys_errno}, code_{code} {}

    // From a failed system call: `attempted` names the call and its object, e.g. "open /etc/x.conf".
    // The code follows from the errno (ENOENT NotFound, EPERM/EACCES Permission, EEXIST Exists, otherwise Io).
    [[nodiscard]] static Error system(std::string_view attempted, int sys_errno);

    [[nodiscard]] Errc code() const { return code_; }
    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] int sys_errno() const { return sys_errno_; }

    // Puts "context: " in front of the text.
    [[nodiscard]] Error with(std::string_view context) &&;

private:
    std::string text_;
    int sys_errno_;
    Errc code_;
};

template <class T>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(Errc code, std::string text, int sys_errno = 0) {
    return std::unexpected{Error{code, std::move(text), sys_errno}};
}
[[nodiscard]] inline std::unexpected<Error> fail_system(std::string_view attempted, int sys_errno) {
    return std::unexpected{Error::system(attempted, sys_errno)};
}
// The error of a result that has one, for the caller: `if (!links) return error_of(links, "announce addresses");`.
template <class R>
[[nodiscard]] auto error_of(R& result) {
    return std::unexpected{std::move(result.error())};
}
template <class R>
[[nodiscard]] auto error_of(R& result, std::string_view context) {
    return std::unexpected{Error{std::move(result.error())}.with(context)};
}

}  // namespace mainstay
