"""A plugin of pytest: writes each test's name where the planted programs write the faults they reach."""

import os


def pytest_runtest_logstart(nodeid, location):
    with open(os.environ["MAINSTAY_PLANTED_REACHED"], "a", encoding="utf-8") as reached:
        reached.write(f"test {nodeid}\n")
