"""Five images of other programs' making, in the registry, become one image there."""

import subprocess
from typing import Iterator

import buildah
import buildkit
import oci_merge
from ground import Ground
from inputs import TOOLS
from measure import Attempt
from peers import BUILDAH, BUILDKIT
from works import Contestant, Work


def work() -> Work:
    return Work(
        "five tool images in the registry → one image",
        [
            Contestant("oci-merge", _unknown),
            Contestant("oci-merge, seen before", _seen),
            Contestant("oci-merge, pushed by us", _ours),
            Contestant("BuildKit", _buildkit, (BUILDKIT,)),
            Contestant("buildah", _buildah, (BUILDAH,)),
        ],
        set_up=lambda ground: ground.push_tools(),
    )


def _from(ground: Ground, repository: str):
    return lambda name: f'from = {{ image = "{ground.at(f"{repository}/{name}:1")}" }}'


def _unknown(ground: Ground) -> Iterator[Attempt]:
    """A store with nothing in it, and no indexes in the registry: every layer is read once."""
    described = oci_merge.spec(ground, _from(ground, "tools"))
    while True:
        yield oci_merge.build(ground, described, ground.fresh("store"), ground.new_image("unknown"), "--no-layer-upload")


def _seen(ground: Ground) -> Iterator[Attempt]:
    """A store that has read the layers before; the first run is when."""
    described, store = oci_merge.spec(ground, _from(ground, "tools")), ground.fresh("store")
    while True:
        yield oci_merge.build(ground, described, store, ground.new_image("seen"), "--no-layer-upload")


def _ours(ground: Ground) -> Iterator[Attempt]:
    """A store with nothing in it, and layers that this program pushed, whose indexes are with them."""
    tools = oci_merge.spec(ground, oci_merge.directory(ground))
    store = ground.fresh("store")
    for name in TOOLS:
        alone = oci_merge.build(ground, tools, store, f"ours/{name}:1")
        alone.command.append(name)  # only this layer of the spec
        subprocess.run(alone.command, env=alone.environment, check=True, capture_output=True)
        ground.sources.append(alone.image)
    described = oci_merge.spec(ground, _from(ground, "ours"))
    more = ("--no-layer-upload", "--trust-index")
    while True:
        yield oci_merge.build(ground, described, ground.fresh("store"), ground.new_image("ours"), *more)


def _buildkit(ground: Ground) -> Iterator[Attempt]:
    directory = buildkit.dockerfile(ground, ground.at("tools/{name}:1") + " /opt/{name}")
    while True:
        daemon = buildkit.daemon(ground)
        attempt = daemon.build(directory, {}, ground.new_image("buildkit"))
        attempt.after = daemon.stop
        yield attempt


def _buildah(ground: Ground) -> Iterator[Attempt]:
    while True:
        yield buildah.copies(ground, lambda name: f"--from {ground.at(f'tools/{name}:1')} $c /opt/{name}")
