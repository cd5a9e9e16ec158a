module oci-merge/tests/real/readers/go

go 1.19
