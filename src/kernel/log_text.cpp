#include "mainstay/kernel/log_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "mainstay/base/time.hpp"

namespace mainstay::kernel {
namespace {

constexpr std::size_t kTextBytesMax = 4096;

std::string on_one_line(std::string_view text) {
    std::string line{text.substr(0, kTextBytesMax)};
    std::ranges::replace_if(line, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
    return line;
}

// Calls `each` with the name and the value of every field that is known.
template <class Each>
void visit(const LogFields& fields, Each each) {
    const std::array<std::pair<const char*, std::string_view>, 7> texts{{{"event", fields.event},
                                                                         {"instance", fields.instance},
                                                                         {"group", fields.group},
                                                                         {"service", fields.service},
                                                                         {"server", fields.server},
                                                                         {"reason", fields.reason},
                                                                         {"cause", fields.cause}}};
    for (const auto& [name, value] : texts)
        if (!value.empty()) each(name, value);
}

std::string upper(std::string_view name) {
    std::string out{name};
    std::ranges::transform(out, out.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
    return out;
}

}  // namespace

std::string syslog_datagram(const LogSource& source, LogLevel level, std::time_t when, std::string_view text) {
    static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm parts{};
    static_cast<void>(::localtime_r(&when, &parts));
    return fmt::format("<{}>{} {:2} {:02}:{:02}:{:02} {}[{}]: {}", source.facility * 8 + static_cast<int>(level),
                       kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_mday, parts.tm_hour, parts.tm_min,
                       parts.tm_sec, on_one_line(source.ident), source.pid, on_one_line(text));
}

std::string journal_datagram(const LogSource& source, LogLevel level, std::string_view text, const LogFields& fields) {
    std::string out =
        fmt::format("MESSAGE={}\nPRIORITY={}\nSYSLOG_FACILITY={}\nSYSLOG_IDENTIFIER={}\nSYSLOG_PID={}\n",
                    on_one_line(text), static_cast<int>(level), source.facility, on_one_line(source.ident), source.pid);
    visit(fields, [&out](const char* name, std::string_view value) {
        out += fmt::format("MAINSTAY_{}={}\n", upper(name), on_one_line(value));
    });
    if (fields.priority) out += fmt::format("MAINSTAY_PRIORITY={}\n", *fields.priority);
    return out;
}

std::string json_line(const LogSource& source, LogLevel level, WallTime when, std::string_view text,
                      const LogFields& fields) {
    using json = nlohmann::ordered_json;
    json object{{"time", utc_text(when, UtcDigits::Microseconds)},
                {"level", to_string(level)},
                {"program", source.ident},
                {"pid", source.pid},
                {"message", text.substr(0, kTextBytesMax)}};
    visit(fields, [&object](const char* name, std::string_view value) { object[name] = value; });
    if (fields.priority) object["priority"] = *fields.priority;
    return object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace mainstay::kernel
