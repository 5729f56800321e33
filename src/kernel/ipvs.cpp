#include "mainstay/kernel/ipvs.hpp"

#include <fcntl.h>
#include <linux/ip_vs.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>

#include "mainstay/kernel/netlink_socket.hpp"
#include "mainstay/netlink/ipvs.hpp"
#include "mainstay/netlink/verdicts.hpp"

namespace mainstay::kernel {
namespace {

// Operations per sendmsg. More gain nothing measurable, and the whole batch (250 bytes an operation) must fit the
// send buffer's default of 200 KiB.
constexpr std::size_t kOperationsPerSend = 256;
// The lookup makes the kernel load ip_vs, and can fail once more right after that.
constexpr int kFamilyLookups = 3;

Result<std::uint16_t> look_up_family(NetlinkSocket& socket) {
    Result<std::uint16_t> id = fail(Errc::NotFound, "not asked");
    for (int i = 0; i < kFamilyLookups; ++i) {
        const std::uint32_t sequence = socket.take_sequences(1);
        const auto request = netlink::encode_family_query(IPVS_GENL_NAME, sequence);
        auto done = socket.query(request, sequence, [&id](const netlink::Message& message) -> Result<void> {
            id = netlink::decode_family(message);
            return {};
        });
        if (done) return id;
        id = error_of(done);
        if (id.error().code() != Errc::NotFound) return id;
    }
    return fail(Errc::Unsupported, "the kernel has no IPVS: load its module with `modprobe ip_vs`", ENOENT);
}

Result<void> check_permission(NetlinkSocket& socket, std::uint16_t family_id) {
    const std::uint32_t sequence = socket.take_sequences(1);
    std::vector<std::byte> request;
    netlink::append_info_query(request, family_id, sequence);
    auto done = socket.query(request, sequence, [](const netlink::Message&) -> Result<void> { return {}; });
    if (done || done.error().code() != Errc::Permission) return done;
    return fail(Errc::Permission,
                "IPVS refuses this process: it needs CAP_NET_ADMIN (run as root), on most kernels in the initial user "
                "namespace",
                done.error().sys_errno());
}

}  // namespace

struct IpvsSocket::Impl {
    NetlinkSocket socket;
    std::uint16_t family_id = 0;

