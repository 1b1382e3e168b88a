//! Statements over articles, their slugs and votes.

use super::{Article, Status, Visibility, rules};
use crate::{
    db::{OnUnique as _, Write},
    error::{Error, Result},
    event::Listener,
    http::page::Paging,
    id::{EntityId, TenantId, UserId},
};
use rusqlite::{Connection, OptionalExtension, Row, named_params};

const COLUMNS: &str = "rid, id, tenant_id, category_id, slug, title, body, excerpt, status,
    visibility, author_id, tags, views, helpful_yes, helpful_no, published_at, version, created_at,
    updated_at, deleted_at";

/// Slugs tried for one title before giving up.
const TRIES: u32 = 1_000;

impl Status {
    /// The word on the wire and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
            Self::Archived => "archived",
        }
    }

    fn read(text: &str) -> Self {
        match text {
            "published" => Self::Published,
            "archived" => Self::Archived,
            _ => Self::Draft,
        }
    }
}

impl Visibility {
    /// The word on the wire and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
        }
    }
}

fn article(row: &Row<'_>) -> Result<Article> {
    let tags: String = row.get(11)?;
    Ok(Article {
        rid: row.get(0)?,
        id: row.get(1)?,
        tenant_id: row.get(2)?,
        category_id: row.get(3)?,
        slug: row.get(4)?,
        title: row.get(5)?,
        body: row.get(6)?,
        excerpt: row.get(7)?,
        status: Status::read(&row.get::<_, String>(8)?),
        visibility: if row.get::<_, String>(9)? == Visibility::Public.name() {
            Visibility::Public
        } else {
            Visibility::Internal
        },
        author_id: row.get(10)?,
        tags: serde_json::from_str(&tags).map_err(Error::internal)?,
        views: row.get(12)?,
        helpful_yes: row.get(13)?,
        helpful_no: row.get(14)?,
        published_at: row.get(15)?,
        version: row.get(16)?,
        created_at: row.get(17)?,
        updated_at: row.get(18)?,
        deleted_at: row.get(19)?,
    })
}

/// A living article of a tenant.
pub(super) fn find(conn: &Connection, tenant: TenantId, id: EntityId) -> Result<Option<Article>> {
    let sql = format!(
        "select {COLUMNS} from kb_articles
         where tenant_id = ?1 and id = ?2 and deleted_at is null"
    );
    conn.prepare_cached(&sql)?.query_and_then((tenant, id), article)?.next().transpose()
}

/// A living article, if `who` may see it: staff see all, customers what is published and public.
///
/// # Errors
/// When the database refuses.
pub fn visible(conn: &Connection, who: &Listener, id: EntityId) -> Result<Option<Article>> {
    let found = find(conn, who.tenant, id)?;
    Ok(found.filter(|article| who.role.is_staff() || article.is_public()))
}

/// The living article that has, or had, this slug.
pub(super) fn by_slug(conn: &Connection, tenant: TenantId, slug: &str) -> Result<Option<Article>> {
    let id: Option<EntityId> = conn
        .prepare_cached("select article_id from kb_slugs where tenant_id = ?1 and slug = ?2")?
        .query_row((tenant, slug), |row| row.get(0))
        .optional()?;
    id.map_or(Ok(None), |id| find(conn, tenant, id))
}

/// What of the articles is asked for.
#[derive(Debug, Default)]
pub(super) struct Filter {
    pub(super) only_public: bool,
    pub(super) status: Option<Status>,
    pub(super) visibility: Option<Visibility>,
    pub(super) category: Option<EntityId>,
    pub(super) tag: Option<String>,
}

/// A page of articles, the last changed first, and how many there are.
pub(super) fn list(
    conn: &Connection,
    tenant: TenantId,
    filter: &Filter,
    paging: Paging,
) -> Result<(Vec<Article>, i64)> {
    const WHERE: &str = "tenant_id = :tenant and deleted_at is null
        and (not :public or (status = 'published' and visibility = 'public'))
        and (:status is null or status = :status)
        and (:visibility is null or visibility = :visibility)
        and (:category is null or category_id = :category)
        and (:tag is null or exists (select 1 from json_each(tags) where value = :tag))";
    let status = filter.status.map(Status::name);
    let visibility = filter.visibility.map(Visibility::name);
    let total = conn
        .prepare_cached(&format!("select count(*) from kb_articles where {WHERE}"))?
        .query_row(
            named_params! {
                ":tenant": tenant, ":public": filter.only_public, ":status": status,
                ":visibility": visibility, ":category": filter.category, ":tag": filter.tag,
            },
            |row| row.get(0),
        )?;
    let sql = format!(
        "select {COLUMNS} from kb_articles where {WHERE}
         order by updated_at desc, rid desc limit :limit offset :offset"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_and_then(
        named_params! {
            ":tenant": tenant, ":public": filter.only_public, ":status": status,
            ":visibility": visibility, ":category": filter.category, ":tag": filter.tag,
            ":limit": paging.limit(), ":offset": paging.offset(),
        },
        article,
    )?;
    Ok((rows.collect::<Result<_>>()?, total))
}

