// A netlink socket for requests: pipelined batches with acknowledgements, and dumps.
//
// The kernel answers a request within the system call that sends it, so reading the answer does not block; the wait is
// bounded all the same (kNetlinkAnswerTimeout). One owner, one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/netlink/message.hpp"

namespace mainstay::kernel {

inline constexpr std::chrono::seconds kNetlinkAnswerTimeout{5};
// A dump that a change interrupts (NLM_F_DUMP_INTR) is repeated up to this many times before it is an error.
inline constexpr int kNetlinkDumpAttempts = 20;

class NetlinkSocket {
public:
    // `protocol` is NETLINK_ROUTE, NETLINK_GENERIC ... In the caller's network namespace.
    [[nodiscard]] static Result<NetlinkSocket> open(int protocol);
    // Takes over an open socket, which may belong to another network namespace.
    [[nodiscard]] static Result<NetlinkSocket> from(UniqueFd fd);

    // How many acknowledgements the receive buffer holds for certain: the largest batch that cannot lose one.
    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] std::size_t batch_limit() const { return batch_limit_; }
    [[nodiscard]] std::uint64_t sendmsg_total() const { return sendmsg_total_; }

    // Reserves `count` consecutive sequence numbers; returns the first.
    [[nodiscard]] std::uint32_t take_sequences(std::size_t count);

    // Sends `count` requests (sequences `first`, first + 1 ...) with one sendmsg and waits for their answers, which
    // come in order. An error of the call: the socket failed or answers were lost; what the kernel did is then unknown.
    // `meanwhile`, if any, is called once the kernel has carried them out and before the answers are read.
    using OnAnswer = std::function<void(std::size_t index, const netlink::Acknowledgement& answer)>;
    [[nodiscard]] Result<void> exchange(std::span<const std::byte> requests, std::uint32_t first, std::size_t count,
                                        const OnAnswer& on_answer, const std::function<void()>& meanwhile = {});
    // The same if only the last request has NLM_F_ACK: refusals are always answered, so a request without an answer
    // before the last one's has succeeded. It saves a system call per answer.
    [[nodiscard]] Result<void> exchange_quietly(std::span<const std::byte> requests, std::uint32_t first,
                                                std::size_t count, const OnAnswer& on_answer);
    // The same as exchange() for a batch of netfilter's: the request before `first` begins it. A kernel that refuses
    // the whole answers that one alone, which is an error of the call with the kernel's errno.
    [[nodiscard]] Result<void> exchange_batch(std::span<const std::byte> requests, std::uint32_t first,
                                              std::size_t count, const OnAnswer& on_answer);

    // Sends the dump request that `make` builds for a sequence number and passes each message of the answer to
    // `on_message`; it calls `restart` before each further attempt, so that the caller can discard earlier messages.
    using MakeRequest = std::function<void(std::vector<std::byte>& out, std::uint32_t sequence)>;
    using OnMessage = std::function<Result<void>(const netlink::Message& message)>;
    [[nodiscard]] Result<void> dump(const MakeRequest& make, const std::function<void()>& restart,
                                    const OnMessage& on_message);

    // Sends one request and passes the first message of the answer (which is not an acknowledgement) to `on_message`.
    // A refusal is an error with the kernel's errno.
    [[nodiscard]] Result<void> query(std::span<const std::byte> request, std::uint32_t sequence,
                                     const OnMessage& on_message);

private:
    NetlinkSocket(UniqueFd fd, std::size_t batch_limit);
    enum class Answered : std::uint8_t { Each, Last, Batch };
    [[nodiscard]] Result<void> collect(std::uint32_t first, std::size_t count, Answered answered,
                                       const OnAnswer& on_answer);
    [[nodiscard]] Result<void> send(std::span<const std::byte> bytes);
    [[nodiscard]] Result<std::span<const std::byte>> receive(int flags = 0);
    [[nodiscard]] Result<bool> dump_once(std::uint32_t sequence, const OnMessage& on_message);
    // After a failure: discards queued messages. Late answers are recognised by their old sequence numbers as well.
    void drain();

    UniqueFd fd_;
    std::size_t batch_limit_ = 1;
    std::uint32_t next_sequence_ = 1;
    std::uint64_t sendmsg_total_ = 0;
    std::vector<std::byte> buffer_;
};

// Sets the receive buffer to `bytes`, with CAP_NET_ADMIN beyond net.core.rmem_max; returns the resulting size.
[[nodiscard]] std::size_t size_receive_buffer(int fd, std::size_t bytes);

}  // namespace mainstay::kernel
