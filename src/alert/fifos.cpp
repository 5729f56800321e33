#include "mainstay/alert/fifos.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mainstay::alert {

std::vector<Fifo> fifos(const config::Global& global) {
    std::vector<Fifo> all;
    for (const char* keyword : {"notify_fifo", "vrrp_notify_fifo", "lvs_notify_fifo"}) {
        const auto words = config::value_of<config::WordList>(global.more->values, keyword);
        if (!words || words->empty()) continue;
        if (std::ranges::find(all, words->front(), &Fifo::path) != all.end()) continue;
        Fifo fifo{keyword, words->front(), {}, {}, {}};
        if (words->size() > 1) fifo.user = (*words)[1];
        if (words->size() > 2) fifo.group = (*words)[2];
        fifo.script = config::value_of<config::Command>(global.more->values, fmt::format("{}_script", keyword));
        all.push_back(std::move(fifo));
    }
    return all;
}

std::string fifo_line(const Event& event) {
    switch (event.kind) {
        case Event::Kind::Instance:
            return fmt::format("INSTANCE \"{}\" {} {}\n", event.name, to_string(event.transition), event.priority);
        case Event::Kind::Group:
            return fmt::format("GROUP \"{}\" {} 0\n", event.name, to_string(event.transition));
        case Event::Kind::RealServer:
            return fmt::format("RS {} {} {}\n", event.name, event.parent, to_string(event.transition));
        case Event::Kind::VirtualServer:
            return fmt::format("VS {} {}\n", event.name, to_string(event.transition));
    }
    return {};
}

std::string fifo_script_key(const std::string& keyword) { return "fifo/" + keyword; }

}  // namespace mainstay::alert
