//! The stream of one layer: what is written to it comes out compressed, in order.

use super::block::BLOCK;
use super::earlier::{Blocks, Earlier};
use super::gzip;
use super::pool::{Loan, Pool};
use super::{Compressor, block::Block};
use crc32fast::Hasher;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;

/// The fewest bytes in a block of small files. Fewer would be compressed worse: each block has codes of its own.
const LEAST: usize = BLOCK / 4;

/// A last block of so many bytes is compressed sooner than a thread of the pool wakes up: most layers of small tools are
/// one such block.
const SMALL: usize = 64 << 10;

/// Compresses what is written to it into a writer, on the threads of a [`Pool`]. Only what was
/// [finished](Compressed::finish) is complete.
pub(crate) struct Compressed<'p, W: Write> {
    pool: &'p Pool,
    compressor: Compressor,
    output: W,
    filling: Option<Loan>,
    /// Blocks that are being compressed, in their order.
    flying: VecDeque<Receiver<Pressed>>,
    /// The end of the last block that was filled.
    before: Vec<u8>,
    /// Of all that was written out.
    crc: Hasher,
    length: u64,
    blocks: Blocks,
    /// What blocks may be taken over from.
    earlier: Option<Earlier>,
}

/// A block as it comes back from the pool: compressed, refused, or with the panic of its thread.
type Pressed = thread::Result<io::Result<Loan>>;

impl<'p, W: Write> Compressed<'p, W> {
    /// Begins a stream. Blocks that `earlier` has are taken over, if it was made by the same compressor.
    pub(crate) fn new(
        pool: &'p Pool,
        compressor: Compressor,
        earlier: Option<Earlier>,
        mut output: W,
    ) -> io::Result<Compressed<'p, W>> {
        if let Compressor::Gzip(_) = compressor {
            output.write_all(&gzip::HEADER)?;
        }
        Ok(Compressed {
            pool,
            compressor,
            output,
            filling: None,
            flying: VecDeque::new(),
            before: Vec::new(),
            crc: Hasher::new(),
            length: 0,
            blocks: Blocks::new(compressor),
            earlier: earlier.filter(|earlier| earlier.is_of(compressor)),
        })
    }

    /// An entry begins here, and if it is a file, of that size: a block may end.
    ///
    /// It does before a large file, whose blocks are then those of before wherever it lies; and among small ones where the
    /// path says so, so that behind a change the old ends are soon met again.
    pub(crate) fn entry(&mut self, path: &[u8], size: u64) -> io::Result<()> {
        let Compressor::Gzip(_) = self.compressor else { return Ok(()) };
        let (is_large, is_mark) = (size >= BLOCK as u64, crc32fast::hash(path).is_multiple_of(4));
        let ends = |filled: usize| filled > 0 && is_large || filled >= LEAST && is_mark;
        match self.filling.take_if(|block| ends(block.input.len())) {
            Some(block) => self.send_ahead(block),
            None => Ok(()),
        }
    }

    /// Ends the stream, gives the writer back, and says which blocks it wrote.
    pub(crate) fn finish(mut self) -> io::Result<(W, Blocks)> {
        let mut last = match self.filling.take() {
            Some(block) => block,
            None => self.borrow()?,
        };
        if last.input.len() > SMALL {
            self.send(last, true);
            while self.write_next()? {}
        } else {
            self.show_window(&mut last);
            last.compress(self.compressor, self.earlier.as_ref(), true)?;
            while self.write_next()? {}
            self.write_out(last)?;
        }
        if let Compressor::Gzip(_) = self.compressor {
            self.output.write_all(&gzip::trailer(self.crc.clone().finalize(), self.length))?;
        }
        self.output.flush()?;
        Ok((self.output, self.blocks))
    }

    /// A block to fill: a free one, or else the next of our own as soon as it is written.
    fn borrow(&mut self) -> io::Result<Loan> {
        loop {
            if let Some(block) = self.pool.try_lend() {
                return Ok(block);
            }
            if !self.write_next()? {
                return Ok(self.pool.lend());
            }
        }
    }

    /// Shows a block what it may refer to, and keeps what the next one may.
    fn show_window(&mut self, block: &mut Block) {
        if let Compressor::Gzip(_) = self.compressor {
            block.before.extend_from_slice(&self.before);
            self.before.clear();
            self.before.extend_from_slice(window(block));
        }
    }

    fn send(&mut self, mut block: Loan, last: bool) {
        self.show_window(&mut block);
        let (done, result) = channel();
        let (compressor, earlier) = (self.compressor, self.earlier.clone());
        self.pool.run(move || {
            let compress = || block.compress(compressor, earlier.as_ref(), last).map(|()| block);
            let pressed = catch_unwind(AssertUnwindSafe(compress));
            // Nobody waits for it any more after an error; then it goes back to the pool with the message.
            let _ = done.send(pressed);
        });
        self.flying.push_back(result);
    }

    /// Sends a block that is not the last, and writes those that are ready.
    fn send_ahead(&mut self, block: Loan) -> io::Result<()> {
        self.send(block, false);
        self.write_ready()
    }

    /// Waits for the next block and writes it; says whether there was one.
    fn write_next(&mut self) -> io::Result<bool> {
        let Some(result) = self.flying.pop_front() else { return Ok(false) };
        let pressed = result.recv().map_err(|_| io::Error::other("a thread that compresses has ended"))?;
        self.write_pressed(pressed)?;
        Ok(true)
    }

    /// Writes the blocks that are ready, without waiting for any.
    fn write_ready(&mut self) -> io::Result<()> {
        while let Some(result) = self.flying.front() {
            match result.try_recv() {
                Ok(pressed) => {
                    self.flying.pop_front();
                    self.write_pressed(pressed)?;
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return self.write_next().map(|_| ()),
            }
        }
        Ok(())
    }

    fn write_pressed(&mut self, pressed: Pressed) -> io::Result<()> {
        self.write_out(pressed.unwrap_or_else(|panic| resume_unwind(panic))?)
    }

    fn write_out(&mut self, mut block: Loan) -> io::Result<()> {
        self.crc.combine(&block.crc);
        self.length += block.input.len() as u64;
        block.row.take().into_iter().for_each(|row| self.blocks.push(row));
        self.output.write_all(block.output())
    }
}

