//! `/kb/public`, for anybody.
//!
//! Whoever is signed in reads their own tenant, all others the one they name (`?tenant=`); where
//! there is only one it need not be named.

use super::{Article, Listed, Open, sql as shelves};
use crate::{
    articles::{http::for_caller, sql},
    error::{Error, OrNotFound as _, Result},
    http::{
        Answer, Anyone, Caller, Core, May, PathOf, QueryOf, Via, ok, page::Paging,
        permission::ReadArticles,
    },
    id::{EntityId, TenantId},
    search,
    tenants::{self, Tenant},
};
use axum::{
    extract::{RawQuery, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::json;

/// Articles of one answer to a search.
const FOUND_MAX: usize = 25;

/// What a list may be asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    page: Option<i64>,
    per_page: Option<i64>,
    category_id: Option<EntityId>,
    q: Option<String>,
    tenant: Option<String>,
}

/// Whose knowledge base an article is read in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whose {
    tenant: Option<String>,
}

/// Somebody who reads, and where.
struct Reader {
    tenant: Tenant,
    /// Only where it is their own tenant.
    who: Option<Caller>,
}

impl Reader {
    /// # Errors
    /// 403 for a program that may not read articles, 404 for a tenant that is not there or sleeps,
    /// 409 `tenant_required`.
    async fn of(core: &Core, anyone: Anyone, named: Option<String>) -> Result<Self> {
        let who = match anyone.0 {
            Some(caller) => Some(May::<ReadArticles>::judge(caller)?.clone()),
            None => None,
        };
        let own = who.as_ref().map(|caller| caller.tenant);
        let tenant = core.db.read(move |r| match (named, own) {
            (Some(name), _) => tenants::sql::find_by_name(r, name.trim())?.or_not_found("tenant"),
            (None, Some(own)) => tenants::sql::find(r, own)?.or_not_found("tenant"),
            (None, None) => match tenants::sql::only(r)? {
                Some(only) => Ok(only),
                None => Err(Error::conflict(
                    "tenant_required",
                    "there are several organisations here: name one as tenant",
                )),
            },
        });
        let tenant = Some(tenant.await?).filter(|t| t.is_active).or_not_found("tenant")?;
        let who = who.filter(|caller| caller.tenant == tenant.id);
        Ok(Self { tenant, who })
    }
}

/// `GET /kb/public`: the public articles of a tenant, the last changed first, or with `q` the best
/// matches. `meta` has the tenant's name and the categories with what stands in them.
///
/// # Errors
/// 404, 409 `tenant_required`, 422 for a filter that cannot be read.
pub async fn list(
    State(core): State<Core>,
    anyone: Anyone,
    QueryOf(asked): QueryOf<Asked>,
) -> Answer<Vec<Listed>> {
    let paging = Paging::new(asked.page, asked.per_page)?;
    let typed = asked.q.map(|q| q.trim().to_owned()).filter(|q| !q.is_empty());
    if typed.as_ref().is_some_and(|q| q.len() > search::TEXT_MAX) {
        return Err(Error::field("q", format!("must be 1 to {} bytes", search::TEXT_MAX)));
    }
    let tenant = Reader::of(&core, anyone, asked.tenant).await?.tenant;
    let (id, category) = (tenant.id, asked.category_id);
    let read = core.db.read(move |r| {
        let shelves = shelves::shelves(r, id)?;
        if let Some(typed) = typed {
            let mut found = Vec::new();
            for (article, snippet) in search::public_articles(r, id, &typed, FOUND_MAX)? {
                // Between two statements it may have been withdrawn.
                let article = sql::find(r, id, article)?.filter(Article::is_public);
                let fits = |a: &Article| category.is_none() || a.category_id == category;
                found.extend(article.filter(fits).map(|a| Listed::of(a, Some(snippet))));
            }
            let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
            return Ok((found, total, shelves));
        }
        let filter = sql::Filter { only_public: true, category, ..sql::Filter::default() };
        let (rows, total) = sql::list(r, id, &filter, paging)?;
        Ok((rows.into_iter().map(|a| Listed::of(a, None)).collect(), total, shelves))
    });
    let (found, total, shelves) = read.await?;
    let mut meta = paging.meta(total);
    if let Some(meta) = meta.as_object_mut() {
        meta.insert("tenant".into(), json!(tenant.name));
        meta.insert("categories".into(), json!(shelves));
    }
    Ok(ok(found).with_meta(meta))
}

/// `GET /kb/public/{slug}`: an article by its slug; an old slug redirects to the present one.
///
/// A reading is counted for people, not for programs. The people of the tenant get the whole
/// article, all others what they may know of it.
///
/// # Errors
/// 404 for what the caller may not read, 409 `tenant_required`.
pub async fn read(
    State(core): State<Core>,
    anyone: Anyone,
    PathOf(slug): PathOf<String>,
    QueryOf(whose): QueryOf<Whose>,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let Reader { tenant, who } = Reader::of(&core, anyone, whose.tenant).await?;
    let meta = json!({ "tenant": tenant.name });
    let (tenant, asked) = (tenant.id, slug.clone());
    let found = core.db.read(move |r| sql::by_slug(r, tenant, &asked)).await?;
    let article = match &who {
        Some(caller) => for_caller(found, caller)?,
        None => found.filter(Article::is_public).or_not_found("article")?,
    };
    if article.slug != slug {
        return moved(&article.slug, query.as_deref());
    }
    if !who.as_ref().is_some_and(|caller| matches!(caller.via, Via::ApiToken(_))) {
        count(&core, tenant, article.id).await?;
    }
    Ok(match who {
        Some(_) => ok(article).with_meta(meta).into_response(),
        None => ok(Open::from(article)).with_meta(meta).into_response(),
    })
}

fn moved(slug: &str, query: Option<&str>) -> Result<Response> {
    let mut moved = StatusCode::PERMANENT_REDIRECT.into_response();
    // A slug is letters, digits and hyphens, so it needs no escaping; the query came escaped.
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let to = HeaderValue::try_from(format!("/api/v1/kb/public/{slug}{query}"));
    moved.headers_mut().insert(header::LOCATION, to.map_err(Error::internal)?);
    Ok(moved)
}

/// A count is not worth an error: a busy writer means one reading less.
async fn count(core: &Core, tenant: TenantId, id: EntityId) -> Result<()> {
    match core.db.write(move |w| sql::viewed(w, tenant, id)).await {
        Ok(()) | Err(Error::Busy(_) | Error::Full) => Ok(()),
        Err(e) => Err(e),
    }
}
