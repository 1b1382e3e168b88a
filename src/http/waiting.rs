//! Requests that wait for something to happen, counted, so that nobody waits in all places.

use crate::{
    error::{Error, Result},
    id::UserId,
};
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc, time::Duration};

/// Requests that may wait at the same time; one more is answered 503.
const ALL_MAX: usize = 512;

/// The same of one user; one more is answered 429.
const PER_USER_MAX: usize = 10;

/// How many wait, by user.
#[derive(Debug, Clone, Default)]
pub struct Waiting(Arc<Mutex<HashMap<UserId, usize>>>);

impl Waiting {
    /// A place to wait in; dropping it gives it back.
    ///
    /// # Errors
    /// [`Error::Busy`] when all are taken, [`Error::TooMany`] when `user` has taken enough.
    pub fn take(&self, user: UserId) -> Result<Place> {
        let mut waiting = self.0.lock();
        if waiting.values().sum::<usize>() >= ALL_MAX {
            return Err(Error::Busy(Duration::from_secs(5)));
        }
        let own = waiting.entry(user).or_default();
        if *own >= PER_USER_MAX {
            return Err(Error::TooMany(Duration::from_secs(5)));
        }
        *own += 1;
        Ok(Place { waiting: self.clone(), user })
    }
}

/// Somebody's place among those who wait.
#[derive(Debug)]
pub struct Place {
    waiting: Waiting,
    user: UserId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.waiting.0.lock();
        if let Some(own) = waiting.get_mut(&self.user) {
            *own -= 1;
            if *own == 0 {
                waiting.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn places_are_few_for_one_and_bounded_for_all_and_come_back() {
        let waiting = Waiting::default();
        let user = |n: u128| UserId(Uuid::from_u128(n));
        let mut places: Vec<_> = (0..10).map(|_| waiting.take(user(1)).unwrap()).collect();
        assert!(matches!(waiting.take(user(1)), Err(Error::TooMany(_))));
        places.pop();
        places.push(waiting.take(user(1)).unwrap());
        let other = |n: u128| waiting.take(user(2 + n / 10)).unwrap();
        places.extend((0..502).map(other));
        assert!(matches!(waiting.take(user(999)), Err(Error::Busy(_))));
        drop(places);
        assert!(waiting.0.lock().is_empty());
    }
}
