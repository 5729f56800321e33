// Prints each test that is skipped, with its reason, which the JUnit reporter leaves out. tools/test counts these
// lines. Included once in a program, beside doctest's main().
#pragma once

#include <doctest/doctest.h>

#include <cstdio>

namespace mainstay::test {

class SkipListener : public doctest::IReporter {
public:
    explicit SkipListener(const doctest::ContextOptions& /*options*/) {}

    void test_case_skipped(const doctest::TestCaseData& test) override {
        if (test.m_skip && test.m_description != nullptr)
            std::printf("skipped: %s: %s\n", test.m_name, test.m_description);
    }

    void report_query(const doctest::QueryData& /*data*/) override {}
    void test_run_start() override {}
    void test_run_end(const doctest::TestRunStats& /*statistics*/) override {}
    void test_case_start(const doctest::TestCaseData& /*test*/) override {}
    void test_case_reenter(const doctest::TestCaseData& /*test*/) override {}
    void test_case_end(const doctest::CurrentTestCaseStats& /*statistics*/) override {}
    void test_case_exception(const doctest::TestCaseException& /*exception*/) override {}
    void subcase_start(const doctest::SubcaseSignature& /*signature*/) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData& /*data*/) override {}
    void log_message(const doctest::MessageData& /*data*/) override {}
};

REGISTER_LISTENER("skips", 1, SkipListener);

}  // namespace mainstay::test
