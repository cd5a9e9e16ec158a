module oci-merge/tests/real/go-tar

go 1.19