impl<W: Write> Write for Compressed<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut block = match self.filling.take() {
            Some(block) => block,
            None => self.borrow()?,
        };
        let room = BLOCK - block.input.len();
        let part = bytes.get(..room).unwrap_or(bytes);
        block.input.extend_from_slice(part);
        if block.input.len() == BLOCK {
            self.send_ahead(block)?;
        } else {
            self.filling = Some(block);
        }
        Ok(part.len())
    }

    /// Does nothing: where a block ends may not depend on who asks for it.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How far back the next block may refer.
fn window(block: &Block) -> &[u8] {
    block.input.get(block.input.len().saturating_sub(gzip::WINDOW)..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compressor::Level;
    use std::io::Read;
    use std::num::NonZero;

    fn pool(threads: usize) -> Pool {
        Pool::new(NonZero::new(threads).unwrap()).unwrap()
    }

    /// Words in an order without period, so that no level finds it too easy: 3 blocks and a bit.
    fn text() -> Vec<u8> {
        let mut state = 1_u32;
        let mut out = Vec::new();
        while out.len() < 3 * BLOCK + 12_345 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            out.extend_from_slice(format!("{:x} ", state >> 18).as_bytes());
        }
        out
    }

    fn compress(pool: &Pool, compressor: Compressor, pieces: &mut dyn Iterator<Item = &[u8]>) -> Vec<u8> {
        let mut stream = Compressed::new(pool, compressor, None, Vec::new()).unwrap();
        pieces.for_each(|piece| stream.write_all(piece).unwrap());
        stream.finish().unwrap().0
    }

    fn every_compressor() -> Vec<Compressor> {
        vec![
            Compressor::None,
            Compressor::Gzip(Level::FAST),
            Compressor::Gzip(Level::DEFAULT),
            Compressor::Gzip("9".parse().unwrap()),
            #[cfg(feature = "zstd")]
            Compressor::Zstd,
        ]
    }

    #[test]
    fn the_bytes_depend_on_neither_threads_nor_writes() {
        let text = text();
        for compressor in every_compressor() {
            let expected = compress(&pool(1), compressor, &mut std::iter::once(&text[..]));
            for (threads, size) in [(1, 777), (2, BLOCK), (2, BLOCK - 1), (16, BLOCK + 1), (16, 65_536)] {
                let found = compress(&pool(threads), compressor, &mut text.chunks(size));
                assert!(found == expected, "{compressor:?}, {threads} threads, writes of {size}");
            }
        }
    }

    #[test]
    fn what_was_compressed_decompresses() {
        let text = text();
        // Nothing, less than a block, a block exactly, and blocks that refer to the one before.
        for length in [0, 5, BLOCK, BLOCK + 1, text.len()] {
            let input = &text[..length];
            let gzip = compress(&pool(2), Compressor::Gzip(Level::DEFAULT), &mut std::iter::once(input));
            let mut output = Vec::new();
            let mut member = flate2::bufread::GzDecoder::new(&gzip[..]);
            member.read_to_end(&mut output).unwrap();
            assert!(output == input, "{length}");
            assert!(member.into_inner().is_empty(), "one member and nothing else, {length}");
        }
    }

    #[test]
    fn many_layers_share_few_blocks() {
        // 12 layers and 4 blocks: none of them can have as many as it would like, and every one ends.
        let (pool, text) = (pool(1), text());
        let expected = compress(&pool, Compressor::Gzip(Level::FAST), &mut text.chunks(BLOCK));
        thread::scope(|scope| {
            for layer in 0..12 {
                let (pool, text, expected) = (&pool, &text, &expected);
                scope.spawn(move || {
                    let found = compress(pool, Compressor::Gzip(Level::FAST), &mut text.chunks(10_000 + layer));
                    assert!(found == *expected);
                });
            }
        });
    }

    #[test]
    fn an_abandoned_stream_gives_its_blocks_back() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                // Takes the header of gzip and nothing else.
                if bytes.len() == 10 { Ok(10) } else { Err(io::ErrorKind::StorageFull.into()) }
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (pool, text) = (pool(1), text());
        for _ in 0..10 {
            let mut stream = Compressed::new(&pool, Compressor::Gzip(Level::FAST), None, Full).unwrap();
            let error = text.iter().cycle().take(20 * BLOCK).copied().collect::<Vec<_>>();
            let error = stream.write_all(&error).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        }
        // Were a block lost each time, this would wait for ever.
        let loans: Vec<Loan> = (0..4).map(|_| pool.lend()).collect();
        assert!(pool.try_lend().is_none());
        drop(loans);
    }

    #[test]
    fn a_panic_of_the_pool_is_one_of_the_layer() {
        let pool = pool(1);
        let mut stream = Compressed::new(&pool, Compressor::None, None, Vec::new()).unwrap();
        let (done, result) = channel();
        pool.run(move || drop(done.send(catch_unwind(|| panic!("deliberate")))));
        stream.flying.push_back(result);
        let panic = catch_unwind(AssertUnwindSafe(|| stream.finish())).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"deliberate"));
    }
}
