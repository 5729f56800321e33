// The generic-netlink socket to IPVS. Bytes come from the netlink module; this is only I/O.
//
// Threading: one owner, one thread. Calls wait for the kernel, which answers netlink requests within the system call
// (it never waits for anybody else), so they do not block a loop; dumps of big tables are the longest and may be
// taken service by service. The kernel tells nobody about changes by others, and a dump does not tell that it was
// interrupted by one: confirm what it found missing by a second dump before acting on it.
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
    // `netlink`: a generic netlink socket of the network namespace whose IPVS it is; -1: this process's own.
    [[nodiscard]] static Result<IpvsSocket> open(int netlink = -1);
    IpvsSocket(IpvsSocket&&) noexcept;
    IpvsSocket& operator=(IpvsSocket&&) noexcept;
    ~IpvsSocket();

    struct Failure {
        std::size_t index = 0;  // into the operations given
        int sys_errno = 0;      // positive; EINVAL also for an operation that cannot be encoded
        std::string text;       // why, as far as it is known; often empty
    };
    struct Outcome {
        std::vector<Failure> failures;  // real ones; the forgiven ones (already there, already gone) are not here
        std::uint32_t forgiven = 0;
        std::uint32_t sendmsg_calls = 0;
    };
    // Sends all operations in order, pipelined in batches of at least 32 (fewer only at the end) per sendmsg, each
    // with its own sequence number and acknowledgement. One failing operation does not stop the others. An error of
    // the call itself is a broken socket or lost acknowledgements (ENOBUFS): dump and reconcile.
    // Not named apply: ADL would find std::apply.
    // An object that was there already may have other settings: after forgiven > 0, dump and compare.
    [[nodiscard]] Result<Outcome> perform(const std::vector<netlink::IpvsOperation>& operations);

    [[nodiscard]] Result<std::vector<netlink::IpvsServiceEntry>> services();
    // Empty for a service that is not there.
    [[nodiscard]] Result<std::vector<netlink::IpvsDestinationEntry>> destinations(const netlink::IpvsServiceKey& key);
    [[nodiscard]] int fd() const;
    [[nodiscard]] Result<void> flush();  // all services of the network namespace, everybody's

    // ---- synchronisation daemons and timeouts, of the whole network namespace; errors have the kernel's errno ----
    [[nodiscard]] Result<std::vector<netlink::IpvsDaemon>> daemons();
    // EEXIST: one of this state runs already; ENODEV: there is no such interface.
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
