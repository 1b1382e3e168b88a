//! How often a login may fail: bounded by who tries from where, never by the account alone, so that
//! nobody can lock an administrator out.

use std::{
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

/// Failures older than this do not count.
pub const WINDOW_MS: i64 = 60_000;

/// Failures a minute for one account from one address.
const PER_ACCOUNT_AT_ADDRESS: u32 = 5;

/// Failures a minute from one address, whatever the account.
const PER_ADDRESS: u32 = 30;

/// An account under attack from many addresses answers more slowly, up to this.
const DELAY_MAX: Duration = Duration::from_secs(2);

/// What failures are counted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// This account from this address.
    pub account_at_address: String,
    /// This address.
    pub address: String,
    /// This account from anywhere.
    pub account: String,
}

impl Keys {
    /// An IPv6 address counts with its whole /64: one household has that many.
    pub fn new(email: &str, address: IpAddr) -> Self {
        let email = email.to_lowercase();
        let address = match address {
            IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                Some(v4) => v4.to_string(),
                None => {
                    let net = u128::from(v6) >> 64 << 64;
                    format!("{}/64", Ipv6Addr::from(net))
                }
            },
            IpAddr::V4(v4) => v4.to_string(),
        };
        Self {
            account_at_address: format!("both:{address}:{email}"),
            account: format!("account:{email}"),
            address: format!("address:{address}"),
        }
    }
}

/// Failures within the last [`WINDOW_MS`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Of this account from this address.
    pub account_at_address: u32,
    /// From this address.
    pub address: u32,
    /// Of this account from anywhere.
    pub account: u32,
}

impl Counts {
    /// Whether another try is refused for now.
    pub fn refuses(self) -> bool {
        self.account_at_address >= PER_ACCOUNT_AT_ADDRESS || self.address >= PER_ADDRESS
    }

    /// How long the next try is made to wait.
    pub fn delay(self) -> Duration {
        match self.account {
            0..10 => Duration::ZERO,
            many => (Duration::from_millis(100) * (many - 9)).min(DELAY_MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_for_an_account_or_thirty_from_an_address_are_enough() {
        let counts = |both, address, account| Counts { account_at_address: both, address, account };
        assert!(!counts(4, 29, 0).refuses());
        assert!(counts(5, 0, 0).refuses());
        assert!(counts(0, 30, 0).refuses());
        assert!(!counts(0, 0, 10_000).refuses(), "an account alone is never locked");
        assert_eq!(counts(0, 0, 9).delay(), Duration::ZERO);
        assert_eq!(counts(0, 0, 10_000).delay(), DELAY_MAX);
    }

    #[test]
    fn an_ipv6_neighbourhood_counts_as_one_address() {
        let key = |text: &str| Keys::new("A@b.c", text.parse().unwrap()).address;
        assert_eq!(key("2001:db8:1:2::3"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::3"), key("2001:db8:1:3::3"));
        assert_eq!(key("::ffff:10.0.0.1"), key("10.0.0.1"));
        assert_eq!(
            Keys::new("A@b.c", [1, 2, 3, 4].into()),
            Keys::new("a@B.C", [1, 2, 3, 4].into())
        );
    }
}
