//! Archives, built header by header: also those that no writer would write.

/// One header block; the checksum is added when it goes into an archive.
#[derive(Clone)]
pub(crate) struct Header([u8; 512]);

impl Header {
    /// A POSIX header of a typeflag: 0644 0:0, or 0755 for a directory, of 2023.
    pub(crate) fn new(typeflag: u8, name: &str) -> Header {
        let mode = if typeflag == b'5' { "0000755\0" } else { "0000644\0" };
        Header([0; 512])
            .with(0, name)
            .with(100, mode)
            .with(108, "0000000\0")
            .with(116, "0000000\0")
            .size(0)
            .with(136, "14524770400\0")
            .with(156, [typeflag])
            .with(257, "ustar\x0000")
            .with(329, "0000000\0")
            .with(337, "0000000\0")
    }

    pub(crate) fn file(name: &str) -> Header {
        Header::new(b'0', name)
    }

    pub(crate) fn dir(name: &str) -> Header {
        Header::new(b'5', name)
    }

    pub(crate) fn symlink(name: &str, target: &str) -> Header {
        Header::new(b'2', name).with(157, target).with(100, "0000777\0")
    }

    pub(crate) fn hard_link(name: &str, target: &str) -> Header {
        Header::new(b'1', name).with(157, target)
    }

    /// The same in the format of old GNU.
    pub(crate) fn gnu(self) -> Header {
        self.with(257, "ustar  \0")
    }

    /// The same in the format before POSIX.
    pub(crate) fn v7(self) -> Header {
        self.with(257, [0; 255])
    }

    /// The same with some bytes at a place.
    pub(crate) fn with(mut self, at: usize, bytes: impl AsRef<[u8]>) -> Header {
        self.0[at..at + bytes.as_ref().len()].copy_from_slice(bytes.as_ref());
        self
    }

    /// The same with a size that may not be that of its content.
    pub(crate) fn size(self, size: u64) -> Header {
        self.with(124, format!("{size:011o}\0"))
    }

    /// The same with a checksum that may be wrong.
    pub(crate) fn checksum(self, sum: &str) -> Header {
        self.with(148, sum)
    }
}

/// An archive in the making.
#[derive(Clone, Default)]
pub(crate) struct Tar(pub(crate) Vec<u8>);

impl Tar {
    pub(crate) fn new() -> Tar {
        Tar::default()
    }

    /// Adds a header as it is, with its checksum if it has none.
    pub(crate) fn header(mut self, header: &Header) -> Tar {
        let mut block = header.0;
        if block[148] == 0 {
            let sum = 8 * 32 + block.iter().map(|&byte| u32::from(byte)).sum::<u32>();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
        self.0.extend(block);
        self
    }

    /// Adds bytes as they are.
    pub(crate) fn raw(mut self, bytes: impl AsRef<[u8]>) -> Tar {
        self.0.extend(bytes.as_ref());
        self
    }

    /// Adds bytes, and zeros to the end of their last block.
    pub(crate) fn blocks(self, bytes: impl AsRef<[u8]>) -> Tar {
        let mut tar = self.raw(bytes);
        tar.0.resize(tar.0.len().next_multiple_of(512), 0);
        tar
    }

    /// Adds a header with the size of its content, and the content.
    pub(crate) fn entry(self, header: Header, content: impl AsRef<[u8]>) -> Tar {
        let size = content.as_ref().len() as u64;
        self.header(&header.size(size)).blocks(content)
    }

    pub(crate) fn file(self, name: &str, content: &str) -> Tar {
        self.entry(Header::file(name), content)
    }

    pub(crate) fn dir(self, name: &str) -> Tar {
        self.header(&Header::dir(name))
    }

    /// Adds a PAX header with records.
    pub(crate) fn pax(self, records: &[(&str, &str)]) -> Tar {
        let records: Vec<_> = records.iter().map(|(key, value)| record(key, value.as_bytes())).collect();
        self.pax_body(records.concat())
    }

    /// Adds a PAX header with any body.
    pub(crate) fn pax_body(self, body: impl AsRef<[u8]>) -> Tar {
        self.entry(Header::new(b'x', "PaxHeaders/0"), body)
    }

    /// Adds a GNU long name (`L`) or link target (`K`).
    pub(crate) fn long(self, typeflag: u8, body: impl AsRef<[u8]>) -> Tar {
        self.entry(Header::new(typeflag, "././@LongLink").gnu(), body)
    }

    /// The archive, with its end.
    pub(crate) fn end(self) -> Vec<u8> {
        self.raw([0; 1024]).0
    }
}

/// A PAX record, whose length counts itself.
pub(crate) fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let length = (rest..).find(|length| length.to_string().len() + rest == *length).unwrap();
    [format!("{length} {key}=").as_bytes(), value, b"\n"].concat()
}
