//! How an endpoint fares: breaker, cool-down and the long way to being switched off. No clock, no
//! I/O; the state is stored with the endpoint and outlives restarts.

/// Failures in a row that open the breaker.
pub(super) const BREAKER_AFTER: u32 = 5;

/// How long the breaker stays open the first time, and at most, milliseconds.
const OPEN_MS: i64 = 30_000;
const OPEN_MAX_MS: i64 = 600_000;

/// Longest time that an endpoint rests because of what it answered, milliseconds.
const COOL_MAX_MS: i64 = 3_600_000;

/// Failures in a row that are told to people, once until it recovers.
pub(in crate::webhooks) const FAILING_AFTER: u32 = 4;

/// An endpoint is switched off when it has done nothing but fail for so long, in so many attempts.
/// The first and the last failure are then also further apart than the 12 hours of the manual.
const DISABLE_AFTER_MS: i64 = 120 * 3_600_000;
const DISABLE_ATTEMPTS: u32 = 10;

/// People are warned when so much of the way is gone, per cent.
const WARN_AT: [i64; 3] = [50, 70, 90];

/// How an endpoint fares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::webhooks) struct Health {
    /// Failed attempts in a row.
    pub(super) streak: u32,
    /// Whether the last attempt succeeded; an endpoint never tried has yet to prove itself.
    pub(super) is_proven: bool,
    /// How often in a row the breaker opened; 0 while it is closed.
    pub(super) opened: u32,
    /// Until when it is open, milliseconds since the Unix epoch; then one attempt decides.
    pub(super) open_until: Option<i64>,
    /// Until when the endpoint rests, whatever is due.
    pub(super) cool_until: Option<i64>,
    /// Since when every attempt fails.
    pub(super) failing_since: Option<i64>,
    /// The delivery that failed first since then.
    pub(super) failed_first: Option<i64>,
    /// Whether another one failed too: one bad event switches nothing off.
    pub(super) failed_others: bool,
    /// The last warning given, per cent.
    pub(super) warned: i64,
}

/// What one attempt came to, as far as health is concerned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) delivery: i64,
    /// When it began.
    pub(super) at_ms: i64,
    pub(super) is_good: bool,
    /// It said that it is gone for good (410).
    pub(super) is_gone: bool,
    /// How long it should rest.
    pub(super) cool_ms: i64,
}

/// What people should be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::webhooks) enum News {
    /// It fails again and again.
    Failing,
    /// It works again.
    Recovered,
    /// It will be switched off; so much of the way is gone, per cent.
    Warning(i64),
    /// It is to be switched off, because it said that it is gone.
    Gone,
    /// It is to be switched off, because it has failed for too long.
    GivenUp,
}

impl Health {
    /// Notes an attempt that ended at `now`; returns what is new.
    pub(super) fn note(&mut self, seen: &Seen, now: i64) -> Option<News> {
        if seen.is_good {
            let recovered = self.streak >= FAILING_AFTER;
            *self = Self { is_proven: true, ..Self::default() };
            return recovered.then_some(News::Recovered);
        }
        self.streak = self.streak.saturating_add(1);
        self.is_proven = false;
        let since = *self.failing_since.get_or_insert(seen.at_ms);
        self.failed_others |= *self.failed_first.get_or_insert(seen.delivery) != seen.delivery;
        if seen.cool_ms > 0 {
            let until = now.saturating_add(seen.cool_ms.min(COOL_MAX_MS));
            self.cool_until = self.cool_until.max(Some(until));
        }
        self.trip(seen.at_ms, now);
        if seen.is_gone {
            return Some(News::Gone);
        }
        self.judge(now.saturating_sub(since))
    }

    /// Opens the breaker, or opens it again where this attempt was to decide. What was under way
    /// when it opened says nothing new.
    fn trip(&mut self, began_ms: i64, now: i64) {
        let decides = self.open_until.is_some_and(|until| began_ms >= until);
        if decides || (self.opened == 0 && self.streak >= BREAKER_AFTER) {
            let doubled = OPEN_MS << self.opened.min(10);
            self.open_until = Some(now.saturating_add(doubled.min(OPEN_MAX_MS)));
            self.opened = self.opened.saturating_add(1);
        }
    }

    /// What a failure after so long a time of failures means.
    fn judge(&mut self, failing_ms: i64) -> Option<News> {
        let of_time = failing_ms.saturating_mul(100) / DISABLE_AFTER_MS;
        let of_attempts = i64::from(self.streak) * 100 / i64::from(DISABLE_ATTEMPTS);
        let gone = if self.failed_others { of_time.min(of_attempts) } else { 0 };
        if gone >= 100 {
            return Some(News::GivenUp);
        }
        if self.streak == FAILING_AFTER {
            return Some(News::Failing);
        }
        let warn = WARN_AT.into_iter().rev().find(|at| gone >= *at)?;
        (warn > self.warned).then(|| {
            self.warned = warn;
            News::Warning(warn)
        })
    }

    /// Until when nothing may be sent, if that is later than `now`. A wait that is longer than any
    /// that is ever given comes from a clock that was set back, and is over.
    pub(super) fn blocked_until(&self, now: i64) -> Option<i64> {
        let open = self.open_until.filter(|until| until - now <= OPEN_MAX_MS);
        let cool = self.cool_until.filter(|until| until - now <= COOL_MAX_MS);
        open.max(cool).filter(|until| *until > now)
    }

