#include "role/observer/page_assets.hpp"

#include <doctest/doctest.h>

#include <regex>
#include <string>

using namespace mainstay::role;

TEST_CASE("the page is in the program, with its types") {
    const auto page = page_asset("/");
    REQUIRE(page.has_value());
    CHECK(page->content_type == "text/html; charset=utf-8");
    CHECK(page->body.starts_with("<!doctype html>"));
    CHECK(page_asset("/page/page.css")->content_type == "text/css; charset=utf-8");
    CHECK(page_asset("/page/page.js")->content_type == "text/javascript; charset=utf-8");
}

TEST_CASE("only whole paths name a file") {
    for (const char* path : {"", "/page", "/page/", "/page/../", "/page/page.css/", "/page/page.cs", "page/page.css"})
        CHECK_FALSE(page_asset(path).has_value());
}

TEST_CASE("the page refers to its own files alone") {
    const std::string html{page_asset("/")->body};
    const std::regex link{R"re((?:src|href)="([^"]*)")re"};
    int files = 0;
    for (std::sregex_iterator it{html.begin(), html.end(), link}; it != std::sregex_iterator{}; ++it) {
        const std::string target{(*it)[1].str()};
        if (target.starts_with("#")) continue;
        CHECK_MESSAGE(page_asset("/" + target).has_value(), target);
        ++files;
    }
    CHECK(files >= 4);
    for (const auto& asset : page_assets()) {
        if (asset.path == "/page/icon.svg") continue;           // names its XML vocabulary
        if (asset.path == "/page/uPlot.iife.min.js") continue;  // names its home in its first line; looked at below
        CHECK_MESSAGE(asset.body.find("://") == std::string_view::npos, asset.path);
    }
}

TEST_CASE("the library that draws the graphs comes with its licence, and refers to nothing but its home") {
    const auto script = page_asset("/page/uPlot.iife.min.js");
    REQUIRE(script.has_value());
    CHECK(script->body.starts_with("/*! https://github.com/leeoniya/uPlot (v1.6.32) */\n"));
    CHECK(script->body.find("://", 20) == std::string_view::npos);
    CHECK(page_asset("/page/uPlot.LICENSE.txt")->body.starts_with("The MIT License (MIT)\n"));
    CHECK(page_asset("/page/uPlot.LICENSE.txt")->content_type == "text/plain; charset=utf-8");
}
