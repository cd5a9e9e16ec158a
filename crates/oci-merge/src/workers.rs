//! A few plain threads for work that waits on disks and sockets; computing is rayon's.

use std::cmp::Reverse;
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Does something for every item on at most `threads` threads; the results are in the order of the items.
pub(crate) fn for_each<T: Sync, R: Send>(
    items: &[T],
    threads: NonZero<usize>,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    heaviest_first(items, threads, |_| 0, work)
}

/// The same, and the heaviest items begin first; equal ones in their order.
pub(crate) fn heaviest_first<T: Sync, R: Send>(
    items: &[T],
    threads: NonZero<usize>,
    weight: impl Fn(&T) -> u64,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let mut order: Vec<(usize, &T)> = items.iter().enumerate().collect();
    order.sort_by_cached_key(|(_, item)| Reverse(weight(item)));
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(items.len()));
    thread::scope(|scope| {
        for _ in 0..threads.get().min(items.len()) {
            scope.spawn(|| {
                loop {
                    let Some((place, item)) = order.get(next.fetch_add(1, Ordering::Relaxed)).copied() else { return };
                    let result = work(item);
                    results.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((place, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_are_in_the_order_of_the_items() {
        let eight = std::num::NonZero::new(8).unwrap();
        let items: Vec<u64> = (0..50).rev().collect();
        let doubled = super::for_each(&items, eight, |n| {
            std::thread::sleep(std::time::Duration::from_micros(n * 20));
            n * 2
        });
        assert_eq!(doubled, items.iter().map(|n| n * 2).collect::<Vec<_>>());
        let begun = std::sync::Mutex::new(Vec::new());
        let one = std::num::NonZero::<usize>::MIN;
        let same = super::heaviest_first(
            &[3_u64, 9, 5, 9],
            one,
            |n| *n,
            |n| {
                begun.lock().unwrap().push(*n);
                *n
            },
        );
        assert_eq!((same, begun.into_inner().unwrap()), (vec![3, 9, 5, 9], vec![9, 9, 5, 3]));
        assert!(super::for_each(&[] as &[u8], eight, |_| ()).is_empty());
    }
}
