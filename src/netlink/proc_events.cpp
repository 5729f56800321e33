#include "mainstay/netlink/proc_events.hpp"

#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>

#include <cstring>
#include <optional>

#include "mainstay/netlink/message.hpp"

namespace mainstay::netlink {
namespace {

// The numbers of the uapi, where they do not change; newer headers moved them out of the struct.
constexpr std::uint32_t kNone = 0, kFork = 1, kExec = 2, kRenamed = 0x200, kExit = 0x8000'0000;
constexpr std::size_t kEventHead = 16;  // what, cpu, time stamp

std::int32_t number_at(std::span<const std::byte> data, std::size_t at) {
    std::int32_t number = 0;
    if (data.size() >= at + sizeof number) std::memcpy(&number, data.data() + at, sizeof number);
    return number;
}

std::optional<ProcessEvent> decode_event(std::span<const std::byte> event) {
    using Kind = ProcessEvent::Kind;
    const auto data = event.subspan(kEventHead);
    switch (static_cast<std::uint32_t>(number_at(event, 0))) {
        case kNone:
            return ProcessEvent{.kind = Kind::Listening, .error = number_at(data, 0)};
        case kFork:  // parent pid, parent tgid, child pid, child tgid
            if (number_at(data, 8) != number_at(data, 12)) return std::nullopt;
            return ProcessEvent{.kind = Kind::Fork, .pid = number_at(data, 4), .child = number_at(data, 12)};
        case kExec:  // pid, tgid
            return ProcessEvent{.kind = Kind::Exec, .pid = number_at(data, 4)};
        case kRenamed:
            if (number_at(data, 0) != number_at(data, 4)) return std::nullopt;
            return ProcessEvent{.kind = Kind::Renamed, .pid = number_at(data, 4)};
        case kExit:
            if (number_at(data, 0) != number_at(data, 4)) return std::nullopt;
            return ProcessEvent{.kind = Kind::Exit, .pid = number_at(data, 4)};
        default:
            return std::nullopt;
    }
}

}  // namespace

std::vector<std::byte> encode_process_listen(bool listen, std::uint32_t port) {
    const std::uint32_t operation = listen ? PROC_CN_MCAST_LISTEN : PROC_CN_MCAST_IGNORE;
    cn_msg body{};
    body.id.idx = CN_IDX_PROC;
    body.id.val = CN_VAL_PROC;
    body.len = sizeof operation;
    nlmsghdr header{};
    header.nlmsg_len = static_cast<std::uint32_t>(NLMSG_LENGTH(sizeof body + sizeof operation));
    header.nlmsg_type = NLMSG_DONE;
    header.nlmsg_pid = port;
    std::vector<std::byte> message(NLMSG_SPACE(sizeof body + sizeof operation));
    std::memcpy(message.data(), &header, sizeof header);
    std::memcpy(message.data() + NLMSG_HDRLEN, &body, sizeof body);
    std::memcpy(message.data() + NLMSG_HDRLEN + sizeof body, &operation, sizeof operation);
    return message;
}

Result<std::vector<ProcessEvent>> decode_process_events(std::span<const std::byte> datagram) {
    std::vector<ProcessEvent> events;
    MessageReader reader{datagram};
    for (;;) {
        auto message = reader.next();
        if (!message) return error_of(message);
        if (!*message) return events;
        const auto payload = (*message)->payload;
        cn_msg body{};
        if (payload.size() < sizeof body + kEventHead) return fail(Errc::Invalid, "a process event is cut off");
        std::memcpy(&body, payload.data(), sizeof body);
        if (body.id.idx != CN_IDX_PROC || body.id.val != CN_VAL_PROC) continue;
        if (body.len > payload.size() - sizeof body || body.len < kEventHead)
            return fail(Errc::Invalid, "a process event is cut off");
        if (const auto event = decode_event(payload.subspan(sizeof body, body.len))) events.push_back(*event);
    }
}

}  // namespace mainstay::netlink
