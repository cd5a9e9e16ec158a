"""crane as a peer: it appends archives to a base in the registry, and keeps nothing between two runs."""

from ground import Ground
from peers import CRANE


def append(ground: Ground, image: str, files: list[str]) -> str:
    """The command; the files are words of a shell."""
    layers = " ".join(f"-f {file}" for file in files)
    return f"{CRANE.path()} append --insecure -b {ground.at('base:12')} {layers} -t {ground.at(image)}"
