//! The runtime that a client's requests are made on, and how somebody outside of it waits for them.

use std::io;
use std::sync::{Arc, mpsc};
use tokio::runtime::{Builder, Runtime};

/// A runtime with one thread, shared by its clones.
#[derive(Clone)]
pub(super) struct Worker(Arc<Inner>);

/// `None` only while it is dropped.
struct Inner(Option<Runtime>);

impl Worker {
    pub(super) fn start() -> io::Result<Worker> {
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("oci-client").enable_all().build()?;
        Ok(Worker(Arc::new(Inner(Some(runtime)))))
    }

    /// Waits for a future that runs on this runtime; `None` if it panicked. `block_on` would panic where the caller is
    /// inside of a runtime itself; a channel of the standard library does not mind.
    pub(super) fn run<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> Option<T> {
        self.begin(future)?.recv().ok()
    }

    /// Lets a future run; what it comes to is received later, an error if it panicked.
    pub(super) fn begin<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Option<mpsc::Receiver<T>> {
        let (done, wait) = mpsc::channel();
        self.0.0.as_ref()?.spawn(async move {
            let _ = done.send(future.await);
        });
        Some(wait)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // To drop a runtime inside of another one would panic.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
