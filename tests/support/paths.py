"""Where things are. MAINSTAY_BUILD names another build folder than build/."""

import os
import pathlib
import shutil

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("MAINSTAY_BUILD", "build")
DATA = TOP / "tests" / "data"
COURSE = DATA / "course"
# Material that lies beside some checkouts; tests that want it say so and pass over when it is not there.
SHARED = TOP.parent / "shared"


def program(name):
    """The built program of this name, as text. MAINSTAY_PROGRAMS names a folder that is looked into first."""
    folders = [BUILD / "src" / "cli", BUILD / "src" / "role", BUILD, BUILD / "tools" / "lab.d", BUILD / "tests" / "host"]
    if "MAINSTAY_PROGRAMS" in os.environ:
        folders.insert(0, pathlib.Path(os.environ["MAINSTAY_PROGRAMS"]))
    for folder in folders:
        if (folder / name).is_file():
            return str(folder / name)
    raise FileNotFoundError(f"{name} is not built: looked in {', '.join(map(str, folders))}")


def program_for_everybody(name, folder):
    """A copy of the built program in this folder, for other users: a checkout may lie where they cannot go."""
    copy = pathlib.Path(folder) / name
    shutil.copyfile(program(name), copy)
    copy.chmod(0o755)
    return str(copy)
