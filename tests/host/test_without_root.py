"""The unit tests for whoever builds as an ordinary user, with what a login has: what needs root is skipped, and nothing fails."""

import json
import os
import resource
import subprocess

import pytest

from support.paths import BUILD

NOBODY = ["nice", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def descriptors_of_a_login():
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


@pytest.mark.nightly
def test_no_unit_test_fails_for_an_ordinary_user():
    if subprocess.run([*NOBODY, "test", "-x", BUILD], check=False).returncode != 0:
        pytest.skip("others may not enter this checkout")
    tests = json.loads(subprocess.run(["meson", "introspect", BUILD, "--tests"], capture_output=True, check=True).stdout)
    assert tests
    failed = []
    for test in tests:
        done = subprocess.run([*NOBODY, *test["cmd"]], capture_output=True, text=True, check=False, timeout=600,
                              env={**os.environ, "HOME": "/nonexistent"}, preexec_fn=descriptors_of_a_login)
        if done.returncode != 0:
            failed.append(f"{test['name']}: {done.stdout[-2000:]}{done.stderr[-500:]}")
    assert not failed, "\n".join(failed)
