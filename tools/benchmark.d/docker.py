"""BuildKit as Debian 13 has it, in docker: the daemon and its client in a Debian of their own, which apt made."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from ground import Ground
from measure import Attempt, Failed
from peers import DOCKER_ROOT

# In a mount namespace of its own, so that nothing stays mounted. The work's files are where they are outside.
START = """\
root=$1 state=$2 data=$3
for each in /proc /sys /dev "$data"; do
    mkdir -p "$root$each"
    mount --rbind "$each" "$root$each"
done
exec chroot "$root" dockerd --config-file "$state/daemon.json" --data-root "$state/data" --exec-root "$state/exec" \\
    -H "unix://$state/socket" --pidfile "$state/pid" --bridge=none --iptables=false
"""


class Daemon:
    """Knows nothing when it starts; `stop` removes what it learned."""

    def __init__(self, ground: Ground):
        self._ground = ground
        self._state = ground.fresh("docker")
        (self._state / "daemon.json").write_text(json.dumps({"features": {"containerd-snapshotter": True}}))
        start = ["unshare", "--mount", "--propagation", "private", "bash", "-euc", START, "docker"]
        start += [DOCKER_ROOT.path(), str(self._state), str(ground.scratch.parent)]
        with (self._state / "log").open("wb") as log:
            self._process = subprocess.Popen(start, stdout=log, stderr=log)
        for _ in range(200):
            time.sleep(0.1)
            if subprocess.run(self._client("version"), capture_output=True, check=False).returncode == 0:
                return
        self._process.kill()
        raise Failed(f"dockerd did not start:\n{(self._state / 'log').read_text()}")

    def build(self, directory: Path, contexts: dict[str, Path], image: str) -> Attempt:
        """Builds and pushes; the contexts are directories that the Dockerfile copies from by name."""
        command = self._client("buildx", "build", "--progress", "plain", "--provenance=false", "--push")
        command += ["-t", self._ground.at(image)]
        for name, context in contexts.items():
            command += ["--build-context", f"{name}={context}"]
        return Attempt([*command, str(directory)], image=image, daemons=[self._process.pid])

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self._state)

    def _client(self, *arguments: str) -> list[str]:
        inside = ["nsenter", f"--target={self._process.pid}", "--mount", "--root", "--wd=/"]
        return [*inside, "env", f"HOME={self._state}", f"DOCKER_HOST=unix://{self._state}/socket", "docker", *arguments]


def make_root() -> None:
    """Makes that Debian, where it is looked for."""
    root = Path(os.environ[DOCKER_ROOT.variable])
    new = root.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    packages = "docker.io,docker-cli,docker-buildx,ca-certificates"
    subprocess.run(["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", f"--include={packages}", "trixie", new], check=True)
    new.rename(root)
