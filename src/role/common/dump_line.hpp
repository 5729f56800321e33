// How a role's process writes dump files: it has each file opened by the process at the other end of a line, which
// belongs to the supervisor (role/supervisor/dumps.hpp). It blocks, so it is for a thread or a process of its own.
#pragma once

#include <string>

#include "mainstay/base/error.hpp"
#include "mainstay/ipc/message.hpp"

namespace mainstay::role {

struct Dump {
    ipc::DumpText::What what = ipc::DumpText::What::Data;
    std::string text;
};

// Success also where the file was refused, since the other end has said why.
[[nodiscard]] Result<void> write_dump(int line, const Dump& dump);
// There is no further one. Where the other end has gone, there is nobody to tell.
void end_dumps(int line);

}  // namespace mainstay::role
