"""What Python's tarfile sees in the archives of a folder that the differential test wrote: python.py FOLDER.

One line an entry, as the test writes them: kind, mode, owner, time, size, digest, name and target in hexadecimal.
"""
import gzip
import hashlib
import io
import math
import sys
import tarfile

KINDS = {b"0": "-", b"\0": "-", b"1": "h", b"2": "l", b"5": "d", b"6": "p"}


def normal(name):
    return b"/".join(part for part in name.split(b"/") if part not in (b"", b"."))


def line(archive, member):
    kind = "d" if member.isdir() else KINDS[member.type]
    name, target = (text.encode("utf-8", "surrogateescape") for text in (member.name, member.linkname))
    target = {"h": normal(target), "l": target}.get(kind, b"")
    content = archive.extractfile(member).read() if kind == "-" else b""
    digest = "sha256:" + hashlib.sha256(content).hexdigest() if kind == "-" else "-"
    owner = f"{member.mode & 0o7777:o} {member.uid} {member.gid} {math.floor(member.mtime)}"
    return f"{kind} {owner} {len(content)} {digest} x{normal(name).hex()} x{target.hex()}"


def main(folder):
    numbers = (line.split()[1] for line in open(f"{folder}/expected") if line.startswith("archive "))
    with open(f"{folder}/blobs", "rb") as blobs:
        for number in numbers:
            blob = blobs.read(int.from_bytes(blobs.read(8), "little"))
            print("archive", number)
            if blob[:2] == b"\x1f\x8b":
                blob = gzip.decompress(blob)
            with tarfile.open(fileobj=io.BytesIO(blob), encoding="utf-8", errors="surrogateescape") as archive:
                for member in archive:
                    print(line(archive, member))


main(sys.argv[1])
