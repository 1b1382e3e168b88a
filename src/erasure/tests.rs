//! Forgetting somebody, step by step.

use super::{begin, step};
use crate::{db::Write, error::Result, tickets::testing::Desk};
use serde_json::json;

/// A ticket of a person who is not being forgotten is not touched, however often the job runs.
#[tokio::test]
async fn a_job_ends_and_touches_only_what_names_the_person() {
    let desk = Desk::open().await;
    let [dora, emil] = &desk.customers;
    let theirs = desk.ticket(dora, json!({ "subject": "Of dora", "description": "dora" })).await;
    let others = desk.ticket(emil, json!({ "subject": "Of dora", "description": "dora" })).await;
    let (tenant, user) = (dora.tenant, dora.user.unwrap());
    desk.house.write(move |w| begin(w, tenant, user, &["dora".to_owned()])).await;
    let mut steps = 0;
    while desk.house.db.read(super::sql::next).await.unwrap().is_some() {
        desk.house.write(|w: &mut Write<'_>| -> Result<()> { step(w) }).await;
        steps += 1;
        assert!(steps < 100, "the job never ends");
    }
    assert!(steps > 17, "every place was looked at: {steps}");
    let subject = async |id| {
        let found = desk.house.db.read(move |r| crate::tickets::find(r, tenant, id)).await;
        found.unwrap().unwrap().subject
    };
    assert_eq!(subject(theirs.id).await, "Of Deleted user");
    assert_eq!(subject(others.id).await, "Of dora");
}
