// What Go's archive/tar, which containerd, Docker, Podman and umoci unpack with, sees in the archives of a folder
// that the differential test wrote: go FOLDER. One line an entry, as the test writes them.
package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
)

func normal(name string) string {
	var parts []string
	for _, part := range strings.Split(name, "/") {
		if part != "" && part != "." {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "/")
}

func list(out io.Writer, blob []byte) error {
	var in io.Reader = bytes.NewReader(blob)
	if bytes.HasPrefix(blob, []byte("\x1f\x8b")) {
		var err error
		if in, err = gzip.NewReader(in); err != nil {
			return err
		}
	}
	archive := tar.NewReader(in)
	for {
		header, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		kind, digest, size, target := string(header.Typeflag), "-", int64(0), ""
		switch header.Typeflag {
		case tar.TypeReg:
			sum := sha256.New()
			if size, err = io.Copy(sum, archive); err != nil {
				return err
			}
			kind, digest = "-", fmt.Sprintf("sha256:%x", sum.Sum(nil))
		case tar.TypeLink:
			kind, target = "h", normal(header.Linkname)
		case tar.TypeSymlink:
			kind, target = "l", header.Linkname
		case tar.TypeDir:
			kind = "d"
		case tar.TypeFifo:
			kind = "p"
		}
		fmt.Fprintf(out, "%s %o %d %d %d %d %s x%x x%x\n", kind, header.Mode&07777, header.Uid, header.Gid,
			header.ModTime.Unix(), size, digest, normal(header.Name), target)
	}
	_, err := io.Copy(io.Discard, in) // the rest of a gzip stream has to be sound as well
	return err
}

func main() {
	expected, err := os.ReadFile(os.Args[1] + "/expected")
	if err != nil {
		log.Fatal(err)
	}
	blobs, err := os.ReadFile(os.Args[1] + "/blobs")
	if err != nil {
		log.Fatal(err)
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for _, line := range strings.Split(string(expected), "\n") {
		if !strings.HasPrefix(line, "archive ") {
			continue
		}
		fmt.Fprintln(out, line)
		length := binary.LittleEndian.Uint64(blobs)
		blob := blobs[8 : 8+length]
		blobs = blobs[8+length:]
		if err := list(out, blob); err != nil {
			fmt.Fprintln(out, err)
		}
	}
}
