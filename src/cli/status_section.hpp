// Which part of the status a command shows.
#pragma once

#include <cstdint>

namespace mainstay::cli {

enum class StatusSection : std::uint8_t { All, Vrrp, Lvs };  // Vrrp: with the BFD sessions

}  // namespace mainstay::cli
