"""What the lab says when it could not do its part: one sentence that tells what happened and what to do about it."""

import dataclasses
import re
import signal


class LabError(Exception):
    """The lab could not do its part; the text is for people."""


@dataclasses.dataclass
class Ending:
    """What is known of a guest that ended before its command did."""
    console: str
    status: int          # of the kernel's process: negative when a signal ended it
    memory_mb: int
    memory_folder: str   # where the guest's memory is mapped from
    room: bool           # there was enough for all of it in that folder
    completed: bool      # the library of lab_registers.py was preloaded
    began: bool          # the command ran

    def sentence(self):
        when = "while COMMAND ran" if self.began else "before COMMAND ran"
        return f"the guest ended {when}: {self.cause()}"

    def cause(self):
        for pattern, explain in CAUSES:
            found = re.search(pattern, self.console, re.MULTILINE)
            if found:
                return explain(self, found)
        # A file of memory that cannot grow ends the kernel anywhere, and its console may lie in the same folder.
        if not self.room and self.status in (-signal.SIGABRT, -signal.SIGBUS):
            return no_room(self, None)
        panic = re.search(r"Kernel panic - not syncing: (.*?)\s*$", self.console, re.MULTILINE)
        if panic:
            return f"its kernel panicked ({panic[1]}): {SEE_CONSOLE}"
        if self.status < 0:
            return killed(self)
        return f"its kernel exited with status {self.status}: {SEE_CONSOLE}"


SEE_CONSOLE = "run it with --verbose to see its console"


def registers(ending, _found):
    if ending.completed:
        return ("this host refuses a process's extended registers, although all of them were given: use "
                "user-mode-linux 6.13 or newer, or a host whose processor has no AMX")
    return ("this processor has AMX, and with it more extended registers than the user-mode kernel keeps: give "
            "--xstate always, or use user-mode-linux 6.13 or newer")


def initial_program(_ending, found):
    if found[2] == "13":
        return f"the host may not execute {found[1]}: mount /tmp without noexec"
    return f"its kernel could not start {found[1]} (error {found[2]}): {SEE_CONSOLE}"


def no_room(ending, _found):
    return (f"{ending.memory_folder} has too little room for its {ending.memory_mb} MB of memory: free some there, or "
            "give fewer with --mem")


def killed(ending):
    number = -ending.status
    if number == signal.SIGKILL:
        return "SIGKILL ended its kernel, as this host does when its own memory is used up: look into its log (dmesg)"
    return f"signal {number} ({signal.strsignal(number)}) ended its kernel: {SEE_CONSOLE}"


def more_memory(ending, _found):
    return f"{ending.memory_mb} MB of memory are too few for it: give more with --mem"


def no_memory(ending, _found):
    return (f"this host gave it no {ending.memory_mb} MB of memory: free some, raise the limit (ulimit -v), or give "
            "fewer with --mem")


def not_loaded(_ending, _found):
    return "the library that completes its registers could not be loaded: mount /tmp without noexec"


def no_ptrace(_ending, _found):
    return ("this host does not let it use ptrace: allow it (in a container: the capability SYS_PTRACE, and ptrace in "
            "its seccomp profile)")


def not_executable(ending, _found):
    return f"{ending.memory_folder}, where its memory is, is mounted noexec: mount it without"


def not_mounted(_ending, found):
    return f"it {found[1]}: see that this folder of the host can be read, or {SEE_CONSOLE}"


def no_ipvs(_ending, _found):
    return ("its kernel could not load IPVS: install the package user-mode-linux again, so that its modules are those "
            "of its kernel")


def no_root(_ending, _found):
    return f"its kernel could not mount this host's root file system: {SEE_CONSOLE}"


# What the console tells, and what is said about it. The first that fits counts: what comes later in the list may follow
# from what comes before.
CAUSES = [
    (r"^ERROR: ld\.so: object '\S*uml_xstate\.so'", not_loaded),
    (r"put_fp_registers|ptrace set fp regs failed", registers),
    (r"check_ptrace|start_ptraced_child|ptrace: Operation not permitted", no_ptrace),
    (r"must be not mounted noexec", not_executable),
    (r"^Too few physical memory|Failed to allocate \d+ bytes for node|System is deadlocked on memory|"
     r"Out of memory(: Killed process| and no killable processes)|fork: .*Cannot allocate memory", more_memory),
    (r"^setup_physmem - mapping|Cannot allocate memory", no_memory),
    (r"Kernel mode signal 7", no_room),
    (r"^lab: (cannot mount .*?)\s*$", not_mounted),
    (r"^lab: (?:cannot load \w+|ip_vs did not start)", no_ipvs),
    (r"Requested init (\S+) failed \(error -(\d+)\)", initial_program),
    (r"Unable to mount root fs", no_root),
]
