//! The schema, brought up to date at start: forward only, one transaction each, a backup first.

use super::{OpenError, backup, connect::APPLICATION_ID};
use rusqlite::Connection;
use std::path::Path;

/// Migration `n` stands at index `n - 1`; `user_version` is the number of the last one applied.
pub(super) const EMBEDDED: &[&str] = &[
    include_str!("../../migrations/0001_house.sql"),
    include_str!("../../migrations/0002_tickets.sql"),
    include_str!("../../migrations/0003_conversation.sql"),
    include_str!("../../migrations/0004_knowledge.sql"),
    include_str!("../../migrations/0005_notifications.sql"),
    include_str!("../../migrations/0006_delivery_engine.sql"),
    include_str!("../../migrations/0007_replay.sql"),
    include_str!("../../migrations/0008_invitations_and_erasures.sql"),
    include_str!("../../migrations/0009_search_by_kind.sql"),
    include_str!("../../migrations/0010_agents.sql"),
    include_str!("../../migrations/0011_calls.sql"),
    include_str!("../../migrations/0012_chats.sql"),
    include_str!("../../migrations/0013_pbx.sql"),
    include_str!("../../migrations/0014_board.sql"),
    include_str!("../../migrations/0015_open_offers.sql"),
];

/// Applies what is missing.
///
/// # Errors
/// [`OpenError::Newer`] for a schema this program does not know; [`OpenError::Bad`] for somebody
/// else's database; whatever went wrong else, and then that migration changed nothing.
pub(super) fn run(
    conn: &mut Connection,
    folder: &Path,
    migrations: &[&str],
    now_ms: i64,
) -> Result<(), OpenError> {
    let found = judge(conn, migrations)?;
    for (number, sql) in (1..).zip(migrations).skip(found as usize) {
        // A database that is being made has nothing to lose yet.
        if found > 0 {
            let to = backup::before_migration(conn, folder, number, now_ms)?;
            tracing::info!(number, backup = %to.display(), "backup made before a migration");
        }
        let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Exclusive)?;
        tx.execute_batch(sql)?;
        let broken: i64 =
            tx.query_row("select count(*) from pragma_foreign_key_check", [], |row| row.get(0))?;
        if broken > 0 {
            let why = format!("migration {number} would leave {broken} rows without their parent");
            return Err(OpenError::Bad(why));
        }
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", number)?;
        tx.commit()?;
    }
    Ok(())
}

/// Whether this program may use the database; answers its schema. Only reads.
///
/// # Errors
/// [`OpenError::Newer`] and [`OpenError::Bad`] as [`run`].
pub(super) fn judge(conn: &Connection, migrations: &[&str]) -> Result<u32, OpenError> {
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    let found: u32 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let owner: i32 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 = conn.query_row("select count(*) from sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 && owner != APPLICATION_ID {
        return Err(OpenError::Bad("it was not made by Deskbell".into()));
    }
    if found > known {
        return Err(OpenError::Newer(found, known));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::Synchronous,
        db::connect::{for_reading, for_writing},
    };

    fn open(folder: &Path) -> Connection {
        for_writing(&folder.join("deskbell.db"), Synchronous::Full).unwrap()
    }

    #[test]
    fn the_bundled_sqlite_is_new_enough() {
        // WAL-reset corruption before 3.51.3, FTS5 memory bugs before 3.53.2.
        assert!(rusqlite::version_number() >= 3_053_002, "{}", rusqlite::version());
    }

    #[test]
    fn every_migration_after_the_first_leaves_a_verified_backup() {
        let folder = crate::test_folder();
        let first = "create table notes (text text not null) strict;";
        let second = "alter table notes add column at integer;";
        let mut conn = open(folder.path());
        run(&mut conn, folder.path(), &[first], 0).unwrap();
        conn.execute("insert into notes values ('kept')", []).unwrap();
        run(&mut conn, folder.path(), &[first, second], 1).unwrap();
        let backups: Vec<_> =
            std::fs::read_dir(folder.path().join("backups")).unwrap().flatten().collect();
        assert_eq!(backups.len(), 1);
        let old = for_reading(&backups[0].path().join("deskbell.db")).unwrap();
        let (version, text): (u32, String) = old
            .query_row(
                "select (select user_version from pragma_user_version), text from notes",
                [],
                |r| Ok((r.get(0)?, r.get(1)?)),
            )
            .unwrap();
        assert_eq!((version, text.as_str()), (1, "kept"));
        let at: Option<i64> = conn.query_row("select at from notes", [], |r| r.get(0)).unwrap();
        assert_eq!(at, None);
    }

    /// What was found before search knew kinds is found by its kind after.
    #[test]
    fn old_rows_of_the_text_index_learn_their_kind() {
        let folder = crate::test_folder();
        let mut conn = open(folder.path());
        let (old, _) = EMBEDDED.split_at(5);
        run(&mut conn, folder.path(), old, 0).unwrap();
        conn.execute_batch(
            "insert into search_docs values (7, 1, 70), (8, 3, 80);
             insert into search_open (rowid, who, title, body) values (7, 't0 u1 u2', 'Old', '');
             insert into search_internal (rowid, who, title, body) values (8, 't0', '', 'note');",
        )
        .unwrap();
        run(&mut conn, folder.path(), EMBEDDED, 1).unwrap();
        let found = |table: &str, query: &str| -> i64 {
            let sql = format!("select coalesce(max(rowid), 0) from {table} where {table} match ?1");
            conn.query_row(&sql, [query], |row| row.get(0)).unwrap()
        };
        for who in ["t0k1", "u1k1", "u2k1"] {
            assert_eq!(found("search_open", &format!("who : {who} AND title : old")), 7, "{who}");
        }
        assert_eq!(found("search_internal", "who : t0k3 AND body : note"), 8);
        assert_eq!((found("search_open", "u1"), found("search_internal", "t0")), (0, 0));
    }

    #[test]
    fn a_failed_migration_changes_nothing() {
        let folder = crate::test_folder();
        let mut conn = open(folder.path());
        let broken = "create table a (x) strict;";
        assert!(run(&mut conn, folder.path(), &[broken], 0).is_err());
        let tables: i64 =
            conn.query_row("select count(*) from sqlite_schema", [], |r| r.get(0)).unwrap();
        assert_eq!(tables, 0);
    }

    #[test]
    fn a_newer_schema_and_somebody_elses_database_are_refused() {
        let folder = crate::test_folder();
        let mut conn = open(folder.path());
        run(&mut conn, folder.path(), EMBEDDED, 0).unwrap();
        conn.pragma_update(None, "user_version", 999).unwrap();
        let newer = run(&mut conn, folder.path(), EMBEDDED, 0);
        assert!(matches!(newer, Err(OpenError::Newer(999, _))), "{newer:?}");
        conn.pragma_update(None, "application_id", 7).unwrap();
        assert!(matches!(run(&mut conn, folder.path(), EMBEDDED, 0), Err(OpenError::Bad(_))));
    }
}
