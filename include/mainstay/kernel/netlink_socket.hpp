// A netlink socket for requests: pipelined batches with acknowledgements, and dumps.
//
// The kernel answers a request within the system call that sends it, so waiting for an answer never waits for
// anybody else; a bound is kept all the same (kNetlinkAnswerTimeout). One owner, one thread.
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
// A dump that others' changes interrupt (NLM_F_DUMP_INTR) is begun anew this often before it is an error.
inline constexpr int kNetlinkDumpAttempts = 20;

class NetlinkSocket {
public:
    // `protocol` is NETLINK_ROUTE, NETLINK_GENERIC ... In the caller's network namespace.
    [[nodiscard]] static Result<NetlinkSocket> open(int protocol);
    // From a socket that is open already, and belongs perhaps to another network namespace.
    [[nodiscard]] static Result<NetlinkSocket> from(UniqueFd fd);

    // How many acknowledgements the receive buffer holds for certain: the largest batch that cannot lose one.
    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] std::size_t batch_limit() const { return batch_limit_; }
    [[nodiscard]] std::uint64_t sendmsg_total() const { return sendmsg_total_; }

    // `count` sequence numbers in a row that no earlier request had; the first one.
    [[nodiscard]] std::uint32_t take_sequences(std::size_t count);

    // Sends `count` requests (sequences `first`, first + 1 ...) with one sendmsg and waits for their answers, which
    // come in order. An error of the call: the socket failed or answers were lost; what the kernel did is then unknown.
    // `meanwhile`, if any, is called once the kernel has carried them out and before the answers are read.
    using OnAnswer = std::function<void(std::size_t index, const netlink::Acknowledgement& answer)>;
    [[nodiscard]] Result<void> exchange(std::span<const std::byte> requests, std::uint32_t first, std::size_t count,
                                        const OnAnswer& on_answer, const std::function<void()>& meanwhile = {});
    // The same where only the last request asks for an acknowledgement: a refusal is answered all the same, and what
    // was not answered when the last one is was done. Each answer costs a system call, and most would say nothing.
    [[nodiscard]] Result<void> exchange_quietly(std::span<const std::byte> requests, std::uint32_t first,
                                                std::size_t count, const OnAnswer& on_answer);

    // Sends the dump request that `make` builds for a sequence number and hands each message of the answer to
    // `on_message`; before each new attempt it calls `restart`, so that nothing is counted twice.
    using MakeRequest = std::function<void(std::vector<std::byte>& out, std::uint32_t sequence)>;
    using OnMessage = std::function<Result<void>(const netlink::Message& message)>;
    [[nodiscard]] Result<void> dump(const MakeRequest& make, const std::function<void()>& restart,
                                    const OnMessage& on_message);

    // Sends one request and hands the first message of the answer (which is not an acknowledgement) to `on_message`.
    // A refusal is an error with the kernel's errno.
    [[nodiscard]] Result<void> query(std::span<const std::byte> request, std::uint32_t sequence,
                                     const OnMessage& on_message);

private:
    NetlinkSocket(UniqueFd fd, std::size_t batch_limit);
    [[nodiscard]] Result<void> collect(std::uint32_t first, std::size_t count, bool each, const OnAnswer& on_answer);
    [[nodiscard]] Result<void> send(std::span<const std::byte> bytes);
    [[nodiscard]] Result<std::span<const std::byte>> receive(int flags = 0);
    [[nodiscard]] Result<bool> dump_once(std::uint32_t sequence, const OnMessage& on_message);
    // After a failure: throws away what may still be queued. Late answers carry old sequence numbers anyway.
    void drain();

    UniqueFd fd_;
    std::size_t batch_limit_ = 1;
    std::uint32_t next_sequence_ = 1;
    std::uint64_t sendmsg_total_ = 0;
    std::vector<std::byte> buffer_;
};

// Sets the receive buffer to `bytes`, beyond net.core.rmem_max where CAP_NET_ADMIN allows it; what it is then.
[[nodiscard]] std::size_t size_receive_buffer(int fd, std::size_t bytes);

}  // namespace mainstay::kernel
