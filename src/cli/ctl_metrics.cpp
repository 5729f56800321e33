#include "ctl.hpp"
#include "mainstay/report/metrics.hpp"
#include "output.hpp"

namespace mainstay::cli {

int ctl_metrics(const std::string& socket, const MetricsRequest& request) {
    if (request.reference) {
        print(report::metrics_reference());
        return 0;
    }
    std::string target = std::string{"/metrics?format="} + (request.openmetrics ? "openmetrics" : "text");
    if (!request.scope.empty()) target += "&scope=" + request.scope;
    for (const auto& set : request.compat) target += "&compat=" + set;
    // Checked here, because the daemon's answer to a wrong one would be a number.
    const auto valid = report::metrics_options(target, {});
    const auto answer = valid ? ask_daemon(socket, target) : error_of(valid);
    if (!answer) {
        print_error("mainstayctl: " + answer.error().text() + "\n");
        return answer.error().code() == Errc::NotFound ? kNotRunning : 1;
    }
    print(*answer);
    return 0;
}

}  // namespace mainstay::cli
