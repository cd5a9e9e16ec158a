// Writes a directory as a tarball the way Go programs do: tar.FileInfoHeader for each file.
package main

import (
	"archive/tar"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

func main() {
	out := tar.NewWriter(os.Stdout)
	root := os.Args[1]
	err := filepath.Walk(root, func(path string, info fs.FileInfo, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		link := ""
		if info.Mode()&fs.ModeSymlink != 0 {
			link, _ = os.Readlink(path)
		}
		header, err := tar.FileInfoHeader(info, link)
		if err != nil {
			return err
		}
		header.Name = filepath.ToSlash(name)
		if info.IsDir() {
			header.Name += "/"
		}
		if err := out.WriteHeader(header); err != nil || !info.Mode().IsRegular() {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = io.Copy(out, file)
		return err
	})
	if err == nil {
		err = out.Close()
	}
	if err != nil {
		panic(err)
	}
}
