// What the files of the program kernel_probe share.
#pragma once

#include <string>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::probe_tool {

using Arguments = std::vector<std::string>;  // the command's name first

// Prints the error as a line of JSON; 1, the exit status.
int report(const Error& error);

int ipvs_perform(const Arguments& arguments);  // operations, one per line of stdin
int ipvs_dump(const Arguments& arguments);
int ipvs_flush(const Arguments& arguments);
int ipvs_daemons(const Arguments& arguments);  // INTERFACE TIMES: starts and stops the sync daemons
int bfd_sessions(const Arguments& arguments);  // bfd_probe.cpp

}  // namespace mainstay::probe_tool
