"""The extended registers of a guest's processes, on hosts that have more of them than the guest's kernel keeps.

uml_xstate.cpp tells what is wrong there. This says where its library is needed, and finds or makes it.
"""

import os
import re
import shutil
import subprocess

from lab_ending import LabError

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
SOURCE = os.path.join(HERE, "uml_xstate.cpp")
LIBRARY = "uml_xstate.so"
CHOICES = ("auto", "always", "never")
KEEPS_ALL_SINCE = (6, 13)  # user-mode-linux asks the host from then on how large its extended registers are


def needs_whole_registers(cpuinfo, kernel_version):
    """Whether a user-mode kernel of this version dies on this processor unless its registers are completed."""
    flags = next((line for line in cpuinfo.splitlines() if line.startswith("flags")), "")
    if "amx_tile" not in flags.split():
        return False
    numbers = re.match(r"\s*(\d+)\.(\d+)", kernel_version)
    # Completing what is complete changes nothing: that is the safe answer where the version is not known.
    return numbers is None or (int(numbers[1]), int(numbers[2])) < KEEPS_ALL_SINCE


def version_of(kernel):
    try:
        done = subprocess.run([kernel, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def cpuinfo_begin():
    """What /proc/cpuinfo says about the first processor, at least."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as source:
        return source.read(65536)


def library_for(choice, kernel, work):
    """The library to preload into this kernel, as a file in the folder `work`; None where none is needed."""
    if choice == "never" or (choice == "auto" and not needs_whole_registers(cpuinfo_begin(), version_of(kernel))):
        return None
    target = os.path.join(work, LIBRARY)
    build = os.path.join(TOP, os.environ.get("MAINSTAY_BUILD", "build"))
    built = os.path.join(build, "tools", "lab.d", LIBRARY)
    if os.path.isfile(built):
        # Copied: LD_PRELOAD takes no path with spaces or colons, and a build may replace the file meanwhile.
        shutil.copy(built, target)
    else:
        compile_library(target, build)
    return target


def compile_library(target, build):
    compiler = next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))), None)
    if compiler is None:
        raise LabError(f"this processor's registers want {LIBRARY}, which is not in {build}, and there is no C++ "
                       "compiler: run tools/setup --build")
    done = subprocess.run([compiler, "-O2", "-fPIC", "-fno-exceptions", "-shared", "-o", target, SOURCE],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[0]
        raise LabError(f"{compiler} could not make {LIBRARY} ({said}): run tools/setup --build")
