// Handlers that are queued in a loop, or wait for a timer, may run after the object that queued them is gone.
#pragma once

#include <memory>
#include <utility>

namespace mainstay {

// A member of the object that queues.
class Lifetime {
public:
    // `handler`, which does nothing once this object is gone.
    template <class F>
    [[nodiscard]] auto guard(F handler) const {
        return [here = std::weak_ptr{token_}, handler = std::move(handler)](auto&&... arguments) mutable {
            if (!here.expired()) handler(std::forward<decltype(arguments)>(arguments)...);
        };
    }
    // The same for what waits on a timer: nothing either if that was cancelled.
    template <class F>
    [[nodiscard]] auto when_due(F handler) const {
        return guard([handler = std::move(handler)](const auto& error) mutable {
            if (!error) handler();
        });
    }
    // What was queued until now does nothing any more.
    void begin_anew() { token_ = std::make_shared<char>(); }

private:
    std::shared_ptr<char> token_ = std::make_shared<char>();
};

}  // namespace mainstay