    Result<void> perform_batch(const std::vector<netlink::IpvsOperation>& operations, std::size_t begin,
                               std::size_t end, Outcome& outcome);
    Result<void> command(const std::vector<std::byte>& request, std::uint32_t sequence, const std::string& what);
};

IpvsSocket::IpvsSocket(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
IpvsSocket::IpvsSocket(IpvsSocket&&) noexcept = default;
IpvsSocket& IpvsSocket::operator=(IpvsSocket&&) noexcept = default;
IpvsSocket::~IpvsSocket() = default;

int IpvsSocket::fd() const { return impl_->socket.fd(); }

Result<IpvsSocket> IpvsSocket::open(int netlink) {
    // A duplicate, because the role reopens the socket after an error and has only this descriptor.
    auto socket = netlink < 0 ? NetlinkSocket::open(NETLINK_GENERIC)
                              : NetlinkSocket::from(UniqueFd{fcntl(netlink, F_DUPFD_CLOEXEC, 0)});
    if (!socket) return error_of(socket, "IPVS");
    auto family_id = look_up_family(*socket);
    if (!family_id) return error_of(family_id, "IPVS");
    if (auto allowed = check_permission(*socket, *family_id); !allowed) return error_of(allowed);
    return IpvsSocket{std::unique_ptr<Impl>{new Impl{.socket = std::move(*socket), .family_id = *family_id}}};
}

Result<void> IpvsSocket::Impl::perform_batch(const std::vector<netlink::IpvsOperation>& operations, std::size_t begin,
                                             std::size_t end, Outcome& outcome) {
    const std::uint32_t first = socket.take_sequences(end - begin);
    std::vector<std::byte> bytes;
    std::vector<std::size_t> sent;  // position in the batch -> position in `operations`
    std::size_t last = 0;
    for (std::size_t i = begin; i < end; ++i) {
        const std::size_t at = bytes.size();
        const auto sequence = first + static_cast<std::uint32_t>(sent.size());
        if (auto good =
                netlink::append_operation(bytes, family_id, operations[i], sequence, netlink::Answer::Refusal)) {
            sent.push_back(i);
            last = at;
        } else {
            outcome.failures.push_back({.index = i, .sys_errno = EINVAL, .text = good.error().text()});
        }
    }
    if (sent.empty()) return {};
    netlink::ask_acknowledgement(bytes, last);
    const auto take = [&](std::size_t index, const netlink::Acknowledgement& answer) {
        const std::size_t i = sent[index];
        switch (netlink::judge(netlink::request_of(operations[i].kind), answer.sys_errno)) {
            case netlink::Verdict::Done:
                break;
            case netlink::Verdict::Forgiven:
                ++outcome.forgiven;
                break;
            case netlink::Verdict::Failed:
                outcome.failures.push_back({.index = i, .sys_errno = answer.sys_errno, .text = answer.text});
        }
    };
    return socket.exchange_quietly(bytes, first, sent.size(), take);
}

Result<IpvsSocket::Outcome> IpvsSocket::perform(const std::vector<netlink::IpvsOperation>& operations) {
    Outcome outcome;
    const std::uint64_t before = impl_->socket.sendmsg_total();
    const std::size_t batch = std::min(kOperationsPerSend, impl_->socket.batch_limit());
    for (std::size_t begin = 0; begin < operations.size(); begin += batch) {
        const std::size_t end = std::min(begin + batch, operations.size());
        if (auto done = impl_->perform_batch(operations, begin, end, outcome); !done) {
            return error_of(done, "IPVS");
        }
    }
    std::ranges::sort(outcome.failures, {}, &Failure::index);
    outcome.sendmsg_calls = static_cast<std::uint32_t>(impl_->socket.sendmsg_total() - before);
    return outcome;
}

Result<std::vector<netlink::IpvsServiceEntry>> IpvsSocket::services() {
    std::vector<netlink::IpvsServiceEntry> found;
    auto done = impl_->socket.dump(
        [this](std::vector<std::byte>& out, std::uint32_t sequence) {
            netlink::append_service_dump(out, impl_->family_id, sequence);
        },
        [&found] { found.clear(); },
        [&found](const netlink::Message& message) -> Result<void> {
            auto entry = netlink::decode_service(message);
            if (!entry) return error_of(entry);
            found.push_back(*entry);
            return {};
        });
    if (!done) return error_of(done, "list the IPVS services");
    return found;
}

Result<std::vector<netlink::IpvsDestinationEntry>> IpvsSocket::destinations(const netlink::IpvsServiceKey& key) {
    // Encodes the request once to detect errors, because the dump's callback cannot return one.
    std::vector<std::byte> trial;
    if (auto good = netlink::append_destination_dump(trial, impl_->family_id, key, 0); !good) {
        return error_of(good, "list the IPVS destinations");
    }
    std::vector<netlink::IpvsDestinationEntry> found;
    auto done = impl_->socket.dump(
        [&](std::vector<std::byte>& out, std::uint32_t sequence) {
            (void)netlink::append_destination_dump(out, impl_->family_id, key, sequence);
        },
        [&found] { found.clear(); },
        [&](const netlink::Message& message) -> Result<void> {
            auto entry = netlink::decode_destination(message, key.family);
            if (!entry) return error_of(entry);
            found.push_back(*entry);
            return {};
        });
    if (!done) return error_of(done, "list the destinations of " + describe(key));
    return found;
}

// Sends one request that is answered only by an acknowledgement.
Result<void> IpvsSocket::Impl::command(const std::vector<std::byte>& request, std::uint32_t sequence,
                                       const std::string& what) {
    int refused = 0;
    auto done = socket.exchange(
        request, sequence, 1, [&](std::size_t, const netlink::Acknowledgement& answer) { refused = answer.sys_errno; });
    if (!done) return error_of(done, what);
    if (refused != 0) return fail_system(what, refused);
    return {};
}

Result<void> IpvsSocket::flush() {
    const std::uint32_t sequence = impl_->socket.take_sequences(1);
    std::vector<std::byte> request;
    netlink::append_flush(request, impl_->family_id, sequence);
    return impl_->command(request, sequence, "flush the IPVS table");
}

Result<std::vector<netlink::IpvsDaemon>> IpvsSocket::daemons() {
    std::vector<netlink::IpvsDaemon> found;
    auto done = impl_->socket.dump(
        [this](std::vector<std::byte>& out, std::uint32_t sequence) {
            netlink::append_daemon_dump(out, impl_->family_id, sequence);
        },
        [&found] { found.clear(); },
        [&found](const netlink::Message& message) -> Result<void> {
            auto daemon = netlink::decode_daemon(message);
            if (!daemon) return error_of(daemon);
            found.push_back(std::move(*daemon));
            return {};
        });
    if (!done) return error_of(done, "list the IPVS sync daemons");
    return found;
}

Result<void> IpvsSocket::start_daemon(const netlink::IpvsDaemon& daemon) {
    const std::uint32_t sequence = impl_->socket.take_sequences(1);
    std::vector<std::byte> request;
    if (auto good = netlink::append_daemon_start(request, impl_->family_id, daemon, sequence); !good) return good;
    return impl_->command(request, sequence, "start the " + netlink::describe(daemon));
}

Result<void> IpvsSocket::stop_daemon(netlink::IpvsDaemon::State state) {
    // Stopping a daemon whose thread has not run yet gets no answer, because netlink swallows the kernel's EINTR. So
    // the request is sent twice: the second one is always answered, with ESRCH because no daemon is left.
    constexpr std::size_t kTimes = 2;
    const std::uint32_t first = impl_->socket.take_sequences(kTimes);
    std::vector<std::byte> requests;
    for (std::uint32_t i = 0; i < kTimes; ++i)
        netlink::append_daemon_stop(requests, impl_->family_id, state, first + i);
    int refused = 0;
    auto done = impl_->socket.exchange_quietly(requests, first, kTimes,
                                               [&](std::size_t, const netlink::Acknowledgement& answer) {
                                                   if (answer.sys_errno != 0 && answer.sys_errno != ESRCH)
                                                       refused = answer.sys_errno;
                                               });
    if (!done) return error_of(done, "stop the IPVS sync daemon");
    if (refused != 0) return fail_system("stop the IPVS sync daemon", refused);
    return {};
}

Result<netlink::IpvsTimeouts> IpvsSocket::timeouts() {
    const std::uint32_t sequence = impl_->socket.take_sequences(1);
    std::vector<std::byte> request;
    netlink::append_timeouts_query(request, impl_->family_id, sequence);
    Result<netlink::IpvsTimeouts> found = fail(Errc::NotFound, "the kernel did not tell the IPVS timeouts");
    auto done = impl_->socket.query(request, sequence, [&](const netlink::Message& message) -> Result<void> {
        found = netlink::decode_timeouts(message);
        return {};
    });
    if (!done) return error_of(done, "read the IPVS timeouts");
    return found;
}

Result<void> IpvsSocket::set_timeouts(const netlink::IpvsTimeouts& timeouts) {
    const std::uint32_t sequence = impl_->socket.take_sequences(1);
    std::vector<std::byte> request;
    netlink::append_timeouts(request, impl_->family_id, timeouts, sequence);
    return impl_->command(request, sequence, "set the IPVS timeouts");
}

std::uint64_t IpvsSocket::sendmsg_total() const { return impl_->socket.sendmsg_total(); }

}  // namespace mainstay::kernel
