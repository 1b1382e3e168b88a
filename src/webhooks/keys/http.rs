//! `POST /webhooks/{id}/rotate-secret`, for administrators (`ManageWebhooks`).

use super::{HOUR_MS, KEEP_HOURS, KEEP_HOURS_MAX, open_old, rotated, seal_old, sql};
use crate::{
    error::{Checks, OrNotFound as _},
    http::{Answer, Lenient, May, PathOf, ok, permission::ManageWebhooks},
    time,
    webhooks::{check_secret, engine::Engine, sign},
};
use axum::extract::State;
use serde::{Deserialize, Serialize};

/// What may be said about a rotation.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    secret: Option<String>,
    keep_hours: Option<u32>,
}

/// The new secret, shown this once.
#[derive(Debug, Serialize)]
pub struct Rotated {
    secret: String,
    /// How many keys sign from now on, this one included.
    keys: usize,
    /// When the last of the old ones ends; none when there is none.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    old_until: Option<i64>,
}

/// `POST /webhooks/{id}/rotate-secret`: another secret; the old one goes on for `keep_hours`.
///
/// # Errors
/// 404; 422 for a secret that cannot be used and for hours beyond a week.
pub async fn rotate(
    State(engine): State<Engine>,
    who: May<ManageWebhooks>,
    PathOf(id): PathOf<i64>,
    Lenient(wish): Lenient<Wish>,
) -> Answer<Rotated> {
    let hours = wish.keep_hours.unwrap_or(KEEP_HOURS);
    let mut checks = Checks::new();
    checks.check(hours <= KEEP_HOURS_MAX, "keep_hours", "must be 0 to 168");
    let chosen = wish.secret.filter(|secret| !secret.is_empty());
    check_secret(chosen.as_deref(), &mut checks);
    checks.done()?;
    let secret = chosen.map_or_else(sign::generate_secret, Ok)?;
    let (tenant, db, keep_ms) = (who.tenant, engine.db.clone(), i64::from(hours) * HOUR_MS);
    let job = db.write(move |w| {
        let (present, old) = sql::find(w, tenant, id)?.or_not_found("webhook")?;
        let replaced = engine.secrets.open(&present, &id.to_be_bytes())?;
        let old = open_old(&engine.secrets, id, old.as_deref())?;
        let old = rotated(old, replaced, (w.now, keep_ms));
        let sealed = engine.secrets.seal(&secret, &id.to_be_bytes())?;
        let sealed_old = seal_old(&engine.secrets, id, &old)?;
        sql::put(w, (tenant, id), &sealed, sealed_old.as_deref())?;
        let changed = engine.clone();
        w.after_commit(move || changed.endpoint_changed(id));
        let old_until = old.iter().map(|old| old.until).max();
        Ok(Rotated { secret: secret.clone(), keys: 1 + old.len(), old_until })
    });
    job.await.map(ok)
}
