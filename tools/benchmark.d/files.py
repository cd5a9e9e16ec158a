"""The files of an image as a container would see them, read from its layers by Python's tarfile, and how two images differ.

A program that is measured has no hand in this. A line a path: path, kind, mode, owner, size, digest of the content, link
target. Not compared are times (some cannot keep them), and whether two equal files are one inode (some lose hard links).
"""

import gzip
import hashlib
import tarfile
import zlib
from pathlib import Path

from measure import Failed
from registry import Registry

OPAQUE = ".wh..wh..opq"
KINDS = {tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "symlink", tarfile.FIFOTYPE: "fifo", tarfile.CHRTYPE: "character", tarfile.BLKTYPE: "block"}


class _Digesting:
    """Reads through, and knows the digest of what was read."""

    def __init__(self, inner):
        self._inner = inner
        self._digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._inner.read(size)
        self._digest.update(data)
        return data

    def digest(self) -> str:
        return "sha256:" + self._digest.hexdigest()


# What a layer says of each path, by its digest: the same layers come again and again.
_layers: dict[str, dict[str, tuple]] = {}


def listing(registry: Registry, image: str, directory: Path) -> Path:
    """A file with a line for each path of the image; made once for each manifest."""
    digest, manifest = registry.manifest(image)
    result = directory / digest.replace(":", "-")
    if result.exists():
        return result
    union: dict[str, tuple] = {}
    for layer in manifest["layers"]:
        if layer["digest"] not in _layers:
            with registry.blob(image, layer["digest"]) as stream:
                _layers[layer["digest"]] = _entries(_Digesting(stream), layer, image)
        _lay(_layers[layer["digest"]], union)
    lines = ("\t".join(map(str, (repr(path), *facts))) for path, facts in sorted(union.items()))
    directory.mkdir(exist_ok=True)
    result.write_text("\n".join(lines) + "\n")
    return result


def summary(listed: Path) -> dict:
    """What two images with the same files have in common."""
    lines = listed.read_bytes()
    return {"paths": lines.count(b"\n"), "files": "sha256:" + hashlib.sha256(lines).hexdigest()}


def _entries(stream: _Digesting, layer: dict, image: str) -> dict[str, tuple]:
    """What one layer says of each path."""
    kind = layer["mediaType"].rpartition("tar")[2]
    if kind not in ("", "+gzip", ".gzip"):
        raise Failed(f"{image}: a layer is {layer['mediaType']}: not to be compared with gzip")
    plain = gzip.GzipFile(fileobj=stream) if kind else stream
    entries: dict[str, tuple] = {}
    try:
        with tarfile.open(fileobj=plain, mode="r|") as archive:
            for member in archive:
                path = member.name.removeprefix("./").strip("/")
                entries[path] = _facts(archive, member, entries)
        while plain.read(1 << 20):
            pass
    except (tarfile.TarError, OSError, EOFError, zlib.error, KeyError) as error:
        raise Failed(f"{image}: layer {layer['digest']} cannot be read: {error!r}") from error
    if stream.digest() != layer["digest"]:
        raise Failed(f"{image}: layer {layer['digest']} is {stream.digest()}")
    return entries


def _facts(archive: tarfile.TarFile, member: tarfile.TarInfo, entries: dict[str, tuple]) -> tuple:
    if member.islnk():
        return entries[member.linkname.removeprefix("./").strip("/")]
    kind = "file" if member.isreg() else KINDS[member.type]
    digest = ""
    if kind == "file":
        digest = hashlib.file_digest(archive.extractfile(member), "sha256").hexdigest()
    # No system looks at the mode of a symlink, and programs write different ones.
    mode = "" if member.issym() else f"{member.mode & 0o7777:04o}"
    size = member.size if kind == "file" else 0
    return kind, mode, f"{member.uid}:{member.gid}", size, digest, member.linkname if member.issym() else ""


def _lay(entries: dict[str, tuple], union: dict[str, tuple]) -> None:
    """Lays a layer onto those below it, as the image specification says."""
    gone, opaque = set(), set()
    for path in entries:
        parent, _, name = path.rpartition("/")
        if name == OPAQUE:
            opaque.add(parent)
        elif name.startswith(".wh."):
            gone.add(f"{parent}/{name[4:]}".lstrip("/"))
    # What is no longer a directory has nothing below it.
    replaced = {p for p, facts in entries.items() if facts[0] != "directory" and union.get(p, ("",))[0] == "directory"}
    if gone or opaque or replaced:
        for path in list(union):
            above = {path[:i] for i, letter in enumerate(path) if letter == "/"} | {""}
            if path in gone or above & (gone | opaque | replaced):
                del union[path]
    for path, facts in entries.items():
        if not path.rpartition("/")[2].startswith(".wh.") and path not in ("", "."):
            union[path] = facts


def difference(one: Path, other: Path, shown: int = 6) -> str | None:
    """What differs between two listings, in a few lines; None: nothing."""
    if one == other or one.read_bytes() == other.read_bytes():
        return None
    left, right = (set(path.read_text().splitlines()) for path in (one, other))
    lines = [f"- {line}" for line in sorted(left - right)[:shown]] + [f"+ {line}" for line in sorted(right - left)[:shown]]
    return f"{len(left - right)} and {len(right - left)} paths differ\n" + "\n".join(lines)
