// What the observer keeps on disk is for its own account alone.
#pragma once

#include <sys/types.h>

namespace mainstay::role {

inline constexpr mode_t kFolderMode = 0700, kFileMode = 0600;

}  // namespace mainstay::role
