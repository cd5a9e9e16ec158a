//! The strict tar reader.
//!
//! # Why it is strict
//!
//! We say "these layers do not disturb each other" about bytes that *another* program will unpack: containerd,
//! Docker, Podman, umoci. If that program reads other entries out of them than we do, the statement is worth nothing.
//! And tar invites it: five formats, extensions that are entries themselves, numbers in two notations, ends that may
//! be missing. On hand-made archives the readers of Go, Rust and Python disagree about one in three; a header can be
//! hidden from one of them behind a size that another ignores (CVE-2025-62518 and its kin).
//!
//! So this reader is the boundary: it accepts what all readers read alike, and refuses the rest with a
//! [`Reason`](crate::Reason) and the place. It never repairs. There are two kinds of refusal:
//!
//! * **Ambiguous**: two readers see two different trees. Sizes on links, a PAX size that contradicts the header's, two
//!   names for one entry, anything after the end. Always an error.
//! * **Harmless**: every reader sees the same tree, though the archive is odd. Blank numbers, a comment in a global
//!   header, a sparse file. A [`Note`]: such an archive is written anew and never passed through, and where its bytes
//!   must be kept ([`Rules::keep`]), the first note is the error.
//!
//! A layer of a *base* is another matter: it is somebody else's finished work, so it is read as Go reads it, and what
//! readers disagree about is a note ([`Role::Base`]).
//!
//! The rules and their reasons are those of the design's page on collisions, section 2; each is named where it is
//! judged. What depends on more than one entry (duplicates, hard links, parents) is judged by the
//! [index](crate::IndexBuilder).
//!
//! ```
//! use oci_merge_layer::{Item, Limits, Rules, Scanner};
//! use std::io::Read;
//!
//! let mut tar = vec![0; 512];
//! tar[..1].copy_from_slice(b"a");
//! tar[100..108].copy_from_slice(b"0000644\0");
//! tar[108..116].copy_from_slice(b"0000000\0");
//! tar[116..124].copy_from_slice(b"0000000\0");
//! tar[124..136].copy_from_slice(b"00000000005\0");
//! tar[136..148].copy_from_slice(b"00000000000\0");
//! tar[156..157].copy_from_slice(b"0");
//! tar[257..265].copy_from_slice(b"ustar\x0000");
//! let sum = 8 * 32 + tar.iter().map(|&byte| u32::from(byte)).sum::<u32>();
//! tar[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
//! tar.extend(b"hello");
//! tar.resize(4 * 512, 0);
//!
//! let mut scanner = Scanner::new(&tar[..], &Rules::kept(Limits::default()));
//! let Some(Item::Entry(entry)) = scanner.next()? else { panic!() };
//! assert_eq!(entry.path.to_string(), "/a");
//! let mut content = String::new();
//! scanner.content().read_to_string(&mut content)?;
//! assert_eq!(content, "hello");
//! assert_eq!(scanner.next()?, None);
//!
//! // Without its end marker, an archive cannot be told from one that was cut.
//! let mut cut = Scanner::new(&tar[..1024], &Rules::layer(Limits::default()));
//! cut.next()?;
//! assert_eq!(cut.next().unwrap_err().reason().unwrap().0, "TAR_TRUNCATED");
//! # Ok::<(), oci_merge_layer::Error>(())
//! ```

mod blocks;
mod content;
mod entry;
mod extensions;
mod gnu;
mod header;
mod number;
mod pax;
mod records;
mod rules;
mod sparse;

pub use content::Content;
pub(crate) use entry::is_marked;
pub use rules::{Role, Rules};

use crate::judge::Judge;
use crate::{Entry, Error, ErrorKind, Limits, Note, Result};
use blocks::{BLOCK, Blocks, is_zero};
use content::Rest;
use extensions::Extensions;
use header::Header;
use oci_merge_image::LayerPath;
use std::io::Read;

/// What a tar holds, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// An entry; the content of a file can be read before the next is asked for.
    Entry(Entry),
    /// A whiteout as it is spelled (`dir/.wh.name`); only of images.
    Whiteout(LayerPath),
}

/// Reads a tar that is not compressed; see [the module](self) for how and why.
#[derive(Debug)]
pub struct Scanner<R> {
    blocks: Blocks<R>,
    limits: Limits,
    judge: Judge,
    state: State,
    /// Where the last header began.
    header_at: u64,
    /// The name of the last entry, as its headers spell it.
    name: Vec<u8>,
    /// The body of the last extension.
    body: Vec<u8>,
    /// What was said about the entry to come.
    extensions: Extensions,
    /// What is left of the content of the last entry.
    rest: Rest,
    entries: u64,
    /// Bytes that sparse files have in all.
    expanded: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No header was read yet.
    Beginning,
    Reading,
    /// The end marker was verified, and the input is at its end.
    Ended,
    /// An error was given; nothing after it can be believed.
    Failed,
}

