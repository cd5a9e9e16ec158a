//! Extended attributes of an open file or directory.

use crate::Xattrs;
use rustix::fd::AsFd;
use rustix::fs::{fgetxattr, flistxattr};
use rustix::io::Errno;
use std::ffi::CStr;

/// Linux allows neither longer values nor longer lists of names (`XATTR_SIZE_MAX`, `XATTR_LIST_MAX`).
const LONGEST: usize = 64 << 10;

/// Reads the extended attributes of one file after the other.
pub(super) struct XattrReader {
    names: Vec<u8>,
    value: Vec<u8>,
}

impl XattrReader {
    pub(super) fn new() -> XattrReader {
        XattrReader { names: vec![0; LONGEST], value: vec![0; LONGEST] }
    }

    /// All attributes of a file. Those that no layer keeps have no value: not all of them may be read by everybody.
    pub(super) fn read(&mut self, file: impl AsFd) -> rustix::io::Result<Xattrs> {
        let length = match flistxattr(&file, &mut self.names[..]) {
            // A file system without any, such as FAT.
            Err(Errno::OPNOTSUPP) => 0,
            other => other?,
        };
        let mut xattrs = Xattrs::new();
        for name in self.names.get(..length).unwrap_or_default().split_inclusive(|&b| b == 0) {
            let Ok(name) = CStr::from_bytes_with_nul(name) else { continue };
            let length = match crate::make::is_kept(name.to_bytes()) {
                true => fgetxattr(&file, name, &mut self.value[..])?,
                false => 0,
            };
            xattrs.insert(name.to_bytes().to_vec(), self.value.get(..length).unwrap_or_default().to_vec());
        }
        Ok(xattrs)
    }
}
