"""What the project wants to reach, as the ratio of two programs in the same rounds or as a bound, and whether it does."""

from dataclasses import dataclass
from statistics import median
from typing import Callable

import again
import archives
import directories
import images
import startup
from works import Work

WORKS: dict[str, Callable[[], Work]] = {
    "directories": directories.work,
    "images": images.work,
    "nothing-changed": again.nothing_changed,
    "one-file-changed": again.one_file_changed,
    "archives": archives.work,
    "startup": startup.work,
}
NAMES = {
    "wall_s": "time",
    "image_bytes": "image",
    "layer_bytes_uploaded": "layer bytes uploaded",
    "layer_bytes_downloaded": "layer bytes downloaded",
}


@dataclass
class Verdict:
    text: str
    met: bool | None  # None: not measured


@dataclass(frozen=True)
class Ratio:
    """Ours by a peer's, round by round; the median counts."""

    ours: str
    peer: str
    limit: float
    of: str = "wall_s"

    def judge(self, runs: dict[str, list[dict]]) -> Verdict:
        what = f"{self.ours}: {NAMES[self.of]} ≤ {self.limit:.2f} × {self.peer}"
        if self.peer not in runs:
            return Verdict(f"{what}: not measured", None)
        ratios = self._ratios(runs, self.of)
        middle = median(ratios)
        text = f"{what}: {middle:.3f} ({min(ratios):.3f}–{max(ratios):.3f})"
        if self.of == "wall_s":  # on a busy machine this is steadier, though it says nothing of waiting
            text += f", of CPU {median(self._ratios(runs, 'cpu_s')):.3f}"
        return Verdict(text, middle <= self.limit)

    def _ratios(self, runs: dict[str, list[dict]], of: str) -> list[float]:
        peer = {run["round"]: run[of] for run in runs[self.peer]}
        return [run[of] / peer[run["round"]] for run in runs[self.ours] if run["round"] in peer]


@dataclass(frozen=True)
class Bound:
    """A figure of ours in every round, or the median of it."""

    ours: str
    of: str
    limit: Callable[[dict], float]
    text: str
    every: bool = True

    def judge(self, runs: dict[str, list[dict]]) -> Verdict:
        figures = [(_figure(run, self.of), self.limit(run)) for run in runs[self.ours]]
        middle = median(figure for figure, _ in figures)
        met = all(figure <= limit for figure, limit in figures) if self.every else middle <= figures[0][1]
        return Verdict(f"{self.ours}: {self.text}: {middle:.4g}", met)


def _figure(run: dict, of: str) -> float:
    return sum(run[of].values()) if of == "requests" else run[of]


def _nothing(ours: str, of: str) -> Bound:
    return Bound(ours, of, lambda run: 0, f"{NAMES[of]} = 0")


@dataclass(frozen=True)
class Goal:
    work: str
    parts: tuple

    def ours(self) -> set[str]:
        return {part.ours for part in self.parts}


def _known(ours: str) -> tuple:
    """What holds of layers whose indexes are known."""
    requests = Bound(ours, "requests", lambda run: 3 * run["layers"] + 4, "requests ≤ 3 a layer + 4")
    moved = (_nothing(ours, of) for of in ("layer_bytes_uploaded", "layer_bytes_downloaded"))
    return (Ratio(ours, "BuildKit", 0.01), *moved, requests)


GOALS = {
    "P1": Goal("directories", (Ratio("oci-merge", "BuildKit", 0.35), Ratio("oci-merge", "BuildKit", 1, "image_bytes"))),
    "P2": Goal("directories", (Ratio("oci-merge, fast", "crane", 0.28), Ratio("oci-merge, fast", "crane", 1, "image_bytes"))),
    "P3": Goal("images", (Ratio("oci-merge", "BuildKit", 0.08), _nothing("oci-merge", "layer_bytes_uploaded"))),
    "P4": Goal("images", (*_known("oci-merge, seen before"), *_known("oci-merge, pushed by us"))),
    "P5": Goal("nothing-changed", (Ratio("oci-merge", "BuildKit", 1),)),
    "P6": Goal("one-file-changed", (Ratio("oci-merge", "BuildKit", 0.35),)),
    "P7": Goal("archives", (Ratio("oci-merge", "crane", 0.05),)),
    "P11": Goal(
        "startup",
        (
            Bound("oci-merge", "wall_s", lambda run: 0.010, "--version ≤ 0.010 s", every=False),
            Bound("oci-merge", "program_bytes", lambda run: 12e6, "program ≤ 12 MB"),
        ),
    ),
}
