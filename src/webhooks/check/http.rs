//! `POST /webhooks/check`, for administrators (`ManageWebhooks`).

use super::{Found, look};
use crate::{
    error::Error,
    http::{Answer, Lenient, May, ok, permission::ManageWebhooks},
    webhooks::engine::Engine,
};
use axum::extract::State;
use serde::Deserialize;
use std::time::Duration;

/// What is to be looked at.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    url: Option<String>,
}

/// `POST /webhooks/check`: whether a URL would be called, and the rule that refuses it. A refusal
/// is an answer, not an error.
///
/// # Errors
/// 422 without a URL; 503 when too many are being looked at.
pub async fn check(
    State(engine): State<Engine>,
    _who: May<ManageWebhooks>,
    Lenient(wish): Lenient<Wish>,
) -> Answer<Found> {
    let url = wish.url.ok_or_else(|| Error::field("url", "is required"))?;
    let busy = |_| Error::Busy(Duration::from_secs(1));
    let _turn = engine.tests.try_acquire().map_err(busy)?;
    let looking = engine.clone();
    let found = tokio::task::spawn_blocking(move || look(&looking.guard, &looking.poster, &url));
    found.await.map_err(Error::internal).map(ok)
}
