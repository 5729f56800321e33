// The name of this process, as the kernel shows it.
#pragma once

#include <fstream>
#include <string>

namespace mainstay::role::test {

inline std::string own_name() {
    std::string name;
    std::getline(std::ifstream{"/proc/self/comm"}, name);
    return name;
}

}  // namespace mainstay::role::test
