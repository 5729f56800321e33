// What a script writes to its standard error, of which the last lines are kept (decision 25).
//
// The script's end is open for reading and writing, so the pipe has a reader as long as anybody can write: neither the
// script nor what it leaves running ever gets SIGPIPE, whoever of us ends first.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "process.hpp"

namespace mainstay::kernel {

inline constexpr std::size_t kErrorBytesKept = 400;  // of the last lines, with what separates them
inline constexpr std::size_t kErrorLinesKept = 4;

// The last lines of what a program has written, on one line: "a | b". Empty lines are left out, control characters and
// what is not UTF-8 are replaced by '?'; what is longer than kErrorBytesKept loses its beginning: "...b".
[[nodiscard]] std::string last_lines(std::string_view written);

class ErrorPipe {
public:
    // `owner` may open it again, as `echo x >/dev/stderr` does.
    [[nodiscard]] static Result<ErrorPipe> make(const Account& owner);
    ErrorPipe(ErrorPipe&&) = default;
    ErrorPipe& operator=(ErrorPipe&&) = delete;
    ~ErrorPipe() { release(); }

    [[nodiscard]] int script_end() const { return script_end_.get(); }
    [[nodiscard]] int reading_end() const { return reading_end_.get(); }  // does not block
    // Reads once and returns the number of bytes; 0: there is nothing now.
    std::size_t take();
    [[nodiscard]] std::string text() const { return last_lines(kept_); }
    // The script is over. What still runs of it is not waited for: when nobody reads any more and the pipe is full, its
    // writes fail with EAGAIN and never block.
    void release();

private:
    ErrorPipe(UniqueFd script_end, UniqueFd reading_end)
        : script_end_{std::move(script_end)}, reading_end_{std::move(reading_end)} {}
    UniqueFd script_end_, reading_end_;
    std::string kept_;
};

}  // namespace mainstay::kernel
