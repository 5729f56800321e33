// What a request for metrics asks for.
#include <doctest/doctest.h>

#include "mainstay/report/metrics.hpp"

using namespace mainstay;
using namespace mainstay::report;

namespace {

bool openmetrics(std::string_view accept) { return metrics_options("/metrics", accept).value().openmetrics; }
std::string refusal(std::string_view target) {
    const auto options = metrics_options(target, {});
    return options ? "" : options.error().text();
}

}  // namespace

TEST_CASE("the path of metrics is one, with a query or without") {
    CHECK(is_metrics("/metrics"));
    CHECK(is_metrics("/metrics?"));
    CHECK(is_metrics("/metrics?scope=servers"));
    CHECK_FALSE(is_metrics("/metrics/"));
    CHECK_FALSE(is_metrics("/metricsx"));
    CHECK_FALSE(is_metrics("/status?/metrics"));
    CHECK_FALSE(is_metrics(""));
}

TEST_CASE("without a query the scope is services, and the format is text") {
    for (const char* target : {"/metrics", "/metrics?", "/metrics?&", "/metrics?scope=services&format=text&compat="})
        CHECK(metrics_options(target, {}).value() == MetricsOptions{});
}

TEST_CASE("the query chooses scope, format and the names of other exporters") {
    CHECK(metrics_options("/metrics?scope=servers", {}).value() == MetricsOptions{.servers = true});
    CHECK(metrics_options("/metrics?format=openmetrics", {}).value() == MetricsOptions{.openmetrics = true});
    CHECK(metrics_options("/metrics?compat=gen2brain,node_exporter&scope=servers", {}).value() ==
          MetricsOptions{.servers = true, .gen2brain = true, .node_exporter = true});
    CHECK(metrics_options("/metrics?compat=mehdy&compat=mehdy-2020", {}).value() ==
          MetricsOptions{.mehdy = true, .mehdy_2020 = true});
    CHECK(metrics_options("/metrics?compat=mehdy-state", {}).value() ==
          MetricsOptions{.mehdy = true, .mehdy_state = true});
}

TEST_CASE("sets whose names collide in OpenMetrics are text") {
    CHECK_FALSE(metrics_options("/metrics?compat=mehdy,mehdy-2020&format=openmetrics", {}).value().openmetrics);
    CHECK(metrics_options("/metrics?compat=mehdy-2020&format=openmetrics", {}).value().openmetrics);
}

TEST_CASE("what is unknown is refused by its name") {
    CHECK(refusal("/metrics?scope=all") == "unknown scope \"all\"; known: services, servers");
    CHECK(refusal("/metrics?format=json") == "unknown format \"json\"; known: text, openmetrics");
    CHECK(refusal("/metrics?compat=mehdy,x") ==
          "unknown compat \"x\"; known: mehdy, mehdy-state, mehdy-2020, gen2brain, node_exporter");
    CHECK(refusal("/metrics?scop=servers") == "unknown parameter \"scop\"; known: scope, compat, format");
    CHECK(refusal("/metrics?scope") == "unknown scope \"\"; known: services, servers");
}

TEST_CASE("the Accept header chooses the format, by its qualities") {
    // Prometheus 2.42 and 3.0.
    CHECK(
        openmetrics("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"));
    CHECK(openmetrics("application/openmetrics-text"));
    CHECK(openmetrics("text/plain;q=0.5, application/openmetrics-text; q=0.5"));
    CHECK_FALSE(openmetrics(""));
    CHECK_FALSE(openmetrics("*/*"));
    CHECK_FALSE(openmetrics("text/html, text/plain"));
    CHECK_FALSE(openmetrics("application/openmetrics-text;q=0.4,text/plain;q=0.5"));
    CHECK_FALSE(openmetrics("application/openmetrics-text;q=0"));
    for (const char* malformed : {"application/openmetrics-text;q=", "application/openmetrics-text;q=2",
                                  "application/openmetrics-text;q=-1", "application/openmetrics-text;q=0.5x", ",;=,;q"})
        CHECK_FALSE(openmetrics(malformed));
    CHECK_FALSE(metrics_options("/metrics?format=text", "application/openmetrics-text").value().openmetrics);
}

TEST_CASE("each format has its content type") {
    CHECK(content_type({}) == "text/plain; version=0.0.4; charset=utf-8");
    CHECK(content_type({.openmetrics = true}) == "application/openmetrics-text; version=1.0.0; charset=utf-8");
}
