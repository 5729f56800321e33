#include "mainstay/netlink/message.hpp"

#include <libmnl/libmnl.h>
#include <linux/netlink.h>

#include <algorithm>

namespace mainstay::netlink {
namespace {

constexpr std::size_t kAlign = NLMSG_ALIGNTO;
constexpr int kMaxErrno = 4095;  // the kernel's MAX_ERRNO

constexpr std::size_t aligned(std::size_t length) { return (length + kAlign - 1) & ~(kAlign - 1); }

Result<int> errno_from(std::int32_t field) {
    if (field > 0 || field < -kMaxErrno) {
        return fail(Errc::Invalid, "netlink answer carries " + std::to_string(field) + ", which is no errno");
    }
    return -field;
}

}  // namespace

Result<std::optional<Message>> MessageReader::next() {
    const auto left = std::exchange(rest_, {});
    if (left.empty()) return std::nullopt;
    if (reinterpret_cast<std::uintptr_t>(left.data()) % kAlign != 0) {
        return fail(Errc::Invalid, "netlink datagram is not on a 4-byte boundary");
    }
    const auto header = read_header<nlmsghdr>(left);
    if (!header || header->nlmsg_len < sizeof(nlmsghdr) || header->nlmsg_len > left.size()) {
        return fail(Errc::Invalid, "netlink message is cut off: " + std::to_string(left.size()) + " bytes left");
    }
    const std::size_t length = header->nlmsg_len;
    rest_ = left.subspan(std::min(aligned(length), left.size()));
    return Message{.type = header->nlmsg_type,
                   .flags = header->nlmsg_flags,
                   .sequence = header->nlmsg_seq,
                   .port = header->nlmsg_pid,
                   .payload = left.subspan(sizeof(nlmsghdr), length - sizeof(nlmsghdr))};
}

std::span<const std::byte> behind_header(std::span<const std::byte> payload, std::size_t header_size) {
    return payload.subspan(std::min(aligned(header_size), payload.size()));
}

Result<Acknowledgement> decode_acknowledgement(const Message& message) {
    const auto body = read_header<nlmsgerr>(message.payload);
    if (message.type != NLMSG_ERROR || !body) return fail(Errc::Invalid, "netlink acknowledgement is cut off");
    const auto code = errno_from(body->error);
    if (!code) return error_of(code);

    Acknowledgement answer{.sequence = message.sequence, .sys_errno = *code, .text = {}};
    if ((message.flags & NLM_F_ACK_TLVS) == 0) return answer;

    // The attributes follow the request, which is returned complete unless the socket has NETLINK_CAP_ACK.
    std::size_t skip = sizeof(nlmsgerr);
    if ((message.flags & NLM_F_CAPPED) == 0 && body->error != 0) {
        if (body->msg.nlmsg_len < sizeof(nlmsghdr)) return fail(Errc::Invalid, "netlink acknowledgement is damaged");
        skip += aligned(body->msg.nlmsg_len) - sizeof(nlmsghdr);
    }
    const auto attributes = Attributes::parse(behind_header(message.payload, skip));
    if (!attributes) return error_of(attributes);
    answer.text = attributes->text(NLMSGERR_ATTR_MSG).value_or(std::string{});
    return answer;
}

Result<int> decode_done(const Message& message) {
    if (message.type != NLMSG_DONE) return fail(Errc::Invalid, "netlink message is not the end of a dump");
    const auto code = read_header<std::int32_t>(message.payload);
    return code ? errno_from(*code) : Result<int>{0};  // kernels before 2.6.19 and some families send no code
}

Result<Attributes> Attributes::parse(std::span<const std::byte> bytes) {
    Attributes result;
    while (!bytes.empty()) {
        const auto* attribute = reinterpret_cast<const nlattr*>(bytes.data());
        if (!mnl_attr_ok(attribute, static_cast<int>(std::min<std::size_t>(bytes.size(), INT32_MAX)))) {
            return fail(Errc::Invalid, "netlink attribute is cut off: " + std::to_string(bytes.size()) + " bytes left");
        }
        const std::uint16_t type = mnl_attr_get_type(attribute);
        if (type <= kMaxAttributeType) {
            result.values_[type] = bytes.subspan(sizeof(nlattr), mnl_attr_get_payload_len(attribute));
        }
        bytes = bytes.subspan(std::min(aligned(mnl_attr_get_len(attribute)), bytes.size()));
    }
    return result;
}

std::optional<std::string> Attributes::text(std::uint16_t type) const {
    const auto found = bytes(type);
    if (!found) return std::nullopt;
    const auto end = std::ranges::find(*found, std::byte{0});
    return std::string{reinterpret_cast<const char*>(found->data()), static_cast<std::size_t>(end - found->begin())};
}

Result<std::optional<Attributes>> Attributes::nested(std::uint16_t type) const {
    const auto found = bytes(type);
    if (!found) return std::nullopt;
    auto level = parse(*found);
    if (!level) return error_of(level);
    return std::optional<Attributes>{*level};
}

}  // namespace mainstay::netlink
