//! The threads that compress, and the memory that they may use: one pool for all layers of a run.

use super::block::Block;
use crate::{Error, Result};
use std::fmt;
use std::num::NonZeroUsize;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Threads that compress blocks of 1 MiB, and a fixed number of such blocks, however many layers share them.
///
/// The threads of the pool do nothing but compress: they wait neither for input nor for output, so that a layer
/// whose source or target is slow holds up nobody. Whoever makes a layer does so on a thread of their own.
///
/// ```
/// use oci_merge_layer::compressor::Pool;
/// let pool = Pool::new(std::num::NonZero::new(2).unwrap()).unwrap();
/// assert_eq!(pool.threads(), 2);
/// ```
pub struct Pool {
    threads: rayon::ThreadPool,
    stock: Arc<Stock>,
}

impl Pool {
    /// A pool of so many threads; it has `2 * threads + 2` blocks in all, each about 2.2 MiB with its output.
    ///
    /// # Errors
    /// The threads cannot be started.
    pub fn new(threads: NonZeroUsize) -> Result<Pool> {
        let count = threads.get();
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(count)
            .thread_name(|i| format!("compress-{i}"))
            .build()
            .map_err(|error| Error::io("the threads that compress cannot be started", std::io::Error::other(error)))?;
        let idle = Mutex::new(Idle { blocks: Vec::new(), unmade: 2 * count + 2 });
        Ok(Pool { threads, stock: Arc::new(Stock { idle, returned: Condvar::new() }) })
    }

    /// How many threads compress.
    pub fn threads(&self) -> usize {
        self.threads.current_num_threads()
    }

    /// A block, if one is free.
    pub(super) fn try_lend(&self) -> Option<Loan> {
        self.stock.idle().take().map(|block| self.loan(block))
    }

    /// A block, as soon as one is free.
    ///
    /// Nobody waits here for ever: whoever asks for a block while others of theirs are being compressed takes one of
    /// those back instead. So all that wait hold none, and all that hold some can go on.
    pub(super) fn lend(&self) -> Loan {
        let mut idle = self.stock.idle();
        loop {
            if let Some(block) = idle.take() {
                return self.loan(block);
            }
            idle = self.stock.returned.wait(idle).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Does some work on a thread of the pool.
    pub(super) fn run(&self, work: impl FnOnce() + Send + 'static) {
        self.threads.spawn(work);
    }

    fn loan(&self, block: Block) -> Loan {
        Loan { block, stock: Arc::clone(&self.stock) }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("threads", &self.threads()).finish_non_exhaustive()
    }
}

/// The blocks of a pool.
struct Stock {
    idle: Mutex<Idle>,
    returned: Condvar,
}

impl Stock {
    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The blocks that nobody holds.
struct Idle {
    blocks: Vec<Block>,
    /// Blocks that may still be made: memory is taken when it is needed first.
    unmade: usize,
}

impl Idle {
    fn take(&mut self) -> Option<Block> {
        if let Some(block) = self.blocks.pop() {
            return Some(block);
        }
        self.unmade = self.unmade.checked_sub(1)?;
        Some(Block::new())
    }
}

/// A block of a pool, which goes back to it when this is dropped, be it after an error or a panic.
pub(super) struct Loan {
    block: Block,
    stock: Arc<Stock>,
}

impl Deref for Loan {
    type Target = Block;

    fn deref(&self) -> &Block {
        &self.block
    }
}

impl DerefMut for Loan {
    fn deref_mut(&mut self) -> &mut Block {
        &mut self.block
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let mut block = std::mem::take(&mut self.block);
        block.clear();
        self.stock.idle().blocks.push(block);
        self.stock.returned.notify_one();
    }
}
