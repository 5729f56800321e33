#include "mainstay/kernel/notify_fifo.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace mainstay::kernel {

Result<NotifyFifo> open_notify_fifo(const std::string& path, const Account& owner, std::uint32_t mode) {
    NotifyFifo fifo;
    fifo.created = ::mkfifo(path.c_str(), 0600) == 0;
    if (!fifo.created && errno != EEXIST) return fail_system("make the FIFO " + path, errno);
    fifo.fd.reset(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
    if (!fifo.fd) return fail_system("open the FIFO " + path, errno);
    struct stat facts{};
    if (::fstat(fifo.fd.get(), &facts) != 0) return fail_system("look at the FIFO " + path, errno);
    if (!S_ISFIFO(facts.st_mode)) return fail(Errc::Invalid, path + " is not a FIFO");
    if (facts.st_uid != 0 && facts.st_uid != owner.uid)
        return fail(Errc::Permission, "the FIFO " + path + " belongs to neither root nor its user");
    if (fifo.created && (::fchown(fifo.fd.get(), owner.uid, owner.gid) != 0 || ::fchmod(fifo.fd.get(), mode) != 0))
        return fail_system("give the FIFO " + path + " to its user", errno);
    return fifo;
}

}  // namespace mainstay::kernel