impl<R: Read> Scanner<R> {
    /// A scanner over the bytes of a tar.
    pub fn new(input: R, rules: &Rules) -> Scanner<R> {
        Scanner {
            blocks: Blocks::new(input, rules.limits.layer_bytes),
            limits: rules.limits.clone(),
            judge: Judge::new(rules),
            state: State::Beginning,
            header_at: 0,
            name: Vec::new(),
            body: Vec::new(),
            extensions: Extensions::default(),
            rest: Rest::default(),
            entries: 0,
            expanded: 0,
        }
    }

    /// The next entry; skips what is left of the content before. `None` only after the end marker was verified and
    /// the input was read to its end.
    ///
    /// # Errors
    /// The archive is refused, a limit is exceeded, or the input fails. After an error there are only errors.
    #[expect(clippy::should_implement_trait, reason = "an iterator could not lend the content in between")]
    pub fn next(&mut self) -> Result<Option<Item>> {
        let result = match self.state {
            State::Ended => return Ok(None),
            State::Failed => return Err(Error::new(ErrorKind::Io, "the archive was read on after an error")),
            State::Beginning | State::Reading => self.advance(),
        };
        result.map_err(|error| self.fail(error))
    }

    /// Where in the tar the content of the last entry begins; of a sparse file, its map or its first piece of data.
    pub fn content_offset(&self) -> u64 {
        self.header_at + BLOCK as u64
    }

    /// What was odd so far.
    pub fn notes(&self) -> &[Note] {
        self.judge.notes()
    }

    /// Where the bytes come from.
    pub(crate) fn input(&self) -> &R {
        self.blocks.input()
    }

    /// Takes over what was noted about the archive elsewhere.
    pub(crate) fn adopt(&mut self, notes: &[Note]) -> Result<()> {
        self.judge.adopt(notes)
    }

    /// Where the bytes came from, and what was odd about them.
    pub(crate) fn into_parts(self) -> (R, Vec<Note>) {
        (self.blocks.into_input(), self.judge.into_notes())
    }

    fn advance(&mut self) -> Result<Option<Item>> {
        self.skip_rest()?;
        loop {
            self.header_at = self.blocks.position();
            self.name.clear();
            let Some(block) = self.header_block()? else { return Ok(None) };
            let first = self.state == State::Beginning;
            self.state = State::Reading;
            if !first {
                self.name.extend(block.iter().take(100).take_while(|&&byte| byte != 0));
            }
            let header = Header::read(block, first, &mut self.judge)?;
            match header.typeflag {
                b'x' | b'g' | b'L' | b'K' => {
                    // Only an `x` header is named after its entry.
                    if header.typeflag != b'x' {
                        self.name.clear();
                    }
                    self.extend(&header)?;
                }
                _ => {
                    if let Some(item) = self.entry(&header)? {
                        return Ok(Some(item));
                    }
                    self.skip_rest()?;
                }
            }
        }
    }

    /// The next header; `None` at the end of the archive.
    fn header_block(&mut self) -> Result<Option<[u8; BLOCK]>> {
        let first = self.state == State::Beginning;
        let block = self.blocks.block()?;
        match <[u8; BLOCK]>::try_from(block) {
            Ok(block) if is_zero(&block) => self.end().map(|()| None),
            Ok(block) => Ok(Some(block)),
            Err(_) if !block.is_empty() && first => {
                Err(Error::refused("NOT_A_TAR", format!("expected a tar, found {} bytes", block.len())))
            }
            Err(_) if block.is_empty() => {
                // Go ends here without a word.
                self.judge.ambiguous("TAR_TRUNCATED", || {
                    let found = if first { "an empty file" } else { "an archive without its end marker" };
                    format!("{found}: it cannot be told from one that was cut")
                })?;
                self.finish().map(|()| None)
            }
            Err(_) => Err(Error::refused("TAR_TRUNCATED", "the archive ends within a header")),
        }
    }

    /// After the first block of zeros: verifies the second, and that nothing but zeros follows.
    fn end(&mut self) -> Result<()> {
        self.name.clear();
        self.finish()?;
        let second = self.blocks.block()?;
        match second.len() {
            BLOCK if is_zero(second) => {}
            BLOCK => {
                let text = "a block of zeros, then more: some readers end here, some fail, some go on";
                return Err(Error::refused("TAR_DATA_AFTER_EOF", text));
            }
            0 => self.judge.harmless("TAR_TRUNCATED", || "one block of zeros at the end instead of two".into())?,
            _ => return Err(Error::refused("TAR_TRUNCATED", "the archive ends within its end marker")),
        }
        if !self.blocks.drain()? {
            self.judge.ambiguous("TAR_DATA_AFTER_EOF", || {
                "something other than zeros after the end marker: some readers go on there".into()
            })?;
        }
        Ok(())
    }

    /// After an error, which is about the last header.
    fn fail(&mut self, error: Error) -> Error {
        self.state = State::Failed;
        let path = LayerPath::parse(&self.name).ok().filter(|path| !path.is_root());
        error.found_at(path, self.header_at)
    }

    /// No entry follows.
    fn finish(&mut self) -> Result<()> {
        if !self.extensions.is_empty() {
            self.judge.ambiguous("TAR_DANGLING_EXTENSION", || "an extension header that no entry follows".into())?;
            self.extensions = Extensions::default();
        }
        self.state = State::Ended;
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests;
