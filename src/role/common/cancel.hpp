// Cancels what waits on a timer or a descriptor, for destructors and for what they call: Asio's other form throws an
// error that cancelling never has, and a destructor could not pass it on.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/system/error_code.hpp>

namespace mainstay::role {

void cancel_quietly(auto& waiter) {
    boost::system::error_code ignored;
    waiter.cancel(ignored);
}

}  // namespace mainstay::role