/// A slug that no article of the tenant has or had, and keeps it: the one asked for, which must be
/// free or the article's own, or one from the title.
pub(super) fn free_slug(w: &Write<'_>, article: &Article, asked: Option<&str>) -> Result<String> {
    let mut keep = w.prepare_cached(
        "insert into kb_slugs (tenant_id, slug, article_id) values (?1, ?2, ?3)
         on conflict do nothing",
    )?;
    let mut owner =
        w.prepare_cached("select article_id from kb_slugs where tenant_id = ?1 and slug = ?2")?;
    let mut take = |slug: &str| -> Result<bool> {
        let taken: Option<EntityId> =
            owner.query_row((article.tenant_id, slug), |row| row.get(0)).optional()?;
        if taken.is_none() {
            // The article's row may come after this one: the rule is checked at the commit.
            keep.execute((article.tenant_id, slug, article.id))?;
        }
        Ok(taken.is_none_or(|id| id == article.id))
    };
    if let Some(asked) = asked {
        return if take(asked)? {
            Ok(asked.to_owned())
        } else {
            Err(Error::conflict("slug_taken", "another article has or had that slug"))
        };
    }
    let base = rules::slug_of(&article.title);
    for n in 1..=TRIES {
        let slug = if n == 1 { base.clone() } else { format!("{base}-{n}") };
        if take(&slug)? {
            return Ok(slug);
        }
    }
    Err(Error::conflict("slug_taken", "too many articles with that title: give it a slug"))
}

fn tags(article: &Article) -> Result<String> {
    serde_json::to_string(&article.tags).map_err(Error::internal)
}

/// Stores a new article, and learns its row.
pub(super) fn insert(w: &Write<'_>, a: &mut Article) -> Result<()> {
    w.prepare_cached(
        "insert into kb_articles (id, tenant_id, category_id, slug, title, body, excerpt, status,
           visibility, author_id, tags, published_at, created_at, updated_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13)",
    )?
    .execute((
        a.id,
        a.tenant_id,
        a.category_id,
        &a.slug,
        &a.title,
        &a.body,
        &a.excerpt,
        a.status.name(),
        a.visibility.name(),
        a.author_id,
        tags(a)?,
        a.published_at,
        a.created_at,
    ))
    .on_unique("kb_articles.id", || Error::internal("an id was given out twice"))?;
    a.rid = w.last_insert_rowid();
    Ok(())
}

/// Stores an article as it now is.
pub(super) fn update(w: &Write<'_>, a: &Article) -> Result<()> {
    w.prepare_cached(
        "update kb_articles set category_id = ?3, slug = ?4, title = ?5, body = ?6, excerpt = ?7,
           status = ?8, visibility = ?9, tags = ?10, published_at = ?11, version = ?12,
           updated_at = ?13, deleted_at = ?14
         where tenant_id = ?1 and id = ?2",
    )?
    .execute((
        a.tenant_id,
        a.id,
        a.category_id,
        &a.slug,
        &a.title,
        &a.body,
        &a.excerpt,
        a.status.name(),
        a.visibility.name(),
        tags(a)?,
        a.published_at,
        a.version,
        a.updated_at,
        a.deleted_at,
    ))?;
    Ok(())
}

/// Counts a reading by the public address.
pub(super) fn viewed(w: &Write<'_>, tenant: TenantId, id: EntityId) -> Result<()> {
    w.prepare_cached("update kb_articles set views = views + 1 where tenant_id = ?1 and id = ?2")?
        .execute((tenant, id))?;
    Ok(())
}

/// Stores a vote in place of an earlier one of the same person, and counts anew.
pub(super) fn vote(
    w: &Write<'_>,
    tenant: TenantId,
    (id, user): (EntityId, UserId),
    helpful: bool,
) -> Result<()> {
    w.prepare_cached(
        "insert into kb_votes (article_id, user_id, helpful) values (?1, ?2, ?3)
         on conflict do update set helpful = excluded.helpful",
    )?
    .execute((id, user, helpful))?;
    w.prepare_cached(
        "update kb_articles set
           helpful_yes = (select count(*) from kb_votes where article_id = ?2 and helpful),
           helpful_no = (select count(*) from kb_votes where article_id = ?2 and not helpful)
         where tenant_id = ?1 and id = ?2",
    )?
    .execute((tenant, id))?;
    Ok(())
}

/// All active staff of a tenant.
pub(super) fn staff(conn: &Connection, tenant: TenantId) -> Result<Vec<UserId>> {
    Ok(conn
        .prepare_cached(
            "select id from users where tenant_id = ?1 and role != 'customer' and is_active
               and deleted_at is null",
        )?
        .query_map([tenant], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?)
}
