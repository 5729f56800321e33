"""What global_defs says about reloads: when, after which check, and what others see of it."""

import datetime
import signal

import pytest

from support.vrrp import VIP, instance, office, wait_holds, wait_ready, wait_released
from support.wait import stays, wait_until

OTHER = "192.168.4.201"


def started(lan, settings, text=None):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(f"global_defs {{\n {settings}\n}}\n" + (text or instance())))
    wait_holds(one)
    return one, daemon


def change(host, settings, text):
    host.write("/run/keepalived.conf", f"global_defs {{\n {settings}\n}}\n{text}")


def test_a_configuration_with_anything_wrong_is_refused_when_it_is_checked_first(lan):
    # effect: global_defs: reload_check_config
    settings = "reload_check_config /run/check.log"
    one, daemon = started(lan, settings)

    change(one, settings, "nonsense yes\n" + instance(vip=OTHER))
    daemon.send(signal.SIGHUP)
    wait_until(lambda: "New config failed validation, see /run/check.log for details" in daemon.output(), 10, "it")
    assert "nonsense" in one.read("/run/check.log")
    assert one.holds(VIP) and "Reload complete" not in daemon.output()

    change(one, settings, instance(vip=OTHER))
    daemon.send(signal.SIGHUP)
    wait_holds(one, OTHER)
    wait_released(one, VIP)
    assert "nonsense" in one.read("/run/check.log")
    one.run(["rm", "/run/check.log"])
    change(one, settings, instance(vip=VIP))
    daemon.send(signal.SIGHUP)
    wait_holds(one, VIP)
    wait_until(lambda: not one.path("/run/check.log").exists(), 10, "the log without a line to be removed")
    change(one, settings, instance(vip=OTHER))
    daemon.send(signal.SIGHUP)
    wait_holds(one, OTHER)

    # Without it a warning stops nothing.
    change(one, "router_id one", instance(vip=VIP))
    daemon.send(signal.SIGHUP)
    wait_holds(one, VIP)
    change(one, "router_id one", "nonsense yes\n" + instance(vip=OTHER))
    daemon.send(signal.SIGHUP)
    wait_holds(one, OTHER)


@pytest.mark.nightly
def test_it_reloads_at_the_time_that_stands_in_a_file_once_and_removes_it(lan):
    # effect: global_defs: reload_time_file
    settings = "reload_time_file /run/when"
    one, daemon = started(lan, settings)
    change(one, settings, instance(vip=OTHER))
    assert stays(lambda: one.holds(VIP), 1)

    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=4)
    one.write("/run/when", soon.strftime("%Y-%m-%d %H:%M:%SZ\n"))

    wait_holds(one, OTHER)
    assert "Reload scheduled in" in daemon.output()
    wait_until(lambda: not one.path("/run/when").exists(), 10, "the file to be removed")


@pytest.mark.nightly
def test_a_daily_time_stays_in_its_file_and_a_bad_one_is_reported(lan):
    # effect: global_defs: reload_repeat
    settings = "reload_time_file /run/when\n reload_repeat"
    one, daemon = started(lan, settings)
    change(one, settings, instance(vip=OTHER))
    one.write("/run/when", "half past nine\n")
    wait_until(lambda: "'half past nine' is not a time" in daemon.output(), 10, "the complaint")

    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=4)
    one.write("/run/when", soon.strftime("%H:%M:%SZ\n"))

    wait_holds(one, OTHER)
    assert one.path("/run/when").exists()
    # It counts again tomorrow.
    wait_until(lambda: daemon.output().count("Reload scheduled in") == 2, 10, "the next time")
    assert "Reload scheduled in 863" in daemon.output() or "Reload scheduled in 8639" in daemon.output()


def test_a_file_shows_that_the_configuration_is_being_read(lan):
    # effect: global_defs: reload_file
    settings = "reload_file /run/mark/reading"
    watch = ("import ctypes,os,struct\nlibc=ctypes.CDLL(None)\nfd=libc.inotify_init()\n"
             "libc.inotify_add_watch(fd,b'/run/mark',0x100|0x200)\nprint('watching',flush=True)\n"
             "while True:\n data=os.read(fd,4096)\n at=0\n while at<len(data):\n"
             "  _,mask,_,n=struct.unpack_from('iIII',data,at)\n"
             "  print('made' if mask&0x100 else 'gone',data[at+16:at+16+n].rstrip(b'\\0').decode(),flush=True)\n"
             "  at+=16+n\n")
    one, daemon = started(lan, settings)
    one.run(["mkdir", "/run/mark"])
    watcher = one.start(["/usr/bin/python3", "-u", "-c", watch])
    wait_until(lambda: "watching" in watcher.output(), 10, "the watcher")

    daemon.send(signal.SIGHUP)

    wait_until(lambda: "Reload complete" in daemon.output(), 10, "the reload")
    wait_until(lambda: "gone reading" in watcher.output(), 10, watcher.output)
    assert watcher.output().splitlines()[1:] == ["made reading", "gone reading"]


def test_copies_of_what_was_read_are_kept(lan):
    # effect: global_defs: config_save_dir tmp_config_directory
    (one,) = office(lan, "one")
    one.run(["mkdir", "/run/saved", "/run/copy"])
    one.write("/run/part.conf", "$ADDRESS=192.168.4.200\n")
    text = "include part.conf\nglobal_defs {\n config_save_dir /run/saved\n tmp_config_directory /run/copy\n}\n"
    daemon = wait_ready(one.mainstayd(text + instance(vip="${ADDRESS}")))
    wait_holds(one)

    (copy,) = one.path("/run/copy").iterdir()
    (saved,) = one.path("/run/saved").iterdir()
    for file in (copy, saved):
        content = file.read_text(encoding="utf-8")
        assert "192.168.4.200" in content and "include" not in content and "$ADDRESS" not in content
        assert file.stat().st_mode & 0o777 == 0o600
    assert saved.name.startswith("keepalived.conf.2")
    assert "cannot be kept" not in daemon.output()

    one.write("/run/part.conf", f"$ADDRESS={OTHER}\n")
    daemon.send(signal.SIGHUP)
    wait_holds(one, OTHER)
    wait_until(lambda: OTHER in copy.read_text(encoding="utf-8"), 10, "the copy that runs")
    assert daemon.stop() == 0
    assert not list(one.path("/run/copy").iterdir())


def test_requests_for_reloads_that_come_meanwhile_become_one_more(lan):
    one, daemon = started(lan, "router_id one")

    def asked_again_meanwhile():
        for _ in range(5):
            daemon.send(signal.SIGHUP)  # signals that wait to be taken are one
        return "Reload already in progress, request queued" in daemon.output()

    wait_until(asked_again_meanwhile, 20, "the queue")
    wait_until(lambda: daemon.output().count("Reload complete") >= 2, 10, "both")
    assert daemon.output().count("Reloading ...") >= 2


def test_the_daemon_logs_its_beginning_its_file_and_its_end(lan):
    one, daemon = started(lan, "router_id one")
    daemon.send(signal.SIGHUP)
    wait_until(lambda: "Reload complete" in daemon.output(), 10, "the reload")
    assert daemon.stop() == 0

    told = [line.split(": ", 1)[1] for line in daemon.output().splitlines() if ": " in line]
    order = [next(i for i, line in enumerate(told) if line.startswith(text)) for text in
             ("Starting mainstay v", "Configuration file /run/keepalived.conf", "Starting VRRP child process, pid=",
              "Startup complete", "Reloading ...", "Reload complete", "Stopping", "Stopped mainstay v")]
    assert order == sorted(order)
    assert one.addresses("eth0") >= {"192.168.4.11/24"}
