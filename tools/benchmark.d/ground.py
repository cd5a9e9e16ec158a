"""What a work stands on: the program, its inputs, a registry, and a directory that is gone afterwards."""

import itertools
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from inputs import TOOLS, Inputs
from registry import Registry


@dataclass
class Ground:
    """One for each work, so that no work finds what another has pushed."""

    root: Path  # the repository
    program: str
    inputs: Inputs
    registry: Registry
    scratch: Path
    # Images that were there before, in the registry.
    sources: list[str] = field(default_factory=list)
    _numbers: itertools.count = field(default_factory=itertools.count)

    def fresh(self, name: str) -> Path:
        """A new empty directory."""
        path = self.scratch / f"{name}-{next(self._numbers)}"
        path.mkdir()
        return path

    def new_image(self, name: str) -> str:
        """REPOSITORY:TAG where nobody has pushed to."""
        return f"out/{name}-{next(self._numbers)}:1"

    def at(self, image: str) -> str:
        """As a program names it."""
        return f"{self.registry.address}/{image}"

    def push_base(self) -> None:
        """Puts the base into the registry, as base:12."""
        self._copy(self.inputs.base(), "base:12")

    def push_tools(self) -> None:
        """Puts each tool's image into the registry, as tools/NAME:1."""
        for name in TOOLS:
            self._copy(self.inputs.image(name), f"tools/{name}:1")

    def source_layers(self) -> set[str]:
        """Digests of the layers of images that were there before."""
        manifests = (self.registry.manifest(image)[1] for image in self.sources)
        return {layer["digest"] for manifest in manifests for layer in manifest["layers"]}

    def close(self) -> None:
        self.registry.stop()
        shutil.rmtree(self.scratch)

    def _copy(self, layout: Path, image: str) -> None:
        source, target = f"oci:{layout}:latest", f"docker://{self.at(image)}"
        subprocess.run(["skopeo", "copy", "--quiet", "--dest-tls-verify=false", source, target], check=True)
        self.sources.append(image)
