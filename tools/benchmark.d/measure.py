"""One measured run of a program: time, CPU seconds and peak memory of all its processes, its daemon's included."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import processes

# How often memory is looked at. A look takes less than a millisecond.
EVERY_S = 0.25  # each look takes some 20 ms of a processor that others would use
# A run that takes longer hangs.
LIMIT_S = 1800


class Failed(Exception):
    """A program did not do what it was measured for."""


@dataclass
class Attempt:
    """What a contestant would run now, everything else being prepared."""

    command: list[str]
    # REPOSITORY:TAG where the image is afterwards; None: there is none.
    image: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    # Processes that work for it and were there before.
    daemons: list[int] = field(default_factory=list)
    # What is to be done when it has been measured.
    after: Callable[[], None] = lambda: None


def script(steps: list[str], image: str) -> Attempt:
    """Several commands, one after the other."""
    return Attempt(["bash", "-euo", "pipefail", "-c", "\n".join(steps)], image=image)


def measure(attempt: Attempt, scratch: Path, registry: int) -> dict:
    """Runs it. `registry` is a process whose CPU time is nobody's."""
    result, log = scratch / "measured.json", scratch / "measured.log"
    result.unlink(missing_ok=True)
    launch = [sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py")), str(result)]
    os.sync()  # what the last run left to be written is not this one's
    bystanders = processes.tree(registry) + [os.getpid()]
    before = time.monotonic(), *_cpu(attempt, bystanders)
    with log.open("wb") as output:
        started = subprocess.Popen(
            launch + attempt.command,
            env=os.environ | attempt.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            peak = _watch(started, attempt.daemons)
        except BaseException:
            os.killpg(started.pid, 9)
            started.wait()
            raise
    after = time.monotonic(), *_cpu(attempt, bystanders)
    if not result.exists():
        raise Failed(f"{attempt.command[0]} could not be started:\n{log.read_text(errors='replace')}")
    took = json.loads(result.read_text())
    if took.pop("exit") != 0:
        raise Failed(f"it failed: {log.read_text(errors='replace').strip()[-1500:]}")
    watched, own, bystanding, machine = (a - b for a, b in zip(after, before))
    took["cpu_s"] = took.pop("user_s") + took.pop("system_s") + own
    took["peak_bytes"] = max(peak, took.pop("largest_process_bytes"))
    took["registry_cpu_s"] = bystanding
    # What the processors did for others on a shared machine, of what they could do; launching is in it too.
    took["others_cpu_s"] = max(0.0, machine - bystanding - took["cpu_s"])
    took["watched_s"] = watched
    return took


def _cpu(attempt: Attempt, bystanders: list[int]) -> tuple[float, float, float]:
    own = processes.cpu([pid for daemon in attempt.daemons for pid in processes.tree(daemon)])
    return own, processes.cpu(bystanders), processes.cpu_of_machine()


def _watch(started: subprocess.Popen, daemons: list[int]) -> int:
    """Waits for the end; the most memory that was seen."""
    peak = 0
    until = time.monotonic() + LIMIT_S
    while started.poll() is None:
        if time.monotonic() > until:
            raise Failed(f"not done after {LIMIT_S} s: {started.args}")
        own = processes.tree(started.pid)[1:]  # without launch.py
        peak = max(peak, processes.memory(own + [pid for daemon in daemons for pid in processes.tree(daemon)]))
        time.sleep(EVERY_S)
    return peak
