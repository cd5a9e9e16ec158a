"""buildah as a peer: it fills a container and commits it as one layer, straight into the registry."""

import shutil
import subprocess
from typing import Callable

from ground import Ground
from inputs import TOOLS
from measure import Attempt, script
from peers import BUILDAH


def copies(ground: Ground, source: Callable[[str], str]) -> Attempt:
    """Copies what `source` says of a tool's name, in words of a shell, and knows nothing beforehand."""
    image, state = ground.new_image("buildah"), ground.fresh("buildah")
    run = f"{BUILDAH.path()} --root {state}/root --runroot {state}/run"
    steps = [f"c=$({run} from {ground.at('base:12')})"]
    steps += [f"{run} copy --quiet --chown 0:0 {source(name)} /opt/{name}" for name in TOOLS]
    steps += [f"{run} commit --quiet --tls-verify=false $c docker://{ground.at(image)}"]
    attempt = script(steps, image)
    # `copy --from` has no flag for a registry without TLS.
    registries = state / "registries.conf"
    registries.write_text(f'[[registry]]\nlocation = "{ground.registry.address}"\ninsecure = true\n')
    attempt.environment["CONTAINERS_REGISTRIES_CONF"] = str(registries)

    def forget() -> None:
        subprocess.run([*run.split(), "rm", "--all"], capture_output=True, check=False)
        subprocess.run(["umount", "--recursive", "--quiet", f"{state}/root/overlay"], capture_output=True, check=False)
        shutil.rmtree(state)
        # It keeps a list of what it sent where, beside its state, and would have it mounted.
        ground.registry.forget(image)

    attempt.after = forget
    return attempt
