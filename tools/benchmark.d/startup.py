"""How long it takes to say a version."""

from typing import Iterator

from ground import Ground
from measure import Attempt
from peers import BUILDAH, BUILDCTL, CRANE, SKOPEO, UMOCI, Program
from works import Contestant, Work


def work() -> Work:
    peers = [Contestant(peer.name, _peer(peer), (peer,)) for peer in (CRANE, BUILDCTL, BUILDAH, SKOPEO, UMOCI)]
    return Work("start, and print the version", [Contestant("oci-merge", _oci_merge), *peers], least_rounds=20)


def _oci_merge(ground: Ground) -> Iterator[Attempt]:
    while True:
        yield Attempt([ground.program, "--version"])


def _peer(peer: Program):
    def attempts(_ground: Ground) -> Iterator[Attempt]:
        while True:
            yield Attempt([peer.path(), *peer.version])

    return attempts
