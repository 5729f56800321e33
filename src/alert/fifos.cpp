#include "mainstay/alert/fifos.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mainstay/config/keywords.hpp"

namespace mainstay::alert {

std::vector<Fifo> fifos(const config::Global& global) {
    std::vector<Fifo> all;
    namespace keyword = config::keyword;
    for (const auto& [name, script] : {std::pair{keyword::notify_fifo, keyword::notify_fifo_script},
                                       std::pair{keyword::vrrp_notify_fifo, keyword::vrrp_notify_fifo_script},
                                       std::pair{keyword::lvs_notify_fifo, keyword::lvs_notify_fifo_script}}) {
        const auto words = config::value_of(global.more->values, name);
        if (!words || words->empty()) continue;
        if (std::ranges::find(all, words->front(), &Fifo::path) != all.end()) continue;
        Fifo fifo{std::string{name.text}, words->front(), {}, {}, {}};
        if (words->size() > 1) fifo.user = (*words)[1];
        if (words->size() > 2) fifo.group = (*words)[2];
        fifo.script = config::value_of(global.more->values, script);
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
