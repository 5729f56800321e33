// How the state block of the bfd role is encoded.
#pragma once

#include "mainstay/base/framed_archive.hpp"
#include "mainstay/bfd/facts.hpp"
#include "mainstay/report/status.hpp"

namespace mainstay::bfd {

template <class A>
void fields(A& a, Counters& c) {
    a(c.sent, c.received, c.discarded, c.became_up, c.went_down, c.expired, c.deadlines_late);
}
template <class A>
void fields(A& a, SessionSnapshot& s) {
    a(s.name, s.neighbor, s.source, s.multihop, s.state, s.remote_state, s.diagnostic, s.remote_diagnostic,
      s.discriminator, s.remote_discriminator, s.source_port, s.multiplier, s.remote_multiplier, s.desired_min_tx,
      s.required_min_rx, s.applied_min_tx, s.applied_min_rx, s.remote_min_tx, s.remote_min_rx, s.remote_demand,
      s.polling, s.polls_again, s.unheard, s.transmit_interval, s.detection_time, s.next_send, s.expires, s.since,
      s.counters);
}
template <class A>
void fields(A& a, SessionsSnapshot& s) {
    a(s.sessions, s.strangers);
}

}  // namespace mainstay::bfd

namespace mainstay::report {

template <class A>
void fields(A& a, BfdStatus& s) {
    a(s.generation, s.sessions);
}

}  // namespace mainstay::report
