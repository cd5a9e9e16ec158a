"""Runs a command and writes what it took as JSON: `launch.py RESULT COMMAND [ARGUMENT...]`.

A process of its own, and a small one: Linux counts the memory of whoever started a program into that program's peak, and
the benchmark itself grows while it compares images.
"""

import json
import os
import sys
import time


def main() -> None:
    result, command = sys.argv[1], sys.argv[2:]
    began = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ)
    _, status, used = os.wait4(child, 0)
    wall = time.perf_counter() - began
    took = {
        "exit": os.waitstatus_to_exitcode(status),
        "wall_s": wall,
        "user_s": used.ru_utime,
        "system_s": used.ru_stime,
        "largest_process_bytes": used.ru_maxrss * 1024,
    }
    with open(result, "w", encoding="utf-8") as file:
        json.dump(took, file)


if __name__ == "__main__":
    main()
