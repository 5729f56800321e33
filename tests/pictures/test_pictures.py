"""Pictures of the page of a real pair with a real table, for README.md. tools/screenshots runs this, and no suite does: a
browser takes minutes on a user-mode kernel. What the page shows is judged by host/test_page.py and lab/test_page.py.

MAINSTAY_SCREENSHOTS names the folder of the pictures."""

import base64
import os
import pathlib
import time

from support.lvs import real_server
from support.peer import follow, serve
from support.traffic import hold_address
from support.traffic import serve as answer
from support.vrrp import VIP, instance, wait_holds, wait_ready
from support.wait import wait_until

FOLDER = pathlib.Path(os.environ["MAINSTAY_SCREENSHOTS"])
TRAFFIC_SECONDS = int(os.environ.get("MAINSTAY_SCREENSHOTS_SECONDS", "0"))  # before the first picture; with some, graphs have a shape
LOOKS = {"light": {}, "dark": {"dark": True}, "narrow": {"width": 500}}
PICTURE_BYTES_MAX = 110_000
TRACKED = """
vrrp_script web {
    script "/bin/true"
    interval 1
    weight -20
}
track_file load {
    file /run/load
    weight 1
}
"""
TRACKS = """
    track_script {
        web
    }
    track_file {
        load
    }
"""
CHECK = "connect_timeout 1\n      retry 0"
SERVICE = (f"virtual_server {VIP} 80 {{\n  delay_loop 1\n  lb_algo wlc\n  lb_kind DR\n  protocol TCP\n  sorry_server 192.168.4.30 80\n"
           + "".join(real_server(f"192.168.4.{number} 80", check=CHECK) for number in (31, 32, 33)) + "}\n")
# Connections at a rate that goes up and down, each with some bytes.
CLIENT = """
import math, socket, sys, time
began = time.monotonic()
while True:
    one = socket.create_connection((sys.argv[1], 80), timeout=5)
    one.recv(100)
    one.sendall(b"x" * 700)
    one.close()
    time.sleep(0.03 + 0.02 * math.sin((time.monotonic() - began) / 20))
"""


def text(priority):
    return (TRACKED + instance("BACKUP", priority, more=TRACKS)
            + instance("BACKUP", 250 - priority, "192.168.4.201", 52, "VI_2") + SERVICE)


def take(driver, name, folder):
    wait_until(lambda: driver.execute_script(
        "return document.querySelectorAll('#pair-instances .effect').length === 0 && "
        "document.querySelectorAll('#pair-instances tr').length === 2 && document.body.innerText.includes('DOWN') && "
        "document.getElementById('rates-text').innerText.startsWith('Since');"), 90, lambda: driver.page_source)
    taken = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "webp", "quality": 70})
    picture = folder / f"page-{name}.webp"
    picture.write_bytes(base64.b64decode(taken["data"]))
    assert picture.stat().st_size < PICTURE_BYTES_MAX


def test_pictures_are_taken(lan, browse):
    lan.switch("office")
    one, two = (lan.host(name, eth0=("office", f"192.168.4.{11 + n}/24")) for n, name in enumerate(("one", "two")))
    client = lan.host("client", eth0=("office", "192.168.4.50/24"))
    for number in (31, 32):  # nobody is at 33
        web = lan.host(f"web{number}", eth0=("office", f"192.168.4.{number}/24"))
        hold_address(web, f"{VIP}/32")
        answer(web, f"web{number}", f"tcp/{VIP}:80", f"tcp/192.168.4.{number}:80")
    to_one, to_two = serve(one, "192.168.4.11"), serve(two, "192.168.4.12")
    follow(one, "192.168.4.12", *to_two)
    follow(two, "192.168.4.11", *to_one)
    one.write("/run/load", "10\n")
    wait_ready(two.mainstayd(text(100)), 60)
    wait_ready(one.mainstayd(text(150)), 60)
    wait_holds(one)
    wait_holds(two, "192.168.4.201")
    asks = client.start(["/usr/bin/python3", "-c", CLIENT, VIP], name="asks")
    driver = browse(one, height=1900)
    time.sleep(TRAFFIC_SECONDS)
    take(driver, "light", FOLDER)
    for name in ("dark", "narrow"):
        take(browse(one, height=1900, **LOOKS[name]), name, FOLDER)
    assert asks.alive(), asks.output()
