"""Debian's docker-registry on this machine, and what its log and its disk say of those who talk to it."""

import json
import re
import shutil
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

CONFIG = """\
version: 0.1
log: {{ accesslog: {{ disabled: false }}, level: info }}
storage: {{ filesystem: {{ rootdirectory: {data} }}, delete: {{ enabled: true }} }}
http: {{ addr: "127.0.0.1:0" }}
"""
REQUEST = re.compile(r'"(GET|HEAD|POST|PUT|PATCH|DELETE) (/v2/\S*) HTTP/1\.1" (\d+) (\d+)')
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json"
)


@dataclass
class Request:
    """A line of the log."""

    method: str
    path: str
    status: int
    sent: int  # bytes of the answer

    def digest_uploaded(self) -> str | None:
        """Of the blob that this request completed."""
        found = re.search(r"/blobs/uploads/.*[?&]digest=([^&]+)", self.path)
        return unquote(found[1]) if found and self.method in ("PUT", "POST") and self.status == 201 else None

    def digest_read(self) -> str | None:
        """Of the blob whose bytes were the answer."""
        found = re.search(r"/blobs/(sha256:[0-9a-f]+)$", self.path)
        return found[1] if found and self.method == "GET" and self.status in (200, 206) else None


class Registry:
    """Runs until `stop`."""

    def __init__(self, directory: Path):
        self.data = directory / "data"
        self._log = directory / "log"
        directory.mkdir(parents=True)
        config = directory / "config.yml"
        config.write_text(CONFIG.format(data=self.data))
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(["docker-registry", "serve", config], stdout=log, stderr=log)
        self.pid = self._process.pid
        self.address = self._wait_for_address()
        self._probes = 0

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()

    def mark(self) -> int:
        """A place in the log. Requests that are answered by now are before it."""
        self._probes += 1
        probe = f"probe={self._probes} "
        with urllib.request.urlopen(f"http://{self.address}/v2/?{probe.strip()}") as answer:
            answer.read()
        for _ in range(500):
            text = self._log.read_bytes()
            if probe.encode() in text:
                return len(text)
            time.sleep(0.01)
        raise RuntimeError("docker-registry writes no log of its requests")

    def requests(self, begin: int, end: int) -> list[Request]:
        """Those between two marks, without our own probes."""
        text = self._log.read_bytes()[begin:end].decode(errors="replace")
        found = (Request(m[1], m[2], int(m[3]), int(m[4])) for m in REQUEST.finditer(text))
        return [request for request in found if not request.path.startswith("/v2/?probe=")]

    def blob_size(self, digest: str) -> int:
        """Bytes on disk; 0 for a blob that is not there."""
        algorithm, _, name = digest.partition(":")
        path = self.data / "docker/registry/v2/blobs" / algorithm / name[:2] / name / "data"
        return path.stat().st_size if path.exists() else 0

    def manifest(self, image: str) -> tuple[str, dict]:
        """Digest and content of what REPOSITORY:TAG stands for; of an index, its first image that is no attestation."""
        repository, _, tag = image.rpartition(":")
        return self._manifest(repository, tag)

    def _manifest(self, repository: str, reference: str) -> tuple[str, dict]:
        url = f"http://{self.address}/v2/{repository}/manifests/{reference}"
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": MANIFESTS})) as answer:
            digest, document = answer.headers["Docker-Content-Digest"], json.load(answer)
        if "manifests" in document:
            images = [m for m in document["manifests"] if m.get("platform", {}).get("os") != "unknown"]
            return self._manifest(repository, images[0]["digest"])
        return digest, document

    def blob(self, image: str, digest: str):
        """An open stream of a blob's bytes."""
        repository = image.rpartition(":")[0]
        return urllib.request.urlopen(f"http://{self.address}/v2/{repository}/blobs/{digest}")

    def forget(self, image: str) -> None:
        """Removes a repository, so that nothing is mounted from it. Its blobs stay on the disk, for nobody."""
        repository = self.data / "docker/registry/v2/repositories" / image.rpartition(":")[0]
        shutil.rmtree(repository, ignore_errors=True)

    def _wait_for_address(self) -> str:
        for _ in range(200):
            found = re.search(r"listening on (127\.0\.0\.1:\d+)", self._log.read_text(errors="replace"))
            if found:
                return found[1]
            time.sleep(0.05)
        raise RuntimeError(f"docker-registry did not start:\n{self._log.read_text(errors='replace')}")
