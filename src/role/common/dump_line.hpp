// How a role's process writes dump files: the process at the other end of a line, which belongs to the supervisor,
// opens them and hands them out, all at once and unasked (role/supervisor/dumps.hpp). Writing blocks: it is for a
// thread or a process of its own.
#pragma once

#include <map>
#include <string>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/message.hpp"

namespace mainstay::role {

struct Dump {
    ipc::DumpText::What what = ipc::DumpText::What::Data;
    std::string text;
};

class DumpLine {
public:
    explicit DumpLine(int line) : line_{line} {}  // which must outlive it

    // Success also where there is no such file: the other end has said why it could not be opened.
    [[nodiscard]] Result<void> write(const Dump& dump);
    // There is no further one. Where the other end has gone, there is nobody to tell.
    void end();

private:
    [[nodiscard]] Result<void> receive();  // one word
    [[nodiscard]] Result<UniqueFd> file_for(ipc::DumpText::What what);

    int line_;
    std::map<ipc::DumpText::What, UniqueFd> files_;  // that came; an empty one could not be opened
    bool all_came_ = false;
};

}  // namespace mainstay::role
