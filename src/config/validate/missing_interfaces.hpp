// Reports missing interfaces: one message for each, however many lines use it.
#pragma once

#include <map>

#include "config/parse/parse_context.hpp"

namespace mainstay::config {

class MissingInterfaces {
public:
    explicit MissingInterfaces(ParseContext& r) : r_{r} {}

    enum class Use : std::uint8_t { Needed, Tracked, Named };
    // `owner`, an instance or a group, or nobody, names the interface at `mark`. An empty name is none.
    void used(const std::string& owner, const std::string& name, Mark mark, Use use);
    void report();

private:
    struct Missing {
        bool exists = false, reported = false, needed = false, tracked = false;
        Mark first;
        std::vector<std::string> owners;
    };

    ParseContext& r_;
    std::map<std::string, Missing> names_;
};

}  // namespace mainstay::config
