"""BuildKit as a peer: what it is told, and a buildkitd with a state of its own."""

import shutil
import subprocess
import time
from pathlib import Path

import docker
from ground import Ground
from inputs import TOOLS
from measure import Attempt, Failed
from peers import BUILDCTL, BUILDKIT, BUILDKITD

CONFIG = """\
root = "{state}/root"
[grpc]
  address = ["unix://{state}/socket"]
[otel]
  socketPath = "{state}/otel.sock"
[cdi]
  disabled = true
[worker.oci]
  gc = false
[worker.containerd]
  enabled = false
[registry."{registry}"]
  http = true
"""


def dockerfile(ground: Ground, source: str) -> Path:
    """The directory of a Dockerfile that copies every tool from `source`, in which {name} is the tool's name."""
    lines = [f"FROM {ground.at('base:12')}"]
    lines += [f"COPY --link --from={source.format(name=name)} /opt/{name}" for name in TOOLS]
    directory = ground.fresh("dockerfile")
    (directory / "Dockerfile").write_text("\n".join(lines) + "\n")
    return directory


def contexts(ground: Ground) -> dict[str, Path]:
    """The tools as directories, by name."""
    return {name: ground.inputs.tool(name) for name in TOOLS}


def daemon(ground: Ground) -> "Buildkitd | docker.Daemon":
    """A new one, of whichever kind is here."""
    return Buildkitd(ground) if BUILDKIT.is_first() else docker.Daemon(ground)


class Buildkitd:
    """Knows nothing when it starts; `stop` removes what it learned."""

    def __init__(self, ground: Ground):
        self._ground = ground
        self._state = ground.fresh("buildkit")
        config = self._state / "buildkitd.toml"
        config.write_text(CONFIG.format(state=self._state, registry=ground.registry.address))
        with (self._state / "log").open("wb") as log:
            self._process = subprocess.Popen([BUILDKITD.path(), "--config", config], stdout=log, stderr=log)
        for _ in range(200):
            time.sleep(0.05)
            if subprocess.run(self._client("debug", "workers"), capture_output=True, check=False).returncode == 0:
                return
        self._process.kill()
        raise Failed(f"buildkitd did not start:\n{(self._state / 'log').read_text()}")

    def build(self, directory: Path, contexts: dict[str, Path], image: str) -> Attempt:
        """Builds and pushes; the contexts are directories that the Dockerfile copies from by name."""
        command = self._client("build", "--progress", "plain", "--frontend", "dockerfile.v0")
        command += ["--local", f"context={directory}", "--local", f"dockerfile={directory}"]
        for name, context in contexts.items():
            command += ["--local", f"{name}={context}", "--opt", f"context:{name}=local:{name}"]
        command += ["--output", f"type=image,name={self._ground.at(image)},push=true"]
        return Attempt(command, image=image, daemons=[self._process.pid])

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self._state)

    def _client(self, *arguments: str) -> list[str]:
        return [BUILDCTL.path(), "--addr", f"unix://{self._state}/socket", *arguments]
