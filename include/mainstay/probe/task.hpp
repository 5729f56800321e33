// The only way to start a coroutine in this module: it has a name, and its end is reported. asio::detached must not be
// used, because it swallows exceptions.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <functional>
#include <string>

namespace mainstay::probe {

// `ended` is called on the executor when the coroutine has ended: with an empty text, or with the exception's text.
inline void spawn(const boost::asio::any_io_executor& executor, std::string name, boost::asio::awaitable<void> task,
                  std::function<void(const std::string& name, const std::string& thrown)> ended) {
    boost::asio::co_spawn(executor, std::move(task),
                          [name = std::move(name), ended = std::move(ended)](const std::exception_ptr& thrown) {
                              if (!thrown) return ended(name, {});
                              try {
                                  std::rethrow_exception(thrown);
                              } catch (const std::exception& error) {
                                  ended(name, error.what());
                              } catch (...) {
                                  ended(name, "something that is no std::exception");
                              }
                          });
}

}  // namespace mainstay::probe
