//! Works on blocks of a stream in several threads and gives the results in the order of the blocks.
//!
//! One thread produces blocks, some work on them; every queue is bounded, so that memory is too.
//! When the receiver of the results is dropped, all threads end.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::FormatError;
use super::guard::catch;

/// Passes a block on; false when no more is wanted.
pub(crate) type Emit<'a, B> = &'a mut dyn FnMut(B) -> bool;

/// Why there are no more results.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The producer failed.
    Failed(FormatError),
    /// A thread panicked, with this message.
    BrokeOff(String),
}

/// What was made of a block, or the message of a panic over it.
type Made<R> = Result<R, String>;
type Ordered<R> = Result<Receiver<Made<R>>, Ended>;
type Queue<B, R> = Arc<Mutex<Receiver<(B, SyncSender<Made<R>>)>>>;

/// The ends of the queues of one pipeline.
struct Pipeline<B, R> {
    blocks: SyncSender<(B, SyncSender<Made<R>>)>,
    queue: Queue<B, R>,
    ordered: SyncSender<Ordered<R>>,
    results: Results<R>,
}

impl<B, R> Pipeline<B, R> {
    fn new(threads: usize) -> Self {
        let (blocks, queue) = sync_channel(threads);
        let (ordered, results) = sync_channel(threads + 1);
        Self { blocks, queue: Arc::new(Mutex::new(queue)), ordered, results: Results(results) }
    }
}

/// The results in the order of the blocks; the last may say why there are no more.
pub(crate) struct Results<R>(Receiver<Ordered<R>>);

impl<R> Iterator for Results<R> {
    type Item = Result<R, Ended>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.0.recv().ok()? {
            Ok(result) => Some(match result.recv() {
                Ok(Ok(made)) => Ok(made),
                Ok(Err(message)) => Err(Ended::BrokeOff(message)),
                Err(_) => Err(Ended::BrokeOff("a thread is gone".to_owned())),
            }),
            Err(error) => Some(Err(error)),
        }
    }
}

/// Hands the produced blocks to the workers.
fn feed<B, R>(
    produce: impl FnOnce(Emit<'_, B>) -> Result<(), FormatError>,
    blocks: &SyncSender<(B, SyncSender<Made<R>>)>,
    ordered: &SyncSender<Ordered<R>>,
) {
    let mut emit = |block| {
        let (sender, receiver) = sync_channel(1);
        ordered.send(Ok(receiver)).is_ok() && blocks.send((block, sender)).is_ok()
    };
    // Without a word at its end, a producer that panicked would look like one that is done.
    let ended = match catch(|| produce(&mut emit)) {
        Ok(Ok(())) => return,
        Ok(Err(error)) => Ended::Failed(error),
        Err(message) => Ended::BrokeOff(message),
    };
    // A receiver that is gone needs no error.
    drop(ordered.send(Err(ended)));
}

/// Works on blocks until there are no more.
fn work<B, R>(queue: &Queue<B, R>, mut parse: impl FnMut(B) -> R) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((block, sender)) = next else { return };
        let made = catch(|| parse(block));
        let broke_off = made.is_err();
        // A receiver that is gone needs no result.
        drop(sender.send(made));
        if broke_off {
            return;
        }
    }
}

/// Starts threads of their own; they end when the results are dropped.
pub(crate) fn spawn<B: Send + 'static, R: Send + 'static, P: FnMut(B) -> R + Send + 'static>(
    threads: usize,
    produce: impl FnOnce(Emit<'_, B>) -> Result<(), FormatError> + Send + 'static,
    parser: impl Fn() -> P,
) -> Results<R> {
    let threads = threads.max(1);
    let Pipeline { blocks, queue, ordered, results } = Pipeline::new(threads);
    std::thread::spawn(move || feed(produce, &blocks, &ordered));
    for _ in 0..threads {
        let (queue, parse) = (Arc::clone(&queue), parser());
        std::thread::spawn(move || work(&queue, parse));
    }
    results
}

/// Runs a pipeline within a scope and gives its results to `consume`.
pub(crate) fn scoped<B: Send, R: Send, P: FnMut(B) -> R + Send, T>(
    threads: usize,
    produce: impl FnOnce(Emit<'_, B>) -> Result<(), FormatError> + Send,
    parser: impl Fn() -> P,
    consume: impl FnOnce(Results<R>) -> T,
) -> T {
    let threads = threads.max(1);
    let Pipeline { blocks, queue, ordered, results } = Pipeline::new(threads);
    std::thread::scope(|scope| {
        scope.spawn(move || feed(produce, &blocks, &ordered));
        for _ in 0..threads {
            let (queue, parse) = (Arc::clone(&queue), parser());
            scope.spawn(move || work(&queue, parse));
        }
        // Workers hold the queue: without this one it closes when the last of them ends.
        drop(queue);
        consume(results)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_the_error_last() {
        let produce = |emit: Emit<'_, u64>| {
            (0..100).for_each(|n| assert!(emit(n)));
            Err(FormatError::Unrecognised { path: "p".into(), message: "m".into() })
        };
        let results: Vec<_> = spawn(3, produce, || |n: u64| n * 2).collect();
        assert_eq!(results.len(), 101);
        for (index, result) in results.iter().take(100).enumerate() {
            assert_eq!(result.as_ref().ok(), Some(&(index as u64 * 2)));
        }
        assert!(results[100].is_err());
    }

    #[test]
    fn a_panic_of_any_thread_is_the_last_result() {
        let three = |emit: Emit<'_, u64>| {
            let _wanted = (0..3).all(emit);
            Ok(())
        };
        let parse = || |n: u64| if n == 1 { panic!("over {n}") } else { n };
        let mut results = spawn(1, three, parse);
        assert!(matches!(results.next(), Some(Ok(0))));
        let broke_off = results.next();
        assert!(matches!(&broke_off, Some(Err(Ended::BrokeOff(why))) if why == "over 1"));
        let produce = |emit: Emit<'_, u64>| {
            assert!(!emit(0), "a producer that panics");
            Ok(())
        };
        let results: Vec<_> = scoped(1, produce, || |n: u64| n, Iterator::collect);
        assert!(matches!(results.as_slice(), [Ok(0), Err(Ended::BrokeOff(_))]), "{results:?}");
    }

    #[test]
    fn dropped_results_stop_the_producer() {
        let produced = scoped(
            2,
            |emit: Emit<'_, u64>| {
                let mut count = 0;
                while emit(count) {
                    count += 1;
                }
                Ok(())
            },
            || |n: u64| n,
            |mut results| results.next().and_then(Result::ok),
        );
        assert_eq!(produced, Some(0));
    }
}
