"""Copies of source files with many faults in them, all asleep: a number read at the program's start wakes one.

So each file is compiled once, however many faults are tried. The programs are linked from the objects of the normal
build folder, with the objects of these copies in place of the true ones.
"""

import collections
import concurrent.futures
import hashlib
import json
import pathlib
import re
import shlex
import subprocess
import threading

FIRST_LINE = 1_000_000  # a fault's own text says that it stands in this line plus its number
RUNTIME_HPP = """#pragma once
namespace mutate {
bool awake(int fault);
constexpr bool planted(int fault) {
    if consteval { return false; } else { return awake(fault); }
}
}  // namespace mutate
"""
# The environment names the fault; a file does for programs that are started with another environment. Both files are
# opened before main: a role closes what it did not ask for, and reaches no file, soon after.
REACHED_MAX = 65536
RUNTIME_CPP = """#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cstdlib>
namespace mutate {
namespace {
int number = 0;                     // of the fault that is awake; -1: none, and those that could have acted are noted
unsigned char* reached = nullptr;   // a byte of a shared file for each fault
int number_in(const char* path) {
    char text[16] = {};
    const int file = ::open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    const auto size = ::read(file, text, sizeof text - 1);
    ::close(file);
    return size > 0 ? std::atoi(text) : 0;
}
[[gnu::constructor]] void begin() {
    const char* given = std::getenv("MAINSTAY_PLANTED");
    number = given ? std::atoi(given) : number_in("@FOLDER@/planted");
    if (number >= 0) return;
    const char* path = std::getenv("MAINSTAY_PLANTED_REACHED");
    const int file = ::open(path ? path : "@FOLDER@/reached", O_RDWR | O_CLOEXEC);
    if (file < 0) return;
    void* const map = ::mmap(nullptr, @REACHED_MAX@, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ::close(file);
    if (map != MAP_FAILED) reached = static_cast<unsigned char*>(map);
}
}  // namespace
bool awake(int fault) {
    if (reached != nullptr && fault > 0 && fault < @REACHED_MAX@) reached[fault] = 1;
    return number == fault;
}
}  // namespace mutate
"""


def nested(faults):
    """Those of the faults that lie beside or inside one another; one that overlaps an earlier one is left out."""
    kept, open_ = [], []
    for fault in sorted(faults, key=lambda fault: (fault.begin, -fault.end)):
        while open_ and open_[-1].end <= fault.begin:
            open_.pop()
        if not open_ or fault.end <= open_[-1].end:
            kept.append(fault)
            open_.append(fault)
    return kept


class Copy:
    """One file with its faults. numbers: fault -> its number."""

    def __init__(self, path, text, faults, numbers):
        self.path, self.text, self.numbers = path, text, numbers
        self.faults = nested(faults)

    def _line(self, at):
        return self.text.count("\n", 0, at) + 1

    def _back(self, at):
        return f'\n#line {self._line(at)} "{self.path}"\n'

    def _marked(self, number, text):
        flat = text if '"' in text and "\n" in text else " ".join(text.split("\n"))
        return f'\n#line {FIRST_LINE + number} "{self.path}"\n{flat}'

    def _range(self, begin, end, faults):
        """The text from begin to end with these faults, which all lie in it, outermost first."""
        result, at = [], begin
        while faults:
            first = faults[0]
            same = [fault for fault in faults if (fault.begin, fault.end) == (first.begin, first.end)]
            inner = [fault for fault in faults if fault not in same and fault.begin < first.end]
            faults = [fault for fault in faults if fault.begin >= first.end]
            result.append(self.text[at:first.begin])
            result.append(self._choice(first, same, self._range(first.begin, first.end, inner)))
            at = first.end
        result.append(self.text[at:end])
        return "".join(result)

    def _choice(self, first, same, original):
        for fault in sorted(same, key=lambda fault: fault.whole):  # a whole statement goes around expressions
            number = self.numbers[fault]
            test = f"::mutate::planted({number})"
            if fault.whole:
                body = self._marked(number, f"if ({test}) {{ {fault.becomes} }} else")
                original = f"{{{body} {{{self._back(first.begin)}{original} }} }}"
            else:
                # Beside a bool, what is only tested for true would become whatever can be made of a bool.
                as_bool = "static_cast<bool>" if fault.kind == "negation" else ""
                other = self._marked(number, f"{test} ? {as_bool}({fault.becomes}) :")
                original = f"({other}{self._back(first.begin)}{as_bool}({original}))"
        return original

    def written(self):
        return f'#line 1 "{self.path}"\n' + self._range(0, len(self.text), self.faults)


class Wrong:
    """The faults of one file that do not compile, remembered for as long as the file stays as it is."""

    def __init__(self, folder, file, text):
        self.path = folder / (file.replace("/", "-") + ".json")
        self.text = hashlib.sha256(text.encode()).hexdigest()
        try:
            known = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            known = {}
        self.places = {tuple(place) for place in known.get("places", [])} if known.get("text") == self.text else set()

    @staticmethod
    def _place(fault):
        return fault.begin, fault.end, fault.becomes

    def without(self, faults):
        return [fault for fault in faults if self._place(fault) not in self.places]

    def remember(self, faults):
        self.places.update(map(self._place, faults))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps({"text": self.text, "places": sorted(self.places)}), encoding="utf-8")


