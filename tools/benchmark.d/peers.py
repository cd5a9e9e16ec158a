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
        return _first_line(self.path(), *self.version)


@dataclass(frozen=True)
class Root:
    """A directory with a Debian that has docker and its BuildKit, where the variable says."""

    name: str = "docker"
    variable: str = "DOCKER_ROOT"

    def path(self) -> str | None:
        path = os.environ.get(self.variable, "")
        return path if os.access(f"{path}/usr/sbin/dockerd", os.X_OK) else None

    def missing(self) -> str | None:
        if os.geteuid() != 0:
            return "docker needs root here"
        if self.path() is None:
            return "there is no Debian with docker: tools/benchmark --install makes one"
        return None

    def says(self) -> str:
        inside = ("chroot", self.path())
        return f"{_first_line(*inside, 'dockerd', '--version')}; {_first_line(*inside, 'docker', 'buildx', 'version')}"


@dataclass(frozen=True)
class Either:
    """One of two ways to get the same peer; the first counts if it is there."""

    name: str
    first: tuple[Program, ...]
    second: Root

    def is_first(self) -> bool:
        return not any(program.missing() for program in self.first)

    def missing(self) -> str | None:
        if self.is_first() or not self.second.missing():
            return None
        return "; ".join(filter(None, [*(program.missing() for program in self.first), self.second.missing()]))

    def says(self) -> str:
        return ", ".join(program.says() for program in self.first) if self.is_first() else self.second.says()


def _first_line(*command: str) -> str:
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return output.strip().split("\n")[0]


def _of_debian(name: str, **more) -> Program:
    return Program(name, f"apt-get install --no-install-recommends {name}", package=name, **more)


OURS = Program("oci-merge", "built by tools/benchmark")
REGISTRY = _of_debian("docker-registry")
SKOPEO = _of_debian("skopeo")
UMOCI = _of_debian("umoci")
BUILDAH = _of_debian("buildah", root=True)
CRANE = Program("crane", "it is part of github.com/google/go-containerregistry", version=("version",))
BUILDCTL = Program("buildctl", "it is part of github.com/moby/buildkit")
BUILDKITD = Program("buildkitd", "it is part of github.com/moby/buildkit", root=True)
RUNC = _of_debian("runc", root=True)
DOCKER_ROOT = Root()
BUILDKIT = Either("BuildKit", (BUILDCTL, BUILDKITD, RUNC), DOCKER_ROOT)

# Without these nothing can be measured: they make the inputs and keep the images.
NEEDED = (REGISTRY, SKOPEO, UMOCI)
ALL = (REGISTRY, SKOPEO, UMOCI, BUILDAH, CRANE, BUILDKIT)
