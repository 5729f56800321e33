"""What a process holds and has used, as the kernel says."""
import os
import pathlib

TICKS = os.sysconf("SC_CLK_TCK")


def pss(pid, left_out=None):
    """Proportional set size in KiB, without mappings in whose name `left_out` stands."""
    total, counts = 0, True
    for line in pathlib.Path(f"/proc/{pid}/{'smaps' if left_out else 'smaps_rollup'}").read_text(encoding="utf-8").splitlines():
        first, *rest = line.split()
        if not first.endswith(":"):  # the head of a mapping
            counts = left_out is None or left_out not in line
        elif first == "Pss:" and counts:
            total += int(rest[0])
    return total


def processor_seconds(pid):
    """Of all its threads; in steps of the kernel's clock."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
