#include "mainstay/base/error.hpp"

#include <cerrno>
#include <cstring>

namespace mainstay {

Error Error::system(std::string_view attempted, int sys_errno) {
    Errc code = Errc::Io;
    switch (sys_errno) {
        case ENOENT:
            code = Errc::NotFound;
            break;
        case EPERM:
        case EACCES:
            code = Errc::Permission;
            break;
        case EEXIST:
            code = Errc::Exists;
            break;
        case ETIMEDOUT:
            code = Errc::Timeout;
            break;
        case EOPNOTSUPP:
        case EAFNOSUPPORT:
        case EPROTONOSUPPORT:
            code = Errc::Unsupported;
            break;
        default:
            break;
    }
    const char* text = std::strerror(sys_errno);  // NOLINT(concurrency-mt-unsafe): glibc has a buffer for each thread
    return Error{code, std::string{attempted} + ": " + text, sys_errno};
}

Error Error::with(std::string_view context) && {
    text_.insert(0, ": ");
    text_.insert(0, context);
    return std::move(*this);
}

}  // namespace mainstay
