// Random keepalived.conf texts that follow the schema: each keyword in its blocks, each value as its row says.
#pragma once

#include <string>
#include <string_view>

#include <cstdint>
#include <random>
#include <vector>

#include "mainstay/config/schema/schema.hpp"

namespace mainstay::config::testing {

class RandomConfig {
public:
    explicit RandomConfig(std::uint64_t seed) : random_{seed} {}

    // Not every text is one that can run, and some repeat keywords: what is wrong must be wrong in both languages.
    [[nodiscard]] std::string text();

private:
    [[nodiscard]] std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }
    [[nodiscard]] bool chance(int percent) { return static_cast<int>(below(100)) < percent; }
    template <class List>
    [[nodiscard]] auto one_of(const List& list) {
        return *(std::begin(list) + static_cast<std::ptrdiff_t>(below(std::size(list))));
    }

    void block(Block block, std::size_t depth);
    void keyword(const KeywordSpec& row, std::size_t depth);
    void opened(const KeywordSpec& row, std::size_t depth);
    void comment(std::size_t depth);
    [[nodiscard]] std::string words_of(const KeywordSpec& row);
    [[nodiscard]] std::string arguments(const KeywordSpec& row);
    [[nodiscard]] std::string entry(const KeywordSpec& row);
    [[nodiscard]] std::string line(Block block, std::size_t depth);
    [[nodiscard]] std::string number(std::int64_t low, std::int64_t high);
    [[nodiscard]] std::string decimal(std::int64_t low, std::int64_t high);
    [[nodiscard]] std::string word(std::size_t most);
    [[nodiscard]] std::string choice(std::string_view choices);
    [[nodiscard]] std::string address();
    [[nodiscard]] std::string command();

    std::mt19937_64 random_;
    std::string out_;
    std::size_t names_ = 0;
};

}  // namespace mainstay::config::testing
