"""Our side: the spec of an image of five tools, and the command that builds and pushes it."""

from pathlib import Path
from typing import Callable

from ground import Ground
from inputs import TOOLS
from measure import Attempt


def spec(ground: Ground, source: Callable[[str], str]) -> Path:
    """Writes a spec whose layers come from `source` of a tool's name, in TOML."""
    lines = ["schema = 1", "[project]", 'name = "tools"', "[base]", f'image = "{ground.at("base:12")}"']
    for name in TOOLS:
        lines += [f"[layer.{name}]", f'prefix = "/opt/{name}"', 'path = ["bin"]', source(name)]
    path = ground.fresh("spec") / "oci-merge.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def directory(ground: Ground, node: Path | None = None) -> Callable[[str], str]:
    """For `spec`: the tools as directories, node from another place if there is one."""

    def source(name: str) -> str:
        path = node if node and name == "node" else ground.inputs.tool(name)
        return f'source = {{ path = "{path}" }}'

    return source


def build(ground: Ground, described: Path, store: Path, image: str, *more: str) -> Attempt:
    """Builds and pushes, with the local store in a directory."""
    command = [ground.program, "build", "--progress", "none", "-f", str(described), "--push", "-t", ground.at(image), *more]
    return Attempt(command, image=image, environment={"OCI_MERGE_CACHE": str(store)})