class Planter:
    def __init__(self, top, build, folder):
        self.top, self.build, self.folder = top, build, folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "mutate_runtime.hpp").write_text(RUNTIME_HPP, encoding="utf-8")
        (folder / "mutate_runtime.cpp").write_text(RUNTIME_CPP.replace("@FOLDER@", str(folder)).replace("@REACHED_MAX@", str(REACHED_MAX)), encoding="utf-8")
        self.runtime = folder / "mutate_runtime.o"
        subprocess.run(["c++", "-O2", "-fPIC", "-c", folder / "mutate_runtime.cpp", "-o", self.runtime], check=True)
        rows = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
        # The last one wins where a file is compiled more than once; tests' own copies are not asked for.
        self.commands = {str((build / row["file"]).resolve().relative_to(top)): row for row in rows
                         if (build / row["file"]).resolve().is_relative_to(top) and row["output"].startswith("src/")}
        self.objects = {}  # the true object -> ours
        self.archives = threading.Lock()

    def compile_command(self, file, copy, object_):
        row = self.commands[file]
        words = [word for word in shlex.split(row["command"]) if word not in ("-Werror", "-O2", "-MD", "-Winvalid-pch")
                 and not re.match(r"-fdiagnostics-color|-W[a-z]", word)]
        for option in ("-MQ", "-MF", "-o"):
            if option in words:
                at = words.index(option)
                del words[at:at + 2]
        words[-1] = str(copy)
        return [*words, "-o", str(object_), "-O0", "-w", "-Wno-narrowing", "-fmax-errors=0", "-I", str((self.top / file).parent),
                "-include", str(self.folder / "mutate_runtime.hpp")]

    def compile_file(self, file, faults, numbers):
        """The faults of this file that compile. Those that do not are left out, and it is compiled again."""
        text = (self.top / file).read_text(encoding="utf-8")
        copy, object_ = self.folder / file, self.folder / (file + ".o")
        copy.parent.mkdir(parents=True, exist_ok=True)
        wrong_ones = Wrong(self.folder.parent / "wrong", file, text)
        faults = wrong_ones.without(faults)
        while True:
            planted = Copy(file, text, faults, numbers)
            if not planted.faults:
                return []
            copy.write_text(planted.written(), encoding="utf-8")
            done = subprocess.run(self.compile_command(file, copy, object_), cwd=self.build, capture_output=True, text=True)
            if done.returncode == 0:
                self.objects[str(self.build / self.commands[file]["output"])] = str(object_)
                return planted.faults
            wrong = {int(number) - FIRST_LINE for number in re.findall(r":(\d{7,}):", done.stderr)}
            left = [fault for fault in planted.faults if numbers[fault] not in wrong]
            if len(left) == len(planted.faults):  # the compiler names no fault: halve until it is found
                left = self._bisected(file, planted.faults, numbers, copy, text)
                if len(left) == len(planted.faults):
                    raise RuntimeError(f"{file} does not compile, whichever faults are planted:\n{done.stderr[-3000:]}")
            wrong_ones.remember(fault for fault in planted.faults if fault not in left)
            faults = left

    def _bisected(self, file, faults, numbers, copy, text):
        def compiles(some):
            copy.write_text(Copy(file, text, some, numbers).written(), encoding="utf-8")
            command = [*self.compile_command(file, copy, "/dev/null"), "-fsyntax-only"]
            return subprocess.run(command, cwd=self.build, capture_output=True).returncode == 0
        if compiles(faults):
            return faults
        if len(faults) == 1:
            return []
        half = len(faults) // 2
        return (self._bisected(file, faults[:half], numbers, copy, text) +
                self._bisected(file, faults[half:], numbers, copy, text))

    def compile(self, faults, numbers, workers):
        by_file = collections.defaultdict(list)
        for fault in faults:
            by_file[fault.file].append(fault)
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            done = pool.map(lambda item: self.compile_file(*item, numbers), sorted(by_file.items()))
            return [fault for some in done for fault in some]

    # ---- linking ----

    def archive(self, path, made):
        """The archive with our objects in it; the path itself when none of them is in it."""
        if path not in made:
            listed = subprocess.run(["ar", "t", path], cwd=self.build, capture_output=True, text=True, check=True).stdout.split()
            members = [str((self.build / member)) if (self.build / member).exists() else str(self.build / pathlib.Path(path).parent / member)
                       for member in listed]
            ours = [self.objects.get(str(pathlib.Path(member).resolve()), member) for member in members]
            replaced = path
            if ours != members:
                copy = self.folder / path
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.unlink(missing_ok=True)
                subprocess.run(["ar", "csrDT", copy, *ours], check=True)
                replaced = str(copy)
            made[path] = replaced
        return made[path]

    def link(self, program, made):
        """The program with our objects, or None when it contains none of them."""
        shown = subprocess.run(["ninja", "-C", self.build, "-t", "commands", "-s", program], capture_output=True, text=True, check=True)
        words = shlex.split(shown.stdout.splitlines()[-1])
        with self.archives:
            words = [self.archive(word, made) if word.endswith(".a") else word for word in words]
        words = [word if word.endswith(".a") else self.objects.get(str((self.build / word).resolve()), word)
                 for word in words]
        if not any(word.startswith(str(self.folder)) for word in words):
            return None
        target = self.folder / program
        target.parent.mkdir(parents=True, exist_ok=True)
        at = words.index("-o")
        words[at + 1] = str(target)
        words.insert(at + 2, str(self.runtime))
        subprocess.run([word for word in words if word != "ccache"], cwd=self.build, check=True, capture_output=True)
        return target
