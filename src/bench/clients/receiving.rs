//! A task that receives until it is told to end.

use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A task that ends when it is told to; dropped, it is gone at once.
#[derive(Debug)]
pub struct Receiving<T> {
    pub(super) stop: watch::Sender<bool>,
    pub(super) task: JoinHandle<T>,
}

impl<T> Receiving<T> {
    /// Ends it; what it has to tell.
    ///
    /// # Errors
    /// If it has panicked.
    pub async fn finish(mut self) -> anyhow::Result<T> {
        self.stop.send_replace(true);
        Ok((&mut self.task).await?)
    }

    /// Waits until it ends by itself; what it has to tell.
    ///
    /// # Errors
    /// If it has panicked.
    pub async fn over(&mut self) -> anyhow::Result<T> {
        Ok((&mut self.task).await?)
    }

    /// Whether it has ended by itself.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.task.is_finished()
    }
}

impl<T> Drop for Receiving<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}
