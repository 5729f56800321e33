// Messages of DNS written as text, and read.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "mainstay/wire/dns.hpp"

namespace mainstay::test {

inline std::span<const std::byte> bytes(const std::string& text) { return std::as_bytes(std::span{text}); }
inline Result<wire::DnsAnswer> read(const std::string& message) { return wire::dns_answer(bytes(message)); }
inline std::string u16(unsigned value) { return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)}; }

}  // namespace mainstay::test
