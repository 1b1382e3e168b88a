//! Lists by pages: `?page=1&per_page=25`, answered with `meta{page, per_page, total, total_pages}`.
//!
//! A query with filters names both numbers itself, so that a parameter that means nothing is still
//! refused: `page: Option<i64>, per_page: Option<i64>`, then [`Paging::new`]. One without is
//! [`Asked`].

use crate::error::{Checks, Result};
use serde::Deserialize;
use serde_json::{Value, json};

/// Rows of a page when nothing is asked for.
const PER_PAGE: i64 = 25;

/// Most rows of a page.
const PER_PAGE_MAX: i64 = 200;

/// Highest page: what lies further back is found by a filter.
const PAGE_MAX: i64 = 100_000;

/// The query of a list that has pages and no filters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Asked {
    /// The page that was asked for.
    ///
    /// # Errors
    /// As [`Paging::new`].
    pub fn paging(self) -> Result<Paging> {
        Paging::new(self.page, self.per_page)
    }
}

/// One page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    page: i64,
    per_page: i64,
}

impl Paging {
    /// The page that was asked for; the first of 25 rows unless said.
    ///
    /// # Errors
    /// 422 naming the number that is out of bounds.
    pub fn new(page: Option<i64>, per_page: Option<i64>) -> Result<Self> {
        let paging = Self { page: page.unwrap_or(1), per_page: per_page.unwrap_or(PER_PAGE) };
        let mut checks = Checks::new();
        if !(1..=PAGE_MAX).contains(&paging.page) {
            checks.fail("page", format!("must be 1 to {PAGE_MAX}"));
        }
        if !(1..=PER_PAGE_MAX).contains(&paging.per_page) {
            checks.fail("per_page", format!("must be 1 to {PER_PAGE_MAX}"));
        }
        checks.done()?;
        Ok(paging)
    }

    /// Most rows to read (`limit`).
    pub fn limit(self) -> i64 {
        self.per_page
    }

    /// Rows to pass over first (`offset`).
    pub fn offset(self) -> i64 {
        (self.page - 1) * self.per_page
    }

    /// What stands beside a list of which there are `total` rows in all.
    pub fn meta(self, total: i64) -> Value {
        json!({
            "page": self.page,
            "per_page": self.per_page,
            "total": total,
            "total_pages": (total + self.per_page - 1) / self.per_page,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn pages_begin_at_one_and_the_last_may_be_short() {
        let paging = Paging::new(Some(3), Some(10)).unwrap();
        assert_eq!((paging.limit(), paging.offset()), (10, 20));
        for (total, pages) in [(0, 0), (1, 1), (10, 1), (11, 2), (20, 2)] {
            assert_eq!(paging.meta(total)["total_pages"], pages, "{total}");
        }
        let first = Paging::new(None, None).unwrap().meta(0);
        assert_eq!(first, json!({ "page": 1, "per_page": 25, "total": 0, "total_pages": 0 }));
    }

    /// Every number that is out of bounds is named.
    #[test]
    fn numbers_out_of_bounds_are_refused() {
        let wrong = |page, per_page| match Paging::new(Some(page), Some(per_page)) {
            Err(Error::Invalid(fields)) => fields.into_iter().map(|f| f.field).collect(),
            _ => Vec::new(),
        };
        assert_eq!(wrong(0, 201), ["page", "per_page"]);
        assert_eq!(wrong(-1, 25), ["page"]);
        assert_eq!(wrong(i64::MAX, 25), ["page"]);
        assert_eq!(wrong(1, 0), ["per_page"]);
        assert!(wrong(PAGE_MAX, PER_PAGE_MAX).is_empty());
    }
}
