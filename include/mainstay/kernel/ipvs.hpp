// The generic-netlink socket to IPVS. The netlink module encodes and decodes; this is only I/O.
//
// Threading: one owner, one thread. The kernel answers netlink requests within the system call, so calls do not block a
// loop; dumps of big tables take longest and may be made service by service. The kernel sends no notifications of
// changes by other programs, and a dump does not report that a change interrupted it: confirm differences by a second
// dump before acting on them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/netlink/ipvs_types.hpp"

namespace mainstay::kernel {

class IpvsSocket {
public:
    // Resolves the family. Errc::Unsupported: the kernel has no IPVS (module ip_vs is not loaded and could not be);
    // Errc::Permission: CAP_NET_ADMIN is missing. The text says what to do.
    // `netlink`: a generic netlink socket of the network namespace to use; -1: this process's own.
    [[nodiscard]] static Result<IpvsSocket> open(int netlink = -1);
    IpvsSocket(IpvsSocket&&) noexcept;
    IpvsSocket& operator=(IpvsSocket&&) noexcept;
    ~IpvsSocket();

    struct Failure {
        std::size_t index = 0;  // into the operations given
        int sys_errno = 0;      // positive; EINVAL also for an operation that cannot be encoded
        std::string text;       // the kernel's explanation; often empty
    };
    struct Outcome {
        std::vector<Failure> failures;  // without forgiven ones (exists already, does not exist)
        std::uint32_t forgiven = 0;
        std::uint32_t sendmsg_calls = 0;
    };
    // Sends all operations in order, pipelined in batches of at least 32 (fewer only at the end) per sendmsg, each
    // with its own sequence number and acknowledgement. One failing operation does not stop the others. An error of
    // the call itself is a broken socket or lost acknowledgements (ENOBUFS): dump and reconcile.
    // An object that existed already may have other settings: after forgiven > 0, dump and compare.
    // Not named apply, because ADL would find std::apply.
    [[nodiscard]] Result<Outcome> perform(const std::vector<netlink::IpvsOperation>& operations);

    [[nodiscard]] Result<std::vector<netlink::IpvsServiceEntry>> services();
    // Empty for a service that does not exist.
    [[nodiscard]] Result<std::vector<netlink::IpvsDestinationEntry>> destinations(const netlink::IpvsServiceKey& key);
    [[nodiscard]] int fd() const;
    [[nodiscard]] Result<void> flush();  // deletes all services of the network namespace, including other programs'

    // ---- synchronisation daemons and timeouts, of the whole network namespace; errors have the kernel's errno ----
    [[nodiscard]] Result<std::vector<netlink::IpvsDaemon>> daemons();
    // EEXIST: one of this state runs already; ENODEV: the interface does not exist.
    [[nodiscard]] Result<void> start_daemon(const netlink::IpvsDaemon& daemon);
    [[nodiscard]] Result<void> stop_daemon(netlink::IpvsDaemon::State state);  // one that does not run is no error
    [[nodiscard]] Result<netlink::IpvsTimeouts> timeouts();
    [[nodiscard]] Result<void> set_timeouts(const netlink::IpvsTimeouts& timeouts);

    [[nodiscard]] std::uint64_t sendmsg_total() const;

private:
    struct Impl;
    explicit IpvsSocket(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace mainstay::kernel
