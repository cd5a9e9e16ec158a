//! The threads that compress, and the memory that they may use: one pool for all layers of a run.

use super::block::Block;
use crate::{Error, Result};
use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Threads that compress blocks of 1 MiB, and a fixed number of such blocks, however many layers share them.
///
/// The threads of the pool do nothing but compress: they wait neither for input nor for output, so that a layer
/// whose source or target is slow holds up nobody. Whoever packs a layer does so on a thread of their own.
///
/// ```
/// use oci_merge_layer::gzip::Pool;
/// let pool = Pool::new(std::num::NonZero::new(2).unwrap()).unwrap();
/// assert_eq!(pool.threads(), 2);
/// ```
pub struct Pool {
    threads: rayon::ThreadPool,
    blocks: Arc<Blocks>,
}

impl Pool {
    /// A pool of so many threads; it may hold `2 * threads + 2` blocks in all, each about 2.2 MiB with its output.
    ///
    /// # Errors
    /// The threads cannot be started.
    pub fn new(threads: NonZeroUsize) -> Result<Pool> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads.get())
            .thread_name(|i| format!("compress-{i}"))
            .build()
            .map_err(|error| Error::io("the threads that compress cannot be started", std::io::Error::other(error)))?;
        let blocks = Blocks { stock: Mutex::new(Stock { idle: Vec::new(), unmade: 2 * threads.get() + 2 }), returned: Condvar::new() };
        Ok(Pool { threads: pool, blocks: Arc::new(blocks) })
    }

    /// How many threads compress.
    pub fn threads(&self) -> usize {
        self.threads.current_num_threads()
    }

    pub(super) fn blocks(&self) -> &Blocks {
        &self.blocks
    }

    pub(super) fn run(&self, work: impl FnOnce() + Send + 'static) {
        self.threads.spawn(work);
    }
}

/// The blocks of a pool: to hold one is to have leave to use its memory.
///
/// Nobody can wait here for ever. Whoever asks for a block while others of theirs are being compressed takes one of
/// those back instead of waiting; so all that wait hold none, and all that hold some can go on.
pub(super) struct Blocks {
    stock: Mutex<Stock>,
    returned: Condvar,
}

struct Stock {
    idle: Vec<Block>,
    /// Blocks that may still be made; memory is taken only when it is needed.
    unmade: usize,
}

impl Stock {
    fn take(&mut self) -> Option<Block> {
        let block = self.idle.pop();
        if block.is_none() && self.unmade > 0 {
            self.unmade -= 1;
            return Some(Block::new());
        }
        block
    }
}

impl Blocks {
    /// A block, if one is free.
    pub(super) fn try_take(&self) -> Option<Block> {
        self.stock().take()
    }

    /// A block, as soon as one is free.
    pub(super) fn take(&self) -> Block {
        let mut stock = self.stock();
        loop {
            if let Some(block) = stock.take() {
                return block;
            }
            stock = self.returned.wait(stock).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Gives a block back.
    pub(super) fn give_back(&self, mut block: Block) {
        block.clear();
        self.stock().idle.push(block);
        self.returned.notify_one();
    }

    /// Gives back the leave to use a block whose memory is gone.
    pub(super) fn give_back_lost(&self) {
        self.stock().unmade += 1;
        self.returned.notify_one();
    }

    fn stock(&self) -> MutexGuard<'_, Stock> {
        self.stock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
