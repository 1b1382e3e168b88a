//! People who are signed in, for the rooms' own tests.

use super::{Visit, login};
use crate::{
    auth::{Role, password},
    http::testing::House,
    id::TenantId,
    users::{self, Hand, New, User},
};
use std::sync::LazyLock;

/// Hashed once: a hash takes longer than a test.
static HASH: LazyLock<String> = LazyLock::new(|| password::hash("correct horse").unwrap());

/// Somebody with a new account, and the value of their `Authorization`.
pub(crate) async fn signed_in(
    house: &House,
    tenant: TenantId,
    (email, role): (&str, Role),
) -> (User, &'static str) {
    let name = email.split('@').next().unwrap();
    let new = New::plain(email, name, role);
    let hand = Hand::of_system(tenant);
    let user = house.write(move |w| users::create(w, &hand, &new, Some(&HASH))).await;
    let sent = login::Credentials::checked(Some(email.into()), Some("correct horse".into()), None);
    let visit = Visit::new([127, 0, 0, 1].into(), "");
    let signed_in = login::login(house, sent.ok().unwrap(), visit).await.ok().unwrap();
    (user, Box::leak(format!("Bearer {}", signed_in.access_token).into_boxed_str()))
}
