"""The programs that take part, where they are, and how to get them."""

import os
import shutil
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Program:
    """Found on PATH, or where the variable says."""

    name: str
    how_to_get: str
    version: tuple[str, ...] = ("--version",)
    package: str | None = None
    root: bool = False

    @property
    def variable(self) -> str:
        return self.name.replace("-", "_").upper()

    def path(self) -> str | None:
        return shutil.which(os.environ.get(self.variable, self.name))

    def missing(self) -> str | None:
        """Why it cannot take part; None: it can."""
        if self.path() is None:
            return f"{self.name} is not there: {self.how_to_get}, or {self.variable}=/PATH"
        if self.root and os.geteuid() != 0:
            return f"{self.name} needs root here"
        return None

    def says(self) -> str:
        """Its version in a line."""
        output = subprocess.run([self.path(), *self.version], capture_output=True, text=True, check=False).stdout
        return output.strip().split("\n")[0]


def _of_debian(name: str, **more) -> Program:
    return Program(name, f"apt-get install --no-install-recommends {name}", package=name, **more)


BUILDAH = _of_debian("buildah", root=True)
SKOPEO = _of_debian("skopeo")
UMOCI = _of_debian("umoci")
REGISTRY = _of_debian("docker-registry")
RUNC = _of_debian("runc")
CRANE = Program("crane", "from github.com/google/go-containerregistry", version=("version",))
BUILDCTL = Program("buildctl", "from github.com/moby/buildkit")
BUILDKITD = Program("buildkitd", "from github.com/moby/buildkit", root=True)

OURS = Program("oci-merge", "built by tools/benchmark")

# Without these nothing can be measured: they make the inputs and keep the images.
NEEDED = (REGISTRY, SKOPEO, UMOCI)
ALL = (REGISTRY, SKOPEO, UMOCI, BUILDCTL, BUILDKITD, RUNC, CRANE, BUILDAH)
