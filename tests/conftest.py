"""What every suite written in Python has: the helpers of tests/support, and the fixtures `lan` and `browse`."""

import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import pytest  # noqa: E402

from support.hosts import Lan  # noqa: E402
from support.needs import needs_root  # noqa: E402


@pytest.fixture
def lan(request, tmp_path):
    """A network of its own: hosts and switches are made with lan.host() and lan.switch(), and are gone afterwards.

    When the test fails, what the programs on its hosts wrote is shown with the failure.
    """
    needs_root()
    network = Lan(tmp_path)
    try:
        yield network
    finally:
        for name, text in network.logs():
            print(f"---- {name} ----\n{text}")
        network.close()


@pytest.fixture
def browse():
    """browse(host, dark=True, ...): a browser that shows the page of a host's director."""
    from support.browser import Forwarder, chromium  # selenium takes a while to load

    # What Chromium leaves behind. Not tmp_path: it puts a socket there, and the path of a socket has at most 107 bytes.
    folder = tempfile.TemporaryDirectory(prefix="mainstay-", dir="/tmp")
    opened = [folder.cleanup]

    def look_at(host, **options):
        forwarder = Forwarder(host.path("/run/mainstay/control.sock"))
        opened.append(forwarder.close)
        driver = chromium(folder.name, **options)
        opened.append(driver.quit)
        driver.get(forwarder.url)
        return driver

    yield look_at
    for close in reversed(opened):
        close()
