"""Writes a directory as a tarball the way Python programs do: python-tar.py ustar|gnu|pax DIR FILE."""
import sys
import tarfile

formats = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
with tarfile.open(sys.argv[3], "w:gz", format=formats[sys.argv[1]]) as out:
    out.add(sys.argv[2], arcname=".")
