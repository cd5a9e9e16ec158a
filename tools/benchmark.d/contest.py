"""Does a work in rounds, every contestant once in each, and refuses those whose image is not the same."""

import contextlib
from collections import Counter
from pathlib import Path
from typing import Callable, Iterator

import files
import measure
from ground import Ground
from measure import Attempt, Failed
from registry import Request
from works import Contestant, Work

# Two images whose bytes differ by more than this were not made by the same kind of work.
SIZE_CLASS = 2.0


def contest(work: Work, contestants: list[Contestant], ground: Ground, rounds: int, say: Callable) -> tuple[list[dict], dict]:
    """The counted and the warm-up runs, in order, and why who was refused. The first contestant is ours."""
    runs: list[dict] = []
    refused: dict[str, str] = {}
    attempts = {contestant.name: contestant.attempts(ground) for contestant in contestants}
    ours = contestants[0].name
    with contextlib.ExitStack() as stack:
        for each in attempts.values():
            stack.callback(each.close)
        for number in range(work.warm_ups + max(rounds, work.least_rounds)):
            work.before_round(ground, number)
            listings = {}
            # Ours first, then each in another place every round: what a run leaves behind hits nobody twice.
            names = list(attempts)
            names = names[number % len(names):] + names[:number % len(names)]
            for name in names:
                try:
                    run, listing = _run(attempts[name], ground)
                except Failed as failure:
                    if name == ours:
                        raise
                    refused[name] = str(failure)
                    say(f"{name}: {failure}")
                    continue
                listings[name] = (run, listing)
                counted = number >= work.warm_ups
                runs.append({"contestant": name, "round": number, "counted": counted} | run)
                say(f"{'round' if counted else 'warm-up'} {number + 1}: {name}: {run['wall_s']:.2f} s")
            for name, why in _strangers(listings, ours).items():
                refused[name] = why
                say(f"{name}: {why}")
            for name in refused:
                attempts.pop(name, None)
    return [run for run in runs if run["contestant"] not in refused], refused


def _run(attempts: Iterator[Attempt], ground: Ground) -> tuple[dict, Path | None]:
    """What one attempt took, and the files of its image."""
    attempt = next(attempts)
    try:
        begin = ground.registry.mark()
        run = measure.measure(attempt, ground.scratch, ground.registry.pid)
        requests = ground.registry.requests(begin, ground.registry.mark())
        if not attempt.image:
            return run, None
        listing = files.listing(ground.registry, attempt.image, ground.scratch / "listings")
        return run | _moved(attempt.image, requests, ground) | files.summary(listing), listing
    finally:
        attempt.after()


def _moved(image: str, requests: list[Request], ground: Ground) -> dict:
    """The image, and what went over the network for it, by the registry's log."""
    digest, manifest = ground.registry.manifest(image)
    layers = {layer["digest"] for layer in manifest["layers"]} | ground.source_layers()
    size = ground.registry.blob_size
    sent = [d for request in requests if (d := request.digest_uploaded())]
    read = [(d, request.sent) for request in requests if (d := request.digest_read())]
    return {
        "manifest": digest,
        "layers": len(manifest["layers"]),
        "image_bytes": sum(part["size"] for part in [manifest["config"], *manifest["layers"]]),
        "requests": dict(Counter(request.method for request in requests)),
        "uploaded_bytes": sum(map(size, sent)),
        "layer_bytes_uploaded": sum(size(d) for d in sent if d in layers),
        "downloaded_bytes": sum(n for _, n in read),
        "layer_bytes_downloaded": sum(n for d, n in read if d in layers),
    }


def _strangers(listings: dict, ours: str) -> dict[str, str]:
    """Whose image is not what ours is, and what differs."""
    run, listing = listings[ours]
    found = {}
    for name, (other, other_listing) in listings.items():
        if listing is None:
            continue
        if difference := files.difference(listing, other_listing):
            found[name] = f"its image has not the files of ours (-): {difference}"
        elif not 1 / SIZE_CLASS <= other["image_bytes"] / run["image_bytes"] <= SIZE_CLASS:
            found[name] = f"its image has {other['image_bytes']} bytes, and ours {run['image_bytes']}"
    return found
