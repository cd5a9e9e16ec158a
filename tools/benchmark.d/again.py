"""The same five directories once more: with nothing changed in them, and with one file of node changed."""

import shutil
from pathlib import Path
from typing import Iterator

import buildkit
import oci_merge
from ground import Ground
from measure import Attempt
from peers import BUILDKIT
from works import Contestant, Work


def nothing_changed() -> Work:
    return Work("five directories, nothing changed since the last run", _contestants(changing=False), warm_ups=2)


def one_file_changed() -> Work:
    return Work("five directories, one file of node changed", _contestants(changing=True), before_round=_change, warm_ups=2)


def _contestants(changing: bool) -> list[Contestant]:
    return [
        Contestant("oci-merge", lambda ground: _oci_merge(ground, changing)),
        Contestant("BuildKit", lambda ground: _buildkit(ground, changing), (BUILDKIT,)),
    ]


def _oci_merge(ground: Ground, changing: bool) -> Iterator[Attempt]:
    described = oci_merge.spec(ground, oci_merge.directory(ground, _node(ground) if changing else None))
    store = ground.fresh("store")
    image = ground.new_image("oci-merge")
    while True:
        yield oci_merge.build(ground, described, store, image)


def _buildkit(ground: Ground, changing: bool) -> Iterator[Attempt]:
    contexts = buildkit.contexts(ground) | ({"node": _node(ground)} if changing else {})
    directory = buildkit.dockerfile(ground, "{name} /")
    image = ground.new_image("buildkit")
    daemon = buildkit.daemon(ground)
    try:
        while True:
            yield daemon.build(directory, contexts, image)
    finally:
        daemon.stop()


def _node(ground: Ground) -> Path:
    """A copy of node that may be changed."""
    return ground.scratch / "node"


def _change(ground: Ground, number: int) -> None:
    node = _node(ground)
    if not node.exists():
        shutil.copytree(ground.inputs.tool("node"), node, symlinks=True)
    with (node / "LICENSE").open("a") as file:
        file.write(f"Changed for round {number}.\n")
