// The observer's rests: it ends when it has nothing to do, and is started again when it has.
#include "observer.hpp"

#include <fcntl.h>

#include <array>
#include <cerrno>

#include "children.hpp"
#include "mainstay/kernel/clock.hpp"

namespace mainstay::role {

void Children::observer_rests(UniqueFd socket) {
    auto& observer = of(Kind::Observer);
    if (!socket) return kill_offender(observer, "rests without the socket of the API");
    rest_.announce(std::move(socket));
    observer.ready = false;
}

void Children::observer_rested() {
    auto& observer = of(Kind::Observer);
    if (replacement_ || daemon_.is_stopping()) return start(observer);
    // One that rests right after its start, again and again, is slowed down as one that dies.
    if (const auto delay = observer.next_delay(kernel::monotonic_now()); delay.count() != 0) {
        start_in(observer, delay);
    } else if (const auto began = rest_.begin(kick_.get()); !began) {
        log_.error("{}", began.error().text());
        start(observer);
    }
    handlers_.left();  // last: a reload that waited for it alone is committed with it, and starts the next process
}

bool Children::wake_observer() {
    if (!rest_.is_on()) return rest_.is_announced();
    start(of(Kind::Observer));
    return true;
}

using boost::asio::posix::stream_descriptor;

// Duplicates: the originals belong to others.
struct ObserverRest::Wait {
    explicit Wait(boost::asio::io_context& loop) : descriptors{stream_descriptor{loop}, stream_descriptor{loop}} {}
    std::array<stream_descriptor, 2> descriptors;
};

Result<void> ObserverRest::begin(int kick) {
    wait_ = std::make_shared<Wait>(loop_);
    for (std::size_t at = 0; const int fd : {kick, socket_.get()}) {
        auto& descriptor = wait_->descriptors.at(at++);
        UniqueFd copy{::fcntl(fd, F_DUPFD_CLOEXEC, 0)};
        boost::system::error_code failed;
        if (copy) descriptor.assign(copy.get(), failed);
        if (!copy || failed) {
            const int error = copy ? failed.value() : errno;
            wait_.reset();
            return fail_system("wait for the observer's work", error);
        }
        static_cast<void>(copy.release());
        descriptor.async_wait(stream_descriptor::wait_read,
                              [this, weak = std::weak_ptr{wait_}](const boost::system::error_code& error) {
                                  if (!error && !weak.expired()) due_();
                              });
    }
    return {};
}

UniqueFd ObserverRest::end() {
    wait_.reset();
    return std::move(socket_);
}

}  // namespace mainstay::role
