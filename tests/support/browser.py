"""A browser that looks at a director's page: Chromium, through a forwarder to the control socket."""

import contextlib
import hashlib
import os
import socket
import tarfile
import threading
import urllib.request

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from .paths import BUILD
from .wait import wait_until

AXE = "axe-core-4.14.1"
AXE_URL = f"https://registry.npmjs.org/axe-core/-/{AXE}.tgz"
AXE_SHA512 = ("1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b734f8c22a0dab86ee6a6f64b8afbe804b214d36db8"
              "5a2826965edfb3a0b9d546b5")


def click(driver, selector):
    """Clicks on the element, which the page may draw anew between the search and the click."""
    def clicked():
        try:
            driver.find_element("css selector", selector).click()
        except StaleElementReferenceException:
            return False
        return True
    wait_until(clicked, 10, f"a click on {selector}")


def copy(source, target):
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    for end, how in ((target, socket.SHUT_WR), (source, socket.SHUT_RD)):
        with contextlib.suppress(OSError):
            end.shutdown(how)


class Forwarder:
    """A port on this host's loopback that leads to a unix socket, since browsers know no unix sockets."""

    def __init__(self, path):
        self.path = str(path)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.forward, args=(self.listener.accept()[0],), daemon=True).start()

    def forward(self, client):
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            server.connect(self.path)
        except OSError:
            client.close()
            return
        back = threading.Thread(target=copy, args=(server, client), daemon=True)
        back.start()
        copy(client, server)
        back.join()
        server.close()
        client.close()

    def close(self):
        self.listener.close()


def chromium(folder, width=1280, height=1100, dark=False):
    """`folder` takes what Chromium leaves behind; its path is short."""
    options = Options()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                     f"--window-size={width},{height}"):
        options.add_argument(argument)
    if dark:
        options.add_argument("--blink-settings=preferredColorScheme=0")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver", env={**os.environ, "TMPDIR": folder}))


def axe_source():
    """axe-core, which finds faults of accessibility: fetched once, held to its checksum."""
    kept = BUILD / f"{AXE}.tgz"
    if not kept.exists():
        try:
            with urllib.request.urlopen(AXE_URL, timeout=60) as answer:
                fetched = answer.read()
        except OSError as problem:
            pytest.skip(f"axe-core cannot be fetched from {AXE_URL}: {problem}")
        assert hashlib.sha512(fetched).hexdigest() == AXE_SHA512, "axe-core is not the one that the tests know"
        part = kept.with_suffix(f".{os.getpid()}")
        part.write_bytes(fetched)
        part.replace(kept)
    with tarfile.open(kept) as packed:
        return packed.extractfile("package/axe.min.js").read().decode()


def accessibility_faults(driver):
    """[(rule, impact, first place)] as axe-core judges the page that is shown."""
    driver.execute_script(axe_source())
    return [tuple(one) for one in driver.execute_async_script(
        "const done = arguments[0];"
        "axe.run(document).then(found => done(found.violations.map(v => [v.id, v.impact, v.nodes[0].html])));")]
