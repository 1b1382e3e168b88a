//! A map that holds so many and lets go of the oldest.

use std::collections::{HashMap, VecDeque};

/// Values by name; the oldest go when one more than `max` would be held.
#[derive(Debug)]
pub(super) struct Kept<V> {
    all: HashMap<String, V>,
    order: VecDeque<String>,
    max: usize,
}

impl<V: Default> Kept<V> {
    pub(super) fn new(max: usize) -> Self {
        Self { all: HashMap::new(), order: VecDeque::new(), max }
    }

    pub(super) fn get(&self, name: &str) -> Option<&V> {
        self.all.get(name)
    }

    /// The value of that name, made if there is none.
    pub(super) fn entry(&mut self, name: &str) -> &mut V {
        if !self.all.contains_key(name) {
            if self.order.len() >= self.max
                && let Some(oldest) = self.order.pop_front()
            {
                self.all.remove(&oldest);
            }
            self.order.push_back(name.to_owned());
        }
        self.all.entry(name.to_owned()).or_default()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.all.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.all.values_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_and_what_is_said_again_stays_where_it_was() {
        let mut kept = Kept::new(2);
        *kept.entry("a") = 1;
        *kept.entry("b") = 2;
        *kept.entry("a") = 3;
        *kept.entry("c") = 4;
        assert_eq!((kept.get("a"), kept.get("b"), kept.get("c")), (None, Some(&2), Some(&4)));
    }
}
