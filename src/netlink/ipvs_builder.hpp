// Builds one generic-netlink message of the IPVS family.
#pragma once

#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::netlink {

inline constexpr std::size_t kMessageBytes = 512;  // the longest operation takes some 250

// One message built with libnl. An error (no room, no memory) is stored and reported once, at the end.
class Builder {
public:
    Builder(std::uint16_t family_id, std::uint8_t command, int flags, std::uint32_t sequence, std::uint8_t version)
        : message_{nlmsg_alloc_size(kMessageBytes), nlmsg_free} {
        good_ = message_ != nullptr && genlmsg_put(message_.get(), 0, sequence, family_id, 0, flags | NLM_F_REQUEST,
                                                   command, version) != nullptr;
    }
    void bytes(int type, std::span<const std::byte> value) {
        good_ = good_ && nla_put(message_.get(), type, static_cast<int>(value.size()), value.data()) == 0;
    }
    void u8(int type, std::uint8_t value) { good_ = good_ && nla_put_u8(message_.get(), type, value) == 0; }
    void u16(int type, std::uint16_t value) { good_ = good_ && nla_put_u16(message_.get(), type, value) == 0; }
    void u32(int type, std::uint32_t value) { good_ = good_ && nla_put_u32(message_.get(), type, value) == 0; }
    void text(int type, const char* value) { good_ = good_ && nla_put_string(message_.get(), type, value) == 0; }

    template <class Body>  // a nest cannot be left open
    void nest(int type, Body&& body) {
        nlattr* start = good_ ? nla_nest_start(message_.get(), type) : nullptr;
        if (start == nullptr) {
            good_ = false;
            return;
        }
        body();
        good_ = good_ && nla_nest_end(message_.get(), start) == 0;
    }

    Result<void> append_to(std::vector<std::byte>& out) const {
        if (!good_)
            return fail(Errc::Limit, "netlink message does not fit " + std::to_string(kMessageBytes) + " bytes");
        const nlmsghdr* header = nlmsg_hdr(message_.get());
        const auto used = std::as_bytes(std::span{reinterpret_cast<const char*>(header), header->nlmsg_len});
        out.insert(out.end(), used.begin(), used.end());
        return {};
    }

private:
    std::unique_ptr<nl_msg, decltype(&nlmsg_free)> message_;
    bool good_ = false;
};

}  // namespace mainstay::netlink
