// The files of one dump: made by a child of the supervisor, as root, since they lie where only root may write; written
// by the observer. The child gives the observer a descriptor for each file that it wants, and moves the file to its
// place on the observer's word. No text crosses the line between the two, so root never writes what a role has made.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "mainstay/base/log.hpp"
#include "mainstay/ipc/message.hpp"
#include "role/common/daemon_settings.hpp"

namespace mainstay::role {

inline constexpr std::chrono::seconds kDumpLimit{60};  // for all files of one dump

struct DumpFiles {
    std::map<ipc::DumpText::What, std::string> paths;  // that this dump may write, each of them once
    std::uint32_t mode = 0600;
};

// Which files a signal asks for, and where they go. `folder`: for those whose path is not configured.
[[nodiscard]] DumpFiles dump_files(int signal, const ipc::DaemonSettings& settings, const std::string& folder,
                                   const std::string& instance_suffix);

// In the child. Returns when the observer has said that there is no more, when it has gone, when it has said what it
// may not (false), or at the limit; what is not in its place by then is removed.
[[nodiscard]] bool hand_out_dump_files(int line, const DumpFiles& files, std::chrono::milliseconds limit, Log& log);

}  // namespace mainstay::role
