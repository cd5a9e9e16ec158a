"""Five tar.gz that are layers already, and that the registry has, become an image."""

import shlex
from typing import Iterator

import crane
import oci_merge
from ground import Ground
from inputs import TOOLS
from measure import Attempt, script
from peers import CRANE
from works import Contestant, Work


def work() -> Work:
    return Work(
        "five unchanged tar.gz → an image",
        [Contestant("oci-merge", _oci_merge), Contestant("crane", _crane, (CRANE,))],
        warm_ups=2,
    )


def _oci_merge(ground: Ground) -> Iterator[Attempt]:
    described = oci_merge.spec(ground, lambda name: f'source = {{ path = "{ground.inputs.archive(name)}", keep = true }}')
    store, image = ground.fresh("store"), ground.new_image("oci-merge")
    while True:
        yield oci_merge.build(ground, described, store, image)


def _crane(ground: Ground) -> Iterator[Attempt]:
    image = ground.new_image("crane")
    files = [shlex.quote(str(ground.inputs.archive(name))) for name in TOOLS]
    while True:
        yield script([crane.append(ground, image, files)], image)
