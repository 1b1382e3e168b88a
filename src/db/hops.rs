//! How many webhooks a request has come through, so that two servers that call each other stop.
//!
//! A delivery carries [`HEADER`]. A request that brings it along says so to every event it causes,
//! without any handler knowing: the count travels with the task to the writer.

use std::future::Future;

/// The header of deliveries, and of requests made because of one.
pub const HEADER: &str = "deskbell-hops";

/// Events that have come through so many webhooks are owed to no other.
pub const HOPS_MAX: u8 = 3;

tokio::task_local! {
    static HOPS: u8;
}

/// Runs `task`, whose events have come through `hops` webhooks.
pub async fn with<F: Future>(hops: u8, task: F) -> F::Output {
    if hops == 0 { task.await } else { HOPS.scope(hops, task).await }
}

/// Reads the header: what is no small number has come through too many.
pub fn read(header: &[u8]) -> u8 {
    std::str::from_utf8(header).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(HOPS_MAX)
}

/// The count of the running task.
pub(super) fn current() -> u8 {
    HOPS.try_with(|hops| *hops).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_knows_how_far_its_request_has_come_and_others_do_not() {
        assert_eq!(with(2, async { current() }).await, 2);
        assert_eq!(with(0, async { current() }).await, 0);
        assert_eq!(current(), 0);
        assert_eq!([b"2".as_slice(), b" 1 ", b"-1", b"many", b"999"].map(read), [2, 1, 3, 3, 3]);
    }
}
