//! Threads: one pool for the process, and loops over pieces of work whose results do not depend on the number of threads.
//!
//! Nothing here sums floating-point numbers. A piece of work writes to its own place; whoever needs a sum takes it
//! afterwards, in the order of the pieces.

use rayon::prelude::*;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// More threads than any machine has cores for would only wait for each other.
const MOST_THREADS: usize = 1024;

/// Runs `job` inside a pool of `threads` threads (0: one for each core). Loops inside it use that pool.
///
/// The whole of a simulation runs inside one such call, so that the loops' own bookkeeping needs no allocation.
pub fn with_threads<R: Send>(threads: usize, job: impl FnOnce() -> R + Send) -> Result<R, String> {
    if threads > MOST_THREADS {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        return Err(format!(
            "{threads} threads are too many for {cores} cores; at most {MOST_THREADS} are started"
        ));
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|i| format!("zundel-{i}"))
        .build()
        .map_err(|e| format!("cannot start {threads} threads: {e}"))?;
    Ok(pool.install(job))
}

/// The number of threads that loops use here.
pub fn threads() -> usize {
    rayon::current_num_threads()
}

/// Calls `work(i)` for every piece, on all threads. Falls back to a plain loop when there is one piece or one thread.
pub fn for_each(pieces: usize, work: impl Fn(usize) + Sync + Send) {
    if pieces <= 1 || threads() == 1 {
        (0..pieces).for_each(work);
    } else {
        (0..pieces).into_par_iter().with_max_len(1).for_each(work);
    }
}

/// Calls `work(i, &mut items[i])` for every item, on all threads.
pub fn for_each_mut<T: Send>(items: &mut [T], work: impl Fn(usize, &mut T) + Sync + Send) {
    if items.len() <= 1 || threads() == 1 {
        items.iter_mut().enumerate().for_each(|(i, t)| work(i, t));
    } else {
        items
            .par_iter_mut()
            .with_max_len(1)
            .enumerate()
            .for_each(|(i, t)| work(i, t));
    }
}

/// Scratch memory for each thread of the pool, made on first use and kept.
pub struct PerThread<T>(Vec<Mutex<T>>);

impl<T> Default for PerThread<T> {
    fn default() -> Self {
        PerThread(Vec::new())
    }
}

impl<T: Default> PerThread<T> {
    /// Makes sure that there is a slot for each thread; call before the loop.
    pub fn prepare(&mut self) {
        while self.0.len() < threads() {
            self.0.push(Mutex::new(T::default()));
        }
    }

    /// The slot of the calling thread. Never contended, since a thread runs one piece of work at a time.
    pub fn get(&self) -> MutexGuard<'_, T> {
        let i = rayon::current_thread_index()
            .unwrap_or(0)
            .min(self.0.len().saturating_sub(1));
        self.0[i].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A slice whose elements are handed to pieces of work that promise to touch disjoint parts.
///
/// Used where the parts are known only through tables (chunk offsets), so that the borrow checker cannot see it.
pub struct Disjoint<T>(*mut T, usize);

// SAFETY: access goes through `range`, whose callers promise disjoint ranges, so no element is ever shared.
unsafe impl<T: Send> Sync for Disjoint<T> {}
// SAFETY: as above; the pointer comes from an exclusive borrow that outlives the loop.
unsafe impl<T: Send> Send for Disjoint<T> {}

impl<T> Disjoint<T> {
    /// Wraps a slice for the duration of a loop.
    pub fn new(items: &mut [T]) -> Self {
        Disjoint(items.as_mut_ptr(), items.len())
    }

    /// The elements `start..start + len`.
    ///
    /// # Safety
    /// While the returned slice lives, no other call may return an overlapping range, and the wrapped slice must outlive it.
    ///
    /// # Panics
    /// When the range lies outside the slice.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn range(&self, start: usize, len: usize) -> &mut [T] {
        assert!(
            start.checked_add(len).is_some_and(|end| end <= self.1),
            "range outside the slice"
        );
        // SAFETY: inside the slice by the assertion; disjoint by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(start), len) }
    }
}
