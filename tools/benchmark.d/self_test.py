"""What the benchmark believes of an image and of a log, tried on made ones: `python3 tools/benchmark.d/self_test.py`."""

import gzip
import hashlib
import io
import tarfile
import tempfile
import unittest
from pathlib import Path

import files
import goals
import measure
from registry import REQUEST, Request

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


class Registry:
    """Has one image, of these layers."""

    def __init__(self, *layers: bytes, kind: str = LAYER):
        self._blobs = {"sha256:" + hashlib.sha256(layer).hexdigest(): layer for layer in layers}
        self._kind = kind

    def manifest(self, _image: str) -> tuple[str, dict]:
        layers = [{"digest": digest, "mediaType": self._kind} for digest in self._blobs]
        return "sha256:" + hashlib.sha256(repr(layers).encode()).hexdigest(), {"layers": layers}

    def blob(self, _image: str, digest: str) -> io.BytesIO:
        return io.BytesIO(self._blobs[digest])


def layer(*lines: str) -> bytes:
    """From lines such as `f opt/a 644 text`, `d opt 755`, `s opt/b 777 target`, `h opt/c 644 opt/a`."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for line in lines:
            kind, path, mode, rest = (line + " ").split(" ", 3)
            rest = rest.strip()
            member = tarfile.TarInfo(path)
            member.mode = int(mode, 8)
            member.type = {"f": tarfile.REGTYPE, "d": tarfile.DIRTYPE, "s": tarfile.SYMTYPE, "h": tarfile.LNKTYPE}[kind]
            if kind == "f":
                member.size = len(rest)
            else:
                member.linkname = rest
            archive.addfile(member, io.BytesIO(rest.encode()))
    return gzip.compress(tar.getvalue())


class Files(unittest.TestCase):
    ONE = ("d opt 755", "f opt/a 644 x", "s opt/b 777 a", "h opt/c 644 opt/a")

    def setUp(self):
        files._layers.clear()
        self._directory = tempfile.TemporaryDirectory()
        self.addCleanup(self._directory.cleanup)

    def listing(self, *layers: bytes, **more) -> Path:
        return files.listing(Registry(*layers, **more), "x:1", Path(self._directory.name) / "listings")

    def difference(self, *layers: bytes) -> str | None:
        return files.difference(self.listing(layer(*self.ONE)), self.listing(*layers))

    def test_spelling_links_and_number_of_layers_do_not_count(self):
        other = layer("d ./opt 755", "f ./opt/c 644 x", "s ./opt/b 755 a"), layer("f ./opt/a 644 x")
        self.assertIsNone(self.difference(*other))

    def test_each_fact_counts(self):
        for change in ("f opt/a 755 x", "f opt/a 644 y", "s opt/b 777 c", "d opt 700", "f opt/b 644 a", "f opt/d 644 x"):
            self.assertIsNotNone(self.difference(layer(*self.ONE), layer(change)), change)
        self.assertIsNotNone(self.difference(layer(*self.ONE[:-1])))

    def test_whiteouts_remove_what_is_below(self):
        below = layer("d opt 755", "d opt/z 755", "f opt/z/q 644 x")
        self.assertIsNone(self.difference(below, layer(*self.ONE, "f opt/.wh.z 644")))
        self.assertIsNone(self.difference(below, layer("f opt/.wh..wh..opq 644", *self.ONE)))
        self.assertIsNone(self.difference(below, layer("f opt/z 644 x"), layer(*self.ONE, "f opt/.wh.z 644")))
        self.assertIsNotNone(self.difference(below, layer(*self.ONE)))

    def test_a_file_in_a_directory_s_place_has_nothing_below(self):
        below = layer("d opt 755", "d opt/a 755", "f opt/a/q 644 x")
        self.assertIsNone(self.difference(below, layer(*self.ONE)))

    def test_what_cannot_be_read_is_refused(self):
        whole = layer(*self.ONE)
        for blobs, more in (([whole[:-9]], {}), ([whole], {"kind": LAYER.replace("gzip", "zstd")})):
            with self.assertRaises(measure.Failed):
                self.listing(*blobs, **more)
        lying = Registry(whole)
        lying.blob = lambda _image, _digest: io.BytesIO(layer("d opt 755"))
        with self.assertRaises(measure.Failed):
            files.listing(lying, "x:1", Path(self._directory.name) / "listings")


class Log(unittest.TestCase):
    def one(self, line: str) -> Request:
        found = REQUEST.search(line)
        return Request(found[1], found[2], int(found[3]), int(found[4]))

    def test_blobs_that_were_sent_mounted_and_read(self):
        digest = "sha256:" + "ab" * 32
        sent = self.one(f'"PUT /v2/a/blobs/uploads/u?_state=s&digest={digest.replace(":", "%3A")} HTTP/1.1" 201 0')
        refused = self.one(f'"PUT /v2/a/blobs/uploads/u?digest={digest} HTTP/1.1" 400 0')
        mounted = self.one(f'"POST /v2/a/blobs/uploads/?mount={digest}&from=b HTTP/1.1" 201 0')
        read = self.one(f'"GET /v2/a/blobs/{digest} HTTP/1.1" 200 77')
        self.assertEqual((sent.digest_uploaded(), sent.digest_read()), (digest, None))
        self.assertIsNone(refused.digest_uploaded())
        self.assertEqual((mounted.digest_uploaded(), mounted.digest_read()), (None, None))
        self.assertEqual((read.digest_uploaded(), read.digest_read(), read.sent), (None, digest, 77))


class Goals(unittest.TestCase):
    def test_a_ratio_is_of_one_round_and_its_median_counts(self):
        runs = {
            "ours": [{"round": n, "wall_s": wall, "cpu_s": 2 * wall} for n, wall in enumerate((1, 4, 3))],
            "theirs": [{"round": n, "wall_s": wall, "cpu_s": wall} for n, wall in ((2, 10), (0, 2), (1, 5))],
        }
        self.assertIn("0.500 (0.300–0.800), of CPU 1.000", goals.Ratio("ours", "theirs", 0.5).judge(runs).text)
        self.assertTrue(goals.Ratio("ours", "theirs", 0.5).judge(runs).met)
        self.assertFalse(goals.Ratio("ours", "theirs", 0.49).judge(runs).met)
        self.assertIsNone(goals.Ratio("ours", "nobody", 1).judge(runs).met)

    def test_a_bound_is_of_every_round(self):
        runs = {"ours": [{"requests": {"GET": 2, "PUT": n}, "layers": 1} for n in (5, 5, 6)]}
        bound = goals.Bound("ours", "requests", lambda run: 3 * run["layers"] + 4, "requests")
        self.assertFalse(bound.judge(runs).met)
        self.assertTrue(bound.judge({"ours": runs["ours"][:2]}).met)


if __name__ == "__main__":
    unittest.main()
