"""What Linux says of running processes: who belongs to whom, their memory, their CPU time."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def tree(root: int) -> list[int]:
    """The process and all that it started and that still run."""
    found = [root]
    for pid in found:
        try:
            for task in os.scandir(f"/proc/{pid}/task"):
                found += map(int, Path(task.path, "children").read_text().split())
        except OSError:
            continue  # it ended
    return found


def memory(pids: list[int]) -> int:
    """Bytes of memory that the processes have in RAM; what they share counts for each."""
    total = 0
    for pid in pids:
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
        except OSError:
            continue
    return total


def cpu(pids: list[int]) -> float:
    """Seconds of CPU that the processes took so far, and those they started and waited for."""
    total = 0
    for pid in pids:
        try:
            # After the name, which may hold blanks and brackets: utime, stime, cutime, cstime are fields 14 to 17.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / TICKS


def cpu_of_machine() -> float:
    """Seconds of CPU that anybody took since the machine started, and that a hypervisor took away from it."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + irq + softirq + steal) / TICKS
