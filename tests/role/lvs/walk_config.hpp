// Random virtual servers, and random changes of a few of them, as an operator would make them.
#pragma once

#include <cstdint>
#include <random>

#include "mainstay/config/model.hpp"

namespace mainstay::role::test {

class Dice {
public:
    explicit Dice(std::uint64_t seed) : engine_{seed} {}
    std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(engine_() % limit); }
    bool one_in(std::uint32_t n) { return below(n) == 0; }
    template <class List>
    auto& pick(List& list) {
        return list[below(static_cast<std::uint32_t>(list.size()))];
    }

private:
    std::mt19937_64 engine_;
};

[[nodiscard]] config::Config random_services(Dice& dice);
// One to three changes.
[[nodiscard]] config::Config changed(config::Config config, Dice& dice);

}  // namespace mainstay::role::test
