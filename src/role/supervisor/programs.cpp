#include "mainstay/role/supervisor/programs.hpp"

#include <unistd.h>

#ifndef MAINSTAY_LIBEXECDIR
#define MAINSTAY_LIBEXECDIR "/usr/libexec/mainstay"
#endif

namespace mainstay::role {

std::string program_path(const std::string& supervisor, const std::string& name) {
    auto beside = supervisor.substr(0, supervisor.rfind('/') + 1) + name;
    return ::access(beside.c_str(), X_OK) == 0 ? beside : MAINSTAY_LIBEXECDIR "/" + name;
}

}  // namespace mainstay::role
