//! What an article may be, and how its slug comes from its title.

use super::{Article, Status, Visibility, Wish};
use crate::{
    error::{Checks, Result},
    event::Kind,
    id::{EntityId, TenantId, UserId},
    notifications::{Type, words},
};

/// Longest title, excerpt and body: characters, characters, bytes.
const TITLE_MAX: usize = 255;
const EXCERPT_MAX: usize = 500;
const BODY_MAX: usize = 256 << 10;

/// Most tags, and the longest one, characters.
const TAGS_MAX: usize = 30;
const TAG_MAX: usize = 50;

/// Longest slug, bytes.
const SLUG_MAX: usize = 100;

/// An article nobody has written anything in.
pub(super) fn fresh(tenant: TenantId, author: UserId, now: i64) -> Article {
    Article {
        id: EntityId::new(now),
        tenant_id: tenant,
        category_id: None,
        slug: String::new(),
        title: String::new(),
        body: String::new(),
        excerpt: String::new(),
        status: Status::Draft,
        visibility: Visibility::Public,
        author_id: author,
        tags: Vec::new(),
        views: 0,
        helpful_yes: 0,
        helpful_no: 0,
        published_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
        deleted_at: None,
        rid: 0,
    }
}

/// Puts what is wished for into the article.
///
/// # Errors
/// 422 naming every wrong field.
pub(super) fn apply(article: &mut Article, wish: &Wish) -> Result<()> {
    let mut checks = Checks::new();
    if let Some(title) = &wish.title {
        title.trim().clone_into(&mut article.title);
    }
    let title = article.title.chars().count();
    checks.check((1..=TITLE_MAX).contains(&title), "title", "must be 1 to 255 characters");
    let plain = !article.title.contains(char::is_control);
    checks.check(plain, "title", "must be one line of plain text");
    if let Some(body) = &wish.body {
        checks.check(body.len() <= BODY_MAX, "body", "is larger than 256 KiB");
        checks.check(!body.contains('\0'), "body", "must not contain a NUL character");
        article.body.clone_from(body);
    }
    if let Some(excerpt) = &wish.excerpt {
        let length = excerpt.chars().count();
        checks.check(length <= EXCERPT_MAX, "excerpt", "is over 500 characters");
        checks.check(!excerpt.contains('\0'), "excerpt", "must not contain a NUL character");
        article.excerpt.clone_from(excerpt);
    }
    if let Some(tags) = &wish.tags {
        article.tags = clean(tags);
        let fit = article.tags.len() <= TAGS_MAX
            && article
                .tags
                .iter()
                .all(|tag| tag.chars().count() <= TAG_MAX && !tag.contains(char::is_control));
        checks.check(fit, "tags", "must be at most 30 tags of at most 50 plain characters");
    }
    if let Some(slug) = &wish.slug {
        checks.check(
            is_slug(slug),
            "slug",
            "must be a-z and 0-9 with single hyphens between, at most 100 characters",
        );
    }
    if let Some(category) = wish.category_id {
        article.category_id = category;
    }
    article.visibility = wish.visibility.unwrap_or(article.visibility);
    article.status = wish.status.unwrap_or(article.status);
    checks.done()
}

/// Tags without blanks around them, without empty ones and without doubles.
fn clean(tags: &[String]) -> Vec<String> {
    let mut clean: Vec<String> = Vec::new();
    for tag in tags.iter().map(|tag| tag.trim()).filter(|tag| !tag.is_empty()) {
        if !clean.iter().any(|known| known == tag) {
            clean.push(tag.to_owned());
        }
    }
    clean
}

fn is_slug(text: &str) -> bool {
    text.len() <= SLUG_MAX
        && !text.is_empty()
        && text.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

/// A slug from a title: letters and digits of ASCII, the rest becomes single hyphens.
pub(super) fn slug_of(title: &str) -> String {
    let mut slug = String::new();
    for c in title.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= SLUG_MAX - 10 {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { String::from("article") } else { slug.to_owned() }
}

/// Words of a title and of who did it.
type Words = fn(&str, &str) -> String;

/// Which notification an event rings, and in which words.
pub(super) fn notice(kind: &Kind) -> Option<(Type, Words)> {
    match kind {
        Kind::KbArticleCreated => Some((Type::KbArticleCreated, words::kb_article_created)),
        Kind::KbArticleUpdated => Some((Type::KbArticleUpdated, words::kb_article_updated)),
        Kind::KbArticleDeleted => Some((Type::KbArticleDeleted, words::kb_article_deleted)),
        Kind::KbArticlePublished => Some((Type::KbArticlePublished, words::kb_article_published)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_come_from_titles_and_are_slugs() {
        let long = "x".repeat(300);
        let table = [
            ("Loading a label roll", "loading-a-label-roll"),
            ("  What's NEW?! (2026) ", "what-s-new-2026"),
            ("Ünïcödé", "n-c-d"),
            ("日本語", "article"),
            ("--", "article"),
            (long.as_str(), &long[..90]),
        ];
        for (title, expected) in table {
            assert_eq!(slug_of(title), expected, "{title}");
            assert!(is_slug(&slug_of(title)), "{title}");
        }
        for bad in ["", "-", "a-", "-a", "a--b", "A", "a b", "ä", &long] {
            assert!(!is_slug(bad), "{bad}");
        }
    }
}
