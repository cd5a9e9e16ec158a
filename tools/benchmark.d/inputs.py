"""What is measured with: five real tools and a Debian, each as a directory, an archive and an image. Made once."""

import shlex
import shutil
import subprocess
from pathlib import Path

TOOLS = ("python", "java", "node", "go", "rust")
# Of the shapes that tar has, one that every program here takes. Owners are root's, as in every image.
TAR = "tar --format=gnu --sort=name --owner=0 --group=0 --numeric-owner"


class Inputs:
    """Below a directory that is kept."""

    def __init__(self, root: Path, directory: Path):
        self._root = root
        self.directory = directory
        self.tools = directory / "tools"

    def gather(self) -> None:
        """The tools as directories and the base as a layout."""
        gather = self._root / "tools/real-tools"
        subprocess.run([gather, self.tools, *TOOLS], check=True, stdout=subprocess.DEVNULL)

    def base(self) -> Path:
        """An OCI layout with the tag latest."""
        return self.tools / "base"

    def tool(self, name: str) -> Path:
        """The content of /opt/NAME."""
        return self.tools / name

    def tar(self, name: str) -> str:
        """A shell command that writes a layer as a tar: opt, and opt/NAME."""
        above = self.directory / "above"
        (above / "opt").mkdir(mode=0o755, parents=True, exist_ok=True)
        rename = f"--transform 's,^{name},opt/{name},S'"
        return f"{TAR} {rename} -c -C {shlex.quote(str(above))} opt -C {shlex.quote(str(self.tools))} {name}"

    def archive(self, name: str) -> Path:
        """The same, compressed."""
        path = self.directory / "archives" / f"{name}.tar.gz"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            new = path.with_suffix(".new")
            _shell(f"{self.tar(name)} | gzip -6n >{shlex.quote(str(new))}")
            new.rename(path)
        return path

    def image(self, name: str) -> Path:
        """An OCI layout, tag latest, of the base and one more layer, by umoci."""
        path = self.directory / "images" / name
        if not path.exists():
            new = path.with_suffix(".new")
            shutil.rmtree(new, ignore_errors=True)
            shutil.copytree(self.base(), new)
            layout = shlex.quote(str(new))
            _shell(f"{self.tar(name)} >{layout}/tool.tar")
            _shell(f"umoci --log=error raw add-layer --image {layout}:latest {layout}/tool.tar")
            (new / "tool.tar").unlink()
            _shell(f"umoci --log=error gc --layout {layout}")
            new.rename(path)
        return path


def _shell(script: str) -> None:
    subprocess.run(["bash", "-euo", "pipefail", "-c", script], check=True)
