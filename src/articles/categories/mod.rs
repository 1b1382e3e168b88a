//! Categories of the knowledge base: a name and a place in the list.

pub mod http;
pub(super) mod sql;

use crate::{
    db::Write,
    error::{Checks, Error, Result},
    id::{EntityId, TenantId},
    time,
};
use serde::{Deserialize, Serialize};

/// Most categories of one tenant.
const CATEGORIES_MAX: i64 = 200;

/// A category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Category {
    /// Its id.
    pub id: EntityId,
    tenant_id: TenantId,
    name: String,
    position: i64,
    version: i64,
    #[serde(serialize_with = "time::as_rfc3339")]
    created_at: i64,
    #[serde(serialize_with = "time::as_rfc3339")]
    updated_at: i64,
}

/// What can be said about a category.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    name: Option<String>,
    position: Option<i64>,
    version: Option<i64>,
}

/// Makes a category.
///
/// # Errors
/// 409 `category_exists` or `too_many_categories`; 422 naming every wrong field.
pub fn create(w: &Write<'_>, tenant: TenantId, wish: &Wish) -> Result<Category> {
    if i64::try_from(sql::all(w, tenant)?.len()).unwrap_or(i64::MAX) >= CATEGORIES_MAX {
        return Err(Error::conflict("too_many_categories", "there are 200 already"));
    }
    let mut category = Category {
        id: EntityId::new(w.now),
        tenant_id: tenant,
        name: String::new(),
        position: 0,
        version: 1,
        created_at: w.now,
        updated_at: w.now,
    };
    wish.apply(&mut category)?;
    sql::put(w, &category)?;
    Ok(category)
}

impl Wish {
    fn apply(&self, category: &mut Category) -> Result<()> {
        if let Some(name) = &self.name {
            name.trim().clone_into(&mut category.name);
        }
        category.position = self.position.unwrap_or(category.position);
        let mut checks = Checks::new();
        let length = category.name.chars().count();
        checks.check((1..=100).contains(&length), "name", "must be 1 to 100 characters");
        let plain = !category.name.contains(char::is_control);
        checks.check(plain, "name", "must be one line of plain text");
        let position = (0..=10_000).contains(&category.position);
        checks.check(position, "position", "must be 0 to 10000");
        checks.done()
    }
}
