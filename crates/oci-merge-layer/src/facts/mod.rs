//! What a file needs to run, found while its content passes by once; and the texts of a few files.

mod elf;
mod kept;
#[cfg(test)]
mod tests;

use crate::index::{Facts, MAX_TEXT, is_text};
use kept::Kept;
use oci_merge_image::LayerPath;
use std::ops::Range;

/// Linux reads so much of a script's first line, `#!` included (`BINPRM_BUF_SIZE`).
const SCRIPT: usize = 256;

/// Is shown the content of one file after the other, and says what each needs to run.
///
/// The facts of a file depend on its path and its bytes only, not on how they are cut, nor on whether they come from a directory
/// or an archive. Memory is bounded: at most 24 MiB for the ELF file that is being read, nothing for anything else.
/// What an ELF file says beyond that is not known; linkers put it into the first few MiB (the furthest that was
/// found on a machine with LLVM, Node.js and Rust on it lies 5 MiB from the start), and patchelf at the very end.
///
/// ```
/// use oci_merge_layer::facts::FactsReader;
/// use oci_merge_layer::index::Facts;
/// let mut reader = FactsReader::default();
/// reader.begin(&oci_merge_image::LayerPath::parse(b"opt/x/run").unwrap(), 31);
/// reader.feed(b"#!/usr/bin/env python3\n");
/// reader.feed(b"print()\n");
/// assert_eq!(reader.finish(), Some(Facts::Script { interpreter: b"/usr/bin/env python3".to_vec() }));
/// ```
#[derive(Debug, Default)]
pub struct FactsReader {
    size: u64,
    kept: Kept,
    stage: Stage,
}

/// How much is known of what has to be kept of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    /// Its first four bytes are not all there.
    #[default]
    Magic,
    /// It is a script: the first line is kept.
    Script,
    /// It is an ELF file: the beginning is kept, where its program headers should be.
    Headers,
    /// The program headers have said what is kept.
    Segments,
    /// It is one of the files of which the whole text is kept.
    Text,
    /// It is none of these.
    Nothing,
}

impl FactsReader {
    /// A file of so many bytes begins.
    pub fn begin(&mut self, path: &LayerPath, size: u64) {
        let is_text = size <= MAX_TEXT && is_text(path.as_bytes());
        self.size = size;
        self.stage = if is_text { Stage::Text } else { Stage::Magic };
        self.kept = Kept::new([0..if is_text { size } else { 4 }]);
    }

    /// Its next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while self.stage != Stage::Nothing {
            // A stage ends inside these bytes if all is kept that it wanted first: the next begins right there.
            let until = match self.stage {
                Stage::Magic | Stage::Headers => self.kept.missing_at_start(),
                _ => usize::MAX,
            };
            let (now, later) = rest.split_at(until.min(rest.len()));
            self.kept.feed(now);
            rest = later;
            if now.len() < until {
                break;
            }
            self.next_stage();
        }
    }

    /// It ended: what is known of it.
    pub fn finish(&mut self) -> Option<Facts> {
        if self.stage == Stage::Headers {
            // It is shorter than what was wanted of it, so all of it is there.
            self.stage = Stage::Segments;
        }
        let kept = std::mem::take(&mut self.kept);
        match std::mem::replace(&mut self.stage, Stage::Nothing) {
            Stage::Script => script(kept.start()),
            Stage::Segments => elf::facts(&kept).map(|elf| Facts::Elf(Box::new(elf))),
            Stage::Text => Some(Facts::Text(kept.start().to_vec())),
            Stage::Magic | Stage::Headers | Stage::Nothing => None,
        }
    }

    fn next_stage(&mut self) {
        let start = self.kept.start();
        (self.stage, self.kept) = match self.stage {
            Stage::Magic if start.starts_with(b"#!") => (Stage::Script, self.keep([0..SCRIPT as u64])),
            Stage::Magic if start == b"\x7fELF" => (Stage::Headers, self.keep([0..elf::HEADERS])),
            Stage::Headers => (Stage::Segments, self.keep(elf::wanted(&self.kept))),
            _ => (Stage::Nothing, Kept::default()),
        };
    }

    /// Goes on with other ranges, of which the first holds all that was kept until now.
    fn keep(&self, ranges: impl IntoIterator<Item = Range<u64>>) -> Kept {
        let inside = ranges.into_iter().map(|range| range.start..range.end.min(self.size));
        let mut kept = Kept::new(inside);
        kept.feed(self.kept.start());
        kept
    }
}

/// What follows `#!` on the first line, as the kernel reads it (`fs/binfmt_script.c`): a carriage return is part of the
/// interpreter's name.
fn script(start: &[u8]) -> Option<Facts> {
    let line = start.strip_prefix(b"#!")?.split(|&b| matches!(b, b'\n' | 0)).next().unwrap_or_default();
    let is_blank = |b: &u8| matches!(b, b' ' | b'\t');
    let start = line.iter().position(|b| !is_blank(b))?;
    let end = line.iter().rposition(|b| !is_blank(b))?;
    let interpreter = line.get(start..=end).unwrap_or_default().to_vec();
    (!interpreter.is_empty()).then_some(Facts::Script { interpreter })
}
