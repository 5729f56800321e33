"""Runs the playbooks of packaging/ansible against hosts of a test network."""

import os
import re
import subprocess

from .paths import TOP, program
from .wait import wait_until

FOLDER = TOP / "packaging" / "ansible"
PLUGINS = TOP / "tests" / "support" / "ansible"
PLAYBOOK_SECONDS = 120


class Result:
    """What a playbook run printed; recap is {host: {"ok": 3, "changed": 1, ...}}."""

    def __init__(self, done):
        self.returncode = done.returncode
        self.output = done.stdout + done.stderr
        _, _, recap = done.stdout.partition("PLAY RECAP")
        self.recap = {line.split()[0]: {key: int(count) for key, count in re.findall(r"(\w+)=(\d+)", line)}
                      for line in recap.splitlines() if "ok=" in line}

    def changed(self):
        """{host: number of tasks that changed something}."""
        return {host: counts["changed"] for host, counts in self.recap.items()}


class Ansible:
    """A control node with an inventory. The packages are installed already: a namespace has no package manager."""

    def __init__(self, folder, hosts, **variables):
        self.folder = folder
        every = {"ansible_connection": "lan_host", "ansible_python_interpreter": "/usr/bin/python3",
                 "ansible_remote_tmp": "/tmp/ansible", "mainstay_become": "false", "mainstay_install": "false",
                 "mainstay_manage_service": "false", "mainstay_daemon": program("mainstayd"),
                 "mainstay_ctl": program("mainstayctl"), "mainstay_healthy_retries": "20",
                 "mainstay_healthy_delay": "0.3", **variables}
        self.inventory = folder / "inventory.ini"
        self.inventory.write_text("[mainstay]\n" + "".join(
            f"{host.name} ansible_host={host.pid} {extra}\n" for host, extra in hosts.items())
            + "[mainstay:vars]\n" + "".join(f"{name}={value}\n" for name, value in every.items()), encoding="utf-8")

    def play(self, playbook, *options):
        environment = {**os.environ, "ANSIBLE_CONFIG": str(FOLDER / "ansible.cfg"), "ANSIBLE_HOME": str(self.folder),
                       "ANSIBLE_LOCAL_TEMP": str(self.folder / "tmp"), "ANSIBLE_CONNECTION_PLUGINS": str(PLUGINS),
                       "ANSIBLE_PIPELINING": "true", "ANSIBLE_NOCOLOR": "true", "ANSIBLE_GATHERING": "explicit",
                       "ANSIBLE_RETRY_FILES_ENABLED": "false", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(["ansible-playbook", "-i", self.inventory, FOLDER / "playbooks" / playbook, *options],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment,
                              timeout=PLAYBOOK_SECONDS, check=False)
        print(f"---- {playbook} {' '.join(map(str, options))}: {done.returncode} ----\n{done.stdout}{done.stderr}")
        return Result(done)


def director(host, text, path):
    """Starts the daemon of this path as its service does: with the file in /etc/keepalived, which is the host's own."""
    host.run(["mount", "-t", "tmpfs", "-o", "mode=755", "keepalived", "/etc/keepalived"])
    host.write("/etc/keepalived/keepalived.conf", text, 0o640)
    daemon = host.start([path, "-n", "-l", "-D"])
    wait_until(lambda: "Startup complete" in daemon.output(), 20, lambda: f"startup:\n{daemon.output()}")
    return daemon
