// One request, built by libmnl in a buffer of `Limit` bytes that every request of its kind fits into.
#pragma once

#include <libmnl/libmnl.h>
#include <linux/netlink.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace mainstay::netlink {

template <std::size_t Limit>
class RequestBuffer {
public:
    RequestBuffer(std::uint16_t type, std::uint16_t flags, std::uint32_t sequence)
        : header_{mnl_nlmsg_put_header(bytes_.data())} {
        header_->nlmsg_type = type;
        header_->nlmsg_flags = flags;
        header_->nlmsg_seq = sequence;
    }
    RequestBuffer(const RequestBuffer&) = delete;  // the header points into it
    RequestBuffer& operator=(const RequestBuffer&) = delete;

    [[nodiscard]] nlmsghdr* header() { return header_; }
    template <class T>
    [[nodiscard]] T* body() {
        return static_cast<T*>(mnl_nlmsg_put_extra_header(header_, sizeof(T)));
    }
    void append_to(std::vector<std::byte>& out) const {
        const auto used = std::span{bytes_}.first(header_->nlmsg_len);
        out.insert(out.end(), used.begin(), used.end());
    }

private:
    alignas(NLMSG_ALIGNTO) std::array<std::byte, Limit> bytes_{};
    nlmsghdr* header_;
};

}  // namespace mainstay::netlink
