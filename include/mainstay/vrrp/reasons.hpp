// Why an instance came to its state, for programs and for people. It remembers what was heard of other routers as
// backup, from which the reason of a takeover follows. Nothing is allocated for an advert.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "mainstay/base/event.hpp"
#include "mainstay/base/ip.hpp"
#include "mainstay/base/time.hpp"

namespace mainstay::vrrp {

class TransitionReasons {
public:
    // The text is copied into the room that it had. Thousands of instances that change their state at once would
    // otherwise each keep a page in which everything else is free again.
    static constexpr std::size_t kUsualText = 64;
    TransitionReasons() { text_.reserve(kUsualText); }

    void heard_master(const IpAddress& from, std::uint8_t priority) { heard_ = {Kind::Master, from, priority}; }
    void heard_lower(const IpAddress& from, std::uint8_t priority) { heard_ = {Kind::Lower, from, priority}; }
    void heard_resignation(const IpAddress& from) { heard_ = {Kind::Resignation, from, 0}; }

    void set(Cause cause, std::string_view text) {
        cause_ = cause;
        text_.assign(text);
    }
    // It left MASTER because of this advert; `ours` is our priority then.
    void yielded_to(const IpAddress& from, std::uint8_t priority, std::uint8_t ours);
    // It takes over with priority `ours`, after `silence` without an advert that counts; `refused`: what was wrong with
    // those that came meanwhile, empty: none came.
    void took_over(std::uint8_t ours, Nanos silence, const std::string& refused);
    // It takes over because nobody else did what it left MASTER for.
    void taken_back();
    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] Cause cause() const { return cause_; }

    template <class A>
    friend void fields(A& archive, TransitionReasons& reasons);  // router_state.cpp

private:
    enum class Kind : std::uint8_t { Nothing, Master, Lower, Resignation };
    struct Heard {
        Kind kind = Kind::Nothing;
        IpAddress from;
        std::uint8_t priority = 0;
    };
    Heard heard_;  // the last advert as backup
    std::string text_;
    Cause cause_ = Cause::None;
};

}  // namespace mainstay::vrrp
