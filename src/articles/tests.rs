//! What an article's life looks like from outside: events, audiences, slugs.

use super::*;
use crate::{
    auth::Role,
    db::events_after,
    event::Listener,
    http::testing::House,
    users::{self, Hand, New},
};

struct Desk {
    house: House,
    tenant: TenantId,
    by: Actor,
}

impl Desk {
    async fn new() -> Self {
        let house = House::new();
        let (tenant, by) = house
            .write(|w| {
                let tenant = crate::tenants::create(w, "default")?.id;
                let new = New::plain("ada@example.com", "Ada", Role::Agent);
                let ada = users::create(w, &Hand::of_system(tenant), &new, None)?;
                let by = Actor { id: Some(ada.id), name: ada.name, kind: "user".into() };
                Ok((tenant, by))
            })
            .await;
        Self { house, tenant, by }
    }

    async fn make(&self, wish: Wish) -> Result<Article> {
        let (tenant, by) = (self.tenant, self.by.clone());
        self.house.db.write(move |w| create(w, tenant, &by, &wish)).await
    }

    async fn change(&self, id: EntityId, wish: Wish) -> Result<Article> {
        let (tenant, by) = (self.tenant, self.by.clone());
        self.house.db.write(move |w| change(w, (tenant, id), &by, &wish, None)).await
    }

    /// What a customer of the tenant hears of the log.
    async fn customer_hears(&self) -> Vec<String> {
        let who = Listener { tenant: self.tenant, user: UserId::new(0), role: Role::Customer };
        let page = self.house.db.read(move |r| events_after(r, &who, &[], 0, 100)).await.unwrap();
        page.envelopes.iter().map(|e| e.kind.name().to_owned()).collect()
    }
}

fn titled(title: &str) -> Wish {
    Wish { title: Some(title.into()), body: Some("Turn it off and on.".into()), ..Wish::default() }
}

fn turned(status: Status) -> Wish {
    Wish { status: Some(status), ..Wish::default() }
}

/// Everyone hears of a public article, and of what ends that; nothing of drafts.
#[tokio::test]
async fn customers_hear_of_public_articles_only() {
    let desk = Desk::new().await;
    let draft = desk.make(titled("Paper jams")).await.unwrap();
    desk.change(draft.id, Wish { tags: Some(vec!["printer".into()]), ..Wish::default() })
        .await
        .unwrap();
    assert!(desk.customer_hears().await.is_empty());
    desk.change(draft.id, turned(Status::Published)).await.unwrap();
    desk.change(draft.id, turned(Status::Archived)).await.unwrap();
    desk.change(draft.id, titled("Paper jams, revised")).await.unwrap();
    let internal = Wish {
        visibility: Some(Visibility::Internal),
        status: Some(Status::Published),
        ..titled("Door code")
    };
    desk.make(internal).await.unwrap();
    assert_eq!(
        desk.customer_hears().await,
        ["kb_article.updated", "kb_article.published", "kb_article.updated", "kb_article.archived"]
    );
    desk.house.db.close();
}

#[tokio::test]
async fn nothing_changed_says_nothing() {
    let desk = Desk::new().await;
    let made = desk.make(titled("Paper jams")).await.unwrap();
    let before = desk.house.db.latest_seq();
    let same = desk.change(made.id, titled("Paper jams")).await.unwrap();
    assert_eq!((same.version, desk.house.db.latest_seq()), (made.version, before));
}

/// A slug survives a new title, an old one is never given to another article.
#[tokio::test]
async fn slugs_are_stable_and_never_shared() {
    let desk = Desk::new().await;
    let first = desk.make(titled("Paper jams")).await.unwrap();
    let second = desk.make(titled("Paper jams")).await.unwrap();
    assert_eq!((first.slug.as_str(), second.slug.as_str()), ("paper-jams", "paper-jams-2"));
    let retitled = desk.change(first.id, titled("Jams of paper")).await.unwrap();
    assert_eq!(retitled.slug, "paper-jams");
    let wish = Wish { slug: Some("jams".into()), ..Wish::default() };
    assert_eq!(desk.change(first.id, wish).await.unwrap().slug, "jams");
    let tenant = desk.tenant;
    let old = desk.house.db.read(move |r| sql::by_slug(r, tenant, "paper-jams")).await.unwrap();
    assert_eq!(old.map(|a| a.id), Some(first.id), "the old slug still leads to it");
    let taken = Wish { slug: Some("paper-jams".into()), ..Wish::default() };
    let refused = desk.change(second.id, taken).await;
    assert!(matches!(refused, Err(Error::Conflict { code: "slug_taken", .. })), "{refused:?}");
}

#[tokio::test]
async fn wrong_fields_are_all_named_and_change_nothing() {
    let desk = Desk::new().await;
    let before = desk.house.db.latest_seq();
    let wish = Wish {
        title: Some(" ".into()),
        slug: Some("No!".into()),
        tags: Some(vec!["x".repeat(51)]),
        ..Wish::default()
    };
    let Err(Error::Invalid(fields)) = desk.make(wish).await else { panic!("accepted") };
    let names: Vec<_> = fields.iter().map(|f| f.field.as_str()).collect();
    assert_eq!(names, ["title", "tags", "slug"]);
    let wish = Wish { category_id: Some(Some(EntityId::new(0))), ..titled("A") };
    assert!(matches!(desk.make(wish).await, Err(Error::Invalid(_))));
    assert_eq!(desk.house.db.latest_seq(), before);
}
