"""What the results depend on beside the programs."""

import os
import platform
import re
import shutil
from pathlib import Path


def description(scratch: Path) -> dict:
    """The machine, without its name."""
    cpu = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", cpu)
    release = dict(re.findall(r'^(\w+)="?([^"\n]*)', Path("/etc/os-release").read_text(), re.M))
    return {
        "cpu": model[1] if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "sha_instructions": bool(re.search(r"\b(sha_ni|sha2)\b", cpu)),
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "kernel": platform.release(),
        "system": release.get("PRETTY_NAME", "Linux"),
        "disk_free_bytes": shutil.disk_usage(scratch).free,
        "load": os.getloadavg()[0],
    }
