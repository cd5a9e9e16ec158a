//! oci-merge
