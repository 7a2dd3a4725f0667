//! A lock of changes within one process, for files that have no lock of their own.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::changes::ChangeLock;
use super::error::error;
use crate::engines::{EngineError, ErrorKind, Retry};

/// How long a change waits for another one of this process.
const PATIENCE: Duration = Duration::from_mins(1);

/// Changes of this process follow one another. Those of other processes are told apart by what they publish: a
/// name is given once.
#[derive(Debug, Default, Clone)]
pub struct OneAtATime(Arc<(Mutex<bool>, Condvar)>);

struct Turn(OneAtATime);

impl OneAtATime {
    fn is_taken(&self) -> MutexGuard<'_, bool> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ChangeLock for OneAtATime {
    fn take(&self) -> Result<Box<dyn Send>, EngineError> {
        let waited = self.0.1.wait_timeout_while(self.is_taken(), PATIENCE, |taken| *taken);
        let (mut taken, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            let message = format!("another change has taken more than {} s", PATIENCE.as_secs());
            let failed = error(ErrorKind::Unavailable, "change the metastore", message);
            return Err(failed.with_retry(Retry::Later));
        }
        *taken = true;
        drop(taken);
        Ok(Box::new(Turn(self.clone())))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *self.0.is_taken() = false;
        self.0.0.1.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn changes_of_many_threads_follow_one_another() {
        let (lock, within) = (OneAtATime::default(), AtomicUsize::new(0));
        let most = std::thread::scope(|scope| {
            let change = || {
                let _turn = lock.take().expect("should be its turn");
                let now = within.fetch_add(1, Ordering::SeqCst) + 1;
                std::thread::sleep(Duration::from_millis(2));
                within.fetch_sub(1, Ordering::SeqCst);
                now
            };
            let all: Vec<_> = (0..8).map(|_| scope.spawn(change)).collect();
            all.into_iter().map(|one| one.join().expect("should end")).max()
        });
        assert_eq!(most, Some(1));
    }
}
