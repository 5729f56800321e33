// Times that a configuration can have. A record may hold any number; sums with one that is too large would overflow.
#include <algorithm>
#include <chrono>

#include "reading.hpp"

namespace mainstay::record {
namespace {

constexpr Micros kLongest{std::chrono::years{100}};

bool is_possible(Micros time) { return time >= Micros{0} && time <= kLongest; }

bool has_possible_times(const config::Checker& one) {
    return is_possible(one.connect_timeout) && is_possible(one.delay_before_retry) && is_possible(one.delay_loop) &&
           is_possible(one.warmup) && is_possible(one.misc_timeout);
}

}  // namespace

bool has_possible_times(const config::VirtualServer& service) {
    return is_possible(service.delay_loop) && std::ranges::all_of(service.real_servers, [](const auto& server) {
               return std::ranges::all_of(server.checkers, [](const auto& one) { return has_possible_times(one); });
           });
}

bool has_possible_times(const config::Config& config) {
    return std::ranges::all_of(config.virtual_servers,
                               [](const auto& service) { return has_possible_times(service); }) &&
           std::ranges::all_of(config.instances,
                               [](const auto& one) {
                                   return is_possible(one.advert_int) && is_possible(one.preempt_delay) &&
                                          is_possible(one.garp_master_delay) && is_possible(one.garp_master_refresh) &&
                                          is_possible(one.garp_lower_prio_delay);
                               }) &&
           std::ranges::all_of(config.scripts,
                               [](const auto& one) { return is_possible(one.interval) && is_possible(one.timeout); });
}

}  // namespace mainstay::record
