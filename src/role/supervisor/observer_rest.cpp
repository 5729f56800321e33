#include "observer_rest.hpp"

#include <fcntl.h>

#include <array>
#include <cerrno>

namespace mainstay::role {

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
