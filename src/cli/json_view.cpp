#include "json_view.hpp"

#include <fmt/format.h>

#include "mainstay/base/text.hpp"

namespace mainstay::cli {
namespace {

using nlohmann::json;

std::size_t width(const std::string& cell) {  // in characters
    return static_cast<std::size_t>(std::ranges::count_if(cell, [](char c) { return !continues_utf8(c); }));
}

}  // namespace

Result<json> json_object(std::string_view answer) {
    json parsed = json::parse(answer, nullptr, false);
    if (!parsed.is_object()) return fail(Errc::Invalid, "the daemon's answer is not a JSON object");
    return parsed;
}

Result<json> json_array(std::string_view answer) {
    json parsed = json::parse(answer, nullptr, false);
    if (!parsed.is_array()) return fail(Errc::Invalid, "the daemon's answer is not a JSON array");
    return parsed;
}

std::string text(const json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end()) return {};
    if (found->is_string()) return found->get<std::string>();
    if (found->is_number() || found->is_boolean()) return found->dump();
    return {};
}

std::int64_t number(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

bool flag(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_boolean() && found->get<bool>();
}

const json& list(const json& object, const char* name) {
    static const json kNone = json::array();
    const auto found = object.find(name);
    return found != object.end() && found->is_array() ? *found : kNone;
}

const json& part(const json& object, const char* name) {
    static const json kNone = json::object();
    const auto found = object.find(name);
    return found != object.end() && found->is_object() ? *found : kNone;
}

std::string table(const std::vector<TableRow>& rows, std::string_view indent) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
    }
    std::string out;
    for (const auto& row : rows) {
        std::string line{indent};
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i] + std::string(widths[i] - width(row[i]) + 2, ' ');
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + "\n";
    }
    return out;
}

std::string age(std::int64_t now_us, std::int64_t then_us) {
    if (then_us <= 0 || now_us < then_us) return "-";
    const std::int64_t s = (now_us - then_us) / 1'000'000;
    if (s < 60) return fmt::format("{} s", s);
    if (s < 3'600) return fmt::format("{} min", s / 60);
    if (s < 2 * 86'400) return fmt::format("{} h {} min", s / 3'600, s / 60 % 60);
    return fmt::format("{} d {} h", s / 86'400, s / 3'600 % 24);
}

}  // namespace mainstay::cli
