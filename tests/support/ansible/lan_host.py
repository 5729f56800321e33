"""An Ansible connection into a test host: ansible_host is the pid of a process whose namespaces are entered."""

import shlex
import shutil

from ansible.plugins.connection import local

DOCUMENTATION = """
    name: lan_host
    short_description: execute in the namespaces of a test host
    description: Runs commands in the namespaces of a process, and copies files through its /proc/PID/root.
    author: mainstay developers
    extends_documentation_fragment:
        - connection_pipelining
    options:
        pid:
            description: Process whose namespaces are entered.
            vars:
                - name: ansible_host
"""


class Connection(local.Connection):
    transport = "lan_host"

    def exec_command(self, cmd, in_data=None, sudoable=True):
        enter = ["nsenter", "--target", str(self.get_option("pid")), "--net", "--mount", "--pid", "--uts", "--ipc",
                 "--root", "--wd", "--", "/bin/sh", "-c", cmd]
        return super().exec_command(shlex.join(enter), in_data, sudoable)

    def _outside(self, path):
        return f"/proc/{self.get_option('pid')}/root{path}"

    def put_file(self, in_path, out_path):
        shutil.copyfile(in_path, self._outside(out_path))

    def fetch_file(self, in_path, out_path):
        shutil.copyfile(self._outside(in_path), out_path)
