"""The results as a person reads them."""

from statistics import median

from goals import GOALS, Goal

COLUMNS = ("", "wall s", "(min–max)", "CPU s", "peak MiB", "image MB", "sent MB", "read MB", "requests")


def table(title: str, runs: dict[str, list[dict]]) -> str:
    """Medians of the counted runs, a line a contestant."""
    rows = [COLUMNS]
    for name, each in runs.items():
        walls = [run["wall_s"] for run in each]
        row = [name, _seconds(median(walls)), f"({_seconds(min(walls))}–{_seconds(max(walls))})"]
        row += [_seconds(median(run["cpu_s"] for run in each)), f"{median(run['peak_bytes'] for run in each) / 2**20:.0f}"]
        for of in ("image_bytes", "uploaded_bytes", "downloaded_bytes"):
            row.append(f"{median(run[of] for run in each) / 1e6:.1f}" if of in each[0] else "–")
        row.append(f"{median(sum(run['requests'].values()) for run in each):.0f}" if "requests" in each[0] else "–")
        rows.append(row)
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    lines = ["  ".join([row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])]) for row in rows]
    return f"\n{title}\n" + "\n".join(lines)


def noise(runs: dict[str, list[dict]], cores: int) -> str:
    """How much of the machine was somebody else's meanwhile."""
    each = [run for of_one in runs.values() for run in of_one]
    share = sum(run["others_cpu_s"] for run in each) / (cores * sum(run["watched_s"] for run in each))
    return f"(others took {share:.0%} of the processors meanwhile)"


def verdicts(key: str, runs: dict[str, list[dict]]) -> list[dict]:
    """Of one goal, as they are kept."""
    goal: Goal = GOALS[key]
    judged = (part.judge(runs) for part in goal.parts)
    return [{"goal": key, "text": verdict.text, "met": verdict.met} for verdict in judged]


def line(verdict: dict) -> str:
    word = {True: "met", False: "MISSED", None: "–"}[verdict["met"]]
    return f"{verdict['goal']:4} {word:7} {verdict['text']}"


def _seconds(value: float) -> str:
    return f"{value:.4f}" if value < 0.1 else f"{value:.2f}"