    /// Whether the next attempt is one that decides whether there are others.
    pub(super) fn is_probing(&self) -> bool {
        self.opened > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;
    const BAD: Seen = Seen { delivery: 1, at_ms: 0, is_good: false, is_gone: false, cool_ms: 0 };
    const GOOD: Seen = Seen { is_good: true, ..BAD };

    /// Notes a failure of a delivery that took no time.
    fn fail(health: &mut Health, delivery: i64, at_ms: i64) -> Option<News> {
        health.note(&Seen { delivery, at_ms, ..BAD }, at_ms)
    }

    #[test]
    fn five_failures_in_a_row_open_the_breaker_and_each_failed_probe_doubles_the_wait() {
        let mut health = Health::default();
        for at in 0..4 {
            fail(&mut health, at, at);
            assert_eq!((health.blocked_until(at), health.is_probing()), (None, false));
        }
        fail(&mut health, 5, 100);
        assert_eq!(health.blocked_until(100), Some(30_100));
        // What was under way when it opened changes nothing.
        fail(&mut health, 6, 90);
        assert_eq!(health.blocked_until(100), Some(30_100));
        let mut at = 30_100;
        for seconds in [60, 120, 240, 480, 600, 600, 600] {
            assert_eq!((health.blocked_until(at), health.is_probing()), (None, true));
            fail(&mut health, 7, at);
            assert_eq!(health.blocked_until(at), Some(at + seconds * 1_000));
            at += seconds * 1_000;
        }
        health.note(&GOOD, at);
        assert_eq!(health, Health { is_proven: true, ..Health::default() });
    }

    #[test]
    fn an_endpoint_that_fails_every_other_time_is_never_cut_off() {
        let mut health = Health::default();
        for at in 0..1_000 {
            let is_good = at % 2 == 0;
            assert_eq!(health.note(&Seen { is_good, at_ms: at, delivery: at, ..BAD }, at), None);
            assert_eq!((health.blocked_until(at), health.is_proven), (None, is_good));
        }
    }

    #[test]
    fn failing_is_told_once_until_it_recovers() {
        let mut health = Health::default();
        let told: Vec<_> = (0..9).filter_map(|at| fail(&mut health, at, at)).collect();
        assert_eq!(told, [News::Failing]);
        assert_eq!(health.note(&GOOD, 10), Some(News::Recovered));
        assert_eq!(health.note(&GOOD, 11), None);
        let told: Vec<_> = (0..3).filter_map(|at| fail(&mut health, at, at)).collect();
        assert_eq!((told, health.note(&GOOD, 20)), (vec![], None), "three are nothing to tell");
        let told: Vec<_> = (0..4).filter_map(|at| fail(&mut health, at, at)).collect();
        assert_eq!(told, [News::Failing]);
    }

    #[test]
    fn what_it_answers_cools_it_for_an_hour_at_most_and_never_shortens() {
        let mut health = Health::default();
        health.note(&Seen { cool_ms: 60_000, ..BAD }, 1_000);
        assert_eq!(health.blocked_until(1_000), Some(61_000));
        health.note(&Seen { cool_ms: 5_000, ..BAD }, 2_000);
        assert_eq!(health.blocked_until(2_000), Some(61_000));
        assert_eq!(health.blocked_until(61_000), None);
        health.note(&Seen { cool_ms: 40 * HOUR, ..BAD }, 70_000);
        assert_eq!(health.blocked_until(70_000), Some(70_000 + HOUR));
        // The clock was set back a day: nobody waits a day for that.
        assert_eq!(health.blocked_until(70_000 - 24 * HOUR), None);
    }

    #[test]
    fn it_takes_five_days_and_ten_failures_of_more_than_one_event_to_be_switched_off() {
        // (hours between failures, failures, different deliveries) and when it is switched off.
        for (apart, failures, deliveries, expected) in [
            (10, 20, 5, Some(120)),
            (1, 200, 9, Some(120)),
            (13, 15, 2, Some(130)),
            (40, 15, 2, Some(360)),
            (40, 9, 2, None),
            (1, 119, 9, None),
            (10, 200, 1, None),
        ] {
            let mut health = Health::default();
            let off = (0..failures).find(|n| {
                fail(&mut health, n % deliveries, n * apart * HOUR) == Some(News::GivenUp)
            });
            assert_eq!(off.map(|n| n * apart), expected, "{apart} {failures} {deliveries}");
        }
    }

    #[test]
    fn warnings_come_at_half_of_the_way_at_70_and_at_90_per_cent_once_each() {
        let mut health = Health::default();
        let mut told = Vec::new();
        for hour in 0..=120 {
            told.extend(fail(&mut health, hour, hour * HOUR).map(|news| (hour, news)));
        }
        let expected = [
            (3, News::Failing),
            (60, News::Warning(50)),
            (84, News::Warning(70)),
            (108, News::Warning(90)),
            (120, News::GivenUp),
        ];
        assert_eq!(told, expected);
        // One success in between, and all begins anew.
        let mut health = Health::default();
        for hour in 0..119 {
            fail(&mut health, hour, hour * HOUR);
        }
        health.note(&GOOD, 119 * HOUR);
        assert_eq!(fail(&mut health, 1, 200 * HOUR), None);
        assert_eq!(health.failing_since, Some(200 * HOUR));
    }

    #[test]
    fn gone_is_said_at_once() {
        let mut health = Health { is_proven: true, ..Health::default() };
        assert_eq!(health.note(&Seen { is_gone: true, ..BAD }, 0), Some(News::Gone));
    }
}
