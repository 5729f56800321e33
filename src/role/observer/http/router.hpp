// Finds the route of a request and whether its caller may take it. Pure.
#pragma once

#include <vector>

#include "exchange.hpp"

namespace mainstay::role::http {

class Router {
public:
    explicit Router(std::vector<Route> routes) : routes_{std::move(routes)} {}

    // Calls `done` with the route's answer or a refusal: at once, or later where the route says so.
    void answer(Request request, Done done) const;
    [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

private:
    [[nodiscard]] const Route* find(Request& request) const;
    [[nodiscard]] Answer no_route(const Request& request) const;

    std::vector<Route> routes_;
};

// True if the path is one of the pattern's; `segment` is then what {name} or * stands for.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view path, std::string& segment);

}  // namespace mainstay::role::http
