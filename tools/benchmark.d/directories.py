"""Five directories become an image in a registry, and nobody knows anything of them."""

import shlex
from typing import Iterator

import buildah
import buildkit
import crane
import oci_merge
from ground import Ground
from inputs import TOOLS
from measure import Attempt, script
from peers import BUILDAH, BUILDKIT, CRANE, SKOPEO, UMOCI
from works import Contestant, Work


def work() -> Work:
    return Work(
        "five directories → an image in a registry, nothing known",
        [
            Contestant("oci-merge", _oci_merge),
            Contestant("oci-merge, fast", lambda ground: _oci_merge(ground, "--compression-level", "fast")),
            Contestant("BuildKit", _buildkit, (BUILDKIT,)),
            Contestant("crane", _crane, (CRANE,)),
            Contestant("crane, from pipes", _crane_pipes, (CRANE,)),
            Contestant("buildah", _buildah, (BUILDAH,)),
            Contestant("umoci and skopeo", _umoci, (UMOCI, SKOPEO)),
        ],
    )


def _oci_merge(ground: Ground, *more: str) -> Iterator[Attempt]:
    described = oci_merge.spec(ground, oci_merge.directory(ground))
    while True:
        yield oci_merge.build(ground, described, ground.fresh("store"), ground.new_image("oci-merge"), *more)


def _buildkit(ground: Ground) -> Iterator[Attempt]:
    directory = buildkit.dockerfile(ground, "{name} /")
    while True:
        daemon = buildkit.daemon(ground)
        attempt = daemon.build(directory, buildkit.contexts(ground), ground.new_image("buildkit"))
        attempt.after = daemon.stop
        yield attempt


def _crane(ground: Ground) -> Iterator[Attempt]:
    """`crane append` of tar files, as its own recipes have it. It compresses at level 1."""
    while True:
        image, directory = ground.new_image("crane"), ground.fresh("tars")
        steps = [f"cd {shlex.quote(str(directory))}"]
        steps += [f"{ground.inputs.tar(name)} >{name}.tar" for name in TOOLS]
        steps += [crane.append(ground, image, [f"{name}.tar" for name in TOOLS]), "rm *.tar"]
        yield script(steps, image)


def _crane_pipes(ground: Ground) -> Iterator[Attempt]:
    """The same with pipes for files: it compresses and sends while it reads."""
    while True:
        image = ground.new_image("crane-pipes")
        yield script([crane.append(ground, image, [f"<({ground.inputs.tar(name)})" for name in TOOLS])], image)


def _buildah(ground: Ground) -> Iterator[Attempt]:
    while True:
        yield buildah.copies(ground, lambda name: f"$c {shlex.quote(str(ground.inputs.tool(name)))}")


def _umoci(ground: Ground) -> Iterator[Attempt]:
    """umoci makes the layers, skopeo sends them."""
    while True:
        image, directory = ground.new_image("umoci"), ground.fresh("layout")
        skopeo = f"{SKOPEO.path()} copy --quiet"
        steps = [f"cd {shlex.quote(str(directory))}"]
        steps += [f"{skopeo} --src-tls-verify=false docker://{ground.at('base:12')} oci:image:x"]
        for name in TOOLS:
            steps += [f"{ground.inputs.tar(name)} >{name}.tar"]
            steps += [f"{UMOCI.path()} --log=error raw add-layer --image image:x {name}.tar", f"rm {name}.tar"]
        steps += [f"{skopeo} --dest-tls-verify=false oci:image:x docker://{ground.at(image)}", "rm -r image"]
        attempt = script(steps, image)
        # skopeo remembers what it sent where, and would have it mounted.
        attempt.after = lambda image=image: ground.registry.forget(image)
        yield attempt
