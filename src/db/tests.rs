//! What the writer promises: group commit, savepoints, honest answers, and histories that are kept
//! apart.

use super::*;
use crate::{
    event::{Envelope, Kind, Listener},
    id::{TenantId, UserId},
};
use parking_lot::Mutex;
use uuid::Uuid;

const TENANT: TenantId = TenantId(Uuid::from_u128(1));

type Heard = Arc<Mutex<Vec<Arc<Envelope>>>>;

fn open(folder: &Path) -> (Db, Heard) {
    let heard = Heard::default();
    let hears = heard.clone();
    let settings = Settings {
        folder: folder.to_owned(),
        synchronous: Synchronous::Full,
        clock: Clock::default(),
        min_free_bytes: 0,
    };
    let on_commit = Box::new(move |c: Committed| hears.lock().extend(c.envelopes));
    let db = Db::open(settings, on_commit).unwrap_or_else(|e| panic!("{e}"));
    (db, heard)
}

fn say(w: &mut Write<'_>, n: u32) -> Result<i64> {
    let kind = Kind::Custom("order.paid".into());
    Ok(w.say(Say::new(TENANT, kind, &serde_json::json!({ "n": n }))?)?.seq)
}

fn staff() -> Listener {
    Listener { tenant: TENANT, user: UserId(Uuid::nil()), role: crate::auth::Role::Agent }
}

async fn log(db: &Db) -> Vec<i64> {
    let page = db.read(|r| events_after(r, &staff(), &[], 0, 10_000)).await.unwrap();
    page.envelopes.iter().map(|e| e.seq).collect()
}

/// Jobs that fail or panic give back their numbers, change nothing, and spoil nobody else's work.
#[tokio::test]
async fn failed_jobs_leave_no_trace_and_no_gap_in_seq() {
    let folder = crate::test_folder();
    let (db, heard) = open(folder.path());
    let jobs = (0..300_u32).map(|n| {
        let db = db.clone();
        tokio::spawn(async move {
            db.write(move |w| {
                let seq = say(w, n)?;
                match n % 3 {
                    1 => Err(Error::NotFound("third job")),
                    2 => panic!("a job that breaks"),
                    _ => Ok(seq),
                }
            })
            .await
        })
    });
    let mut good = Vec::new();
    for (n, job) in jobs.collect::<Vec<_>>().into_iter().enumerate() {
        match (n % 3, job.await.unwrap()) {
            (0, Ok(seq)) => good.push(seq),
            (1, Err(Error::NotFound(_))) | (2, Err(Error::Internal { .. })) => {}
            (_, other) => panic!("{n}: {other:?}"),
        }
    }
    good.sort_unstable();
    assert_eq!(good, (1..=100).collect::<Vec<i64>>());
    assert_eq!(log(&db).await, good);
    let told: Vec<i64> = heard.lock().iter().map(|e| e.seq).collect();
    assert_eq!(told, good, "the bell hears what is in the log, in its order");
    assert_eq!(db.latest_seq(), 100);
    db.close();
}

#[tokio::test]
async fn hooks_run_after_the_commit_and_never_for_a_failed_job() {
    let folder = crate::test_folder();
    let (db, _) = open(folder.path());
    let ran = Arc::new(Mutex::new(Vec::new()));
    for fails in [false, true] {
        let ran = ran.clone();
        let outcome = db
            .write(move |w| {
                let ran = ran.clone();
                w.after_commit(move || ran.lock().push(fails));
                if fails { Err(Error::NotFound("anything")) } else { Ok(()) }
            })
            .await;
        assert_eq!(outcome.is_err(), fails);
    }
    assert_eq!(*ran.lock(), [false]);
    db.close();
}

/// Last work is done when all jobs of the transaction have run, and before anyone is answered.
/// Where it fails, its own job fails and nobody else's.
#[tokio::test]
async fn last_work_shares_the_fate_of_its_job() {
    let folder = crate::test_folder();
    let (db, _) = open(folder.path());
    let (begin, begun) = std::sync::mpsc::sync_channel::<()>(1);
    // It may share their group and then run twice: only the first time is there to wait for.
    let held = db.write(move |_| Ok(begun.recv().is_ok()));
    let ran = Arc::new(Mutex::new(Vec::new()));
    let job = |n: u32| {
        let ran = ran.clone();
        db.write(move |w| {
            ran.lock().push(format!("job {n}"));
            let seq = say(w, n)?;
            let also_ran = ran.clone();
            w.at_the_end(move |last| {
                also_ran.lock().push(format!("last {n}"));
                last.execute("insert into meta values (?1, '')", [n])?;
                match n {
                    2 => Err(Error::NotFound("second job")),
                    5 => panic!("last work that breaks"),
                    _ => Ok(()),
                }
            });
            if n == 3 { Err(Error::NotFound("third job")) } else { Ok(seq) }
        })
    };
    let together = async {
        // Polled once, all of them wait in the queue of the writer that is held.
        let jobs = futures_util::future::join_all([1, 2, 3, 4, 5].map(job));
        let (done, ()) = tokio::join!(jobs, async move { drop(begin) });
        done
    };
    let (_, done) = tokio::join!(held, together);
    let good: Vec<bool> = done.iter().map(Result::is_ok).collect();
    assert_eq!(good, [true, false, false, true, false], "{done:?}");
    assert_eq!(log(&db).await.len(), 2);
    let kept = "select group_concat(key) from meta where length(key) = 1";
    let kept = db.read(move |r| Ok(r.query_row(kept, [], |row| row.get::<_, String>(0))?)).await;
    assert_eq!(kept.unwrap(), "1,4");
    let ran = ran.lock();
    let first: Vec<&str> = ran.iter().take(7).map(String::as_str).collect();
    assert_eq!(first, ["job 1", "job 2", "job 3", "job 4", "job 5", "last 1", "last 2"]);
    drop(ran);
    db.close();
}

/// A database that is full refuses writes, still reads, and takes writes again once there is room.
#[tokio::test]
async fn a_full_disk_makes_it_read_only_until_there_is_room() {
    let folder = crate::test_folder();
    let (db, heard) = open(folder.path());
    // SQLite's own page bound answers as a full disk does, without needing one.
    let cap = |pages: i64| {
        db.write(move |w| {
            Ok(w.query_row(&format!("pragma max_page_count = {pages}"), [], |_| Ok(()))?)
        })
    };
    cap(1).await.unwrap();
    let blob = "x".repeat(200_000);
    let big = {
        let blob = blob.clone();
        move |w: &mut Write<'_>| {
            let kind = Kind::Custom("big.one".into());
            w.say(Say::new(TENANT, kind, &serde_json::json!({ "blob": blob }))?)
        }
    };
    assert!(matches!(db.write(big.clone()).await, Err(Error::Full)));
    assert_eq!(db.health(), Health::DiskFull);
    assert!(matches!(db.write(big.clone()).await, Err(Error::Full)), "refused without a try");
    assert_eq!((log(&db).await.len(), heard.lock().len()), (0, 0));
    // The housekeeper finds that there is room on the disk, and lets writes in again.
    while db.health() != Health::Good {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    cap(1_000_000).await.unwrap();
    db.write(big).await.unwrap();
    assert_eq!(log(&db).await, [1]);
    db.close();
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_reopen_and_the_epoch_stays() {
    let folder = crate::test_folder();
    let (db, _) = open(folder.path());
    for n in 0..5 {
        db.write(move |w| say(w, n)).await.unwrap();
    }
    let epoch = db.epoch().to_owned();
    db.close();
    let (db, _) = open(folder.path());
    assert_eq!((db.epoch(), db.latest_seq(), db.lost_range()), (epoch.as_str(), 5, None));
    assert_eq!(log(&db).await, [1, 2, 3, 4, 5]);
    db.close();
}

/// An old file copied back begins a new history: other epoch, numbers never given out twice, and
/// readers of the lost one are told.
#[tokio::test]
async fn an_old_copy_is_noticed() {
    let folder = crate::test_folder();
    let file = folder.path().join("deskbell.db");
    let (db, _) = open(folder.path());
    db.write(|w| say(w, 0)).await.unwrap();
    let old_epoch = db.epoch().to_owned();
    db.close();
    let old = std::fs::read(&file).unwrap();
    let (db, _) = open(folder.path());
    for n in 0..9 {
        db.write(move |w| say(w, n)).await.unwrap();
    }
    db.close();
    std::fs::write(&file, old).unwrap();
    let (db, _) = open(folder.path());
    assert_ne!(db.epoch(), old_epoch);
    let bounds = db.read(log_bounds).await.unwrap();
    let resume = |since, epoch: Option<&str>| db.may_resume(bounds, since, epoch);
    assert_eq!(resume(1, Some(&old_epoch)), Err(Refused::UnknownEpoch));
    assert_eq!(resume(10, None), Err(Refused::UnknownEpoch), "that event is gone");
    assert_eq!(resume(1, None), Ok(()), "both histories begin with it");
    let seq = db.write(|w| say(w, 0)).await.unwrap();
    assert!(seq > 10, "{seq} was given out before");
    assert_eq!(db.may_resume(db.read(log_bounds).await.unwrap(), seq, Some(db.epoch())), Ok(()));
    db.close();
}

#[tokio::test]
async fn a_reader_cannot_write_and_is_stopped_when_it_takes_too_long() {
    let folder = crate::test_folder();
    let (db, _) = open(folder.path());
    let wrote = db.read(|r| Ok(r.execute("delete from meta", [])?)).await;
    assert!(wrote.is_err());
    let endless = "with recursive n(x) as (select 1 union all select x + 1 from n)
                   select count(*) from n";
    let stopped = db.read(move |r| Ok(r.query_row(endless, [], |row| row.get::<_, i64>(0))?)).await;
    assert!(matches!(stopped, Err(Error::Busy(_))), "{stopped:?}");
    db.close();
}

/// Under load the WAL would never end by itself: the writer finishes it between two groups.
#[tokio::test(flavor = "multi_thread")]
async fn the_write_ahead_log_stays_bounded_while_everybody_writes() {
    const BOUND: u64 = 3 * (64 << 20);
    let folder = crate::test_folder();
    let (db, _) = open(folder.path());
    let wal = folder.path().join("deskbell.db-wal");
    let blob = Arc::new("x".repeat(100_000));
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let (db, blob) = (db.clone(), blob.clone());
            tokio::spawn(async move {
                for _ in 0..500 {
                    let blob = blob.clone();
                    let job = db.write(move |w| {
                        let kind = Kind::Custom("big.one".into());
                        w.say(Say::new(TENANT, kind, &serde_json::json!({ "blob": *blob }))?)
                    });
                    job.await.unwrap();
                }
            })
        })
        .collect();
    let mut largest = 0;
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        largest = largest.max(std::fs::metadata(&wal).map_or(0, |m| m.len()));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let count = |r: &Connection| -> Result<i64> {
        Ok(r.query_row("select count(*) from events", [], |row| row.get(0))?)
    };
    assert_eq!(db.read(count).await.unwrap(), 4_000);
    assert!(largest < BOUND, "400 MB were written and the log grew to {largest} bytes");
    db.close();
}

/// The mark lags behind the log by up to a second; a copy from before the last start is noticed
/// even when the process ended within it.
#[tokio::test]
async fn an_old_copy_is_noticed_after_a_short_life_too() {
    let folder = crate::test_folder();
    let file = folder.path().join("deskbell.db");
    let mark = folder.path().join("high-water.json");
    let (db, _) = open(folder.path());
    db.write(|w| say(w, 0)).await.unwrap();
    db.close();
    let old = std::fs::read(&file).unwrap();
    let (db, _) = open(folder.path());
    let (epoch, at_start) = (db.epoch().to_owned(), std::fs::read(&mark).unwrap());
    for n in 0..9 {
        db.write(move |w| say(w, n)).await.unwrap();
    }
    db.close();
    // As if it had been killed before the mark moved.
    std::fs::write(&mark, at_start).unwrap();
    std::fs::write(&file, &old).unwrap();
    let (db, _) = open(folder.path());
    assert_ne!(db.epoch(), epoch);
    db.close();
    let epoch = db.epoch().to_owned();
    std::fs::write(&mark, "garbage").unwrap();
    let (db, _) = open(folder.path());
    assert_ne!(db.epoch(), epoch, "a mark that cannot be read vouches for nothing");
    db.close();
}

/// Rows alone are no bound: 200 large ones would be 50 MiB in memory, for each replay.
#[tokio::test]
async fn a_page_of_the_log_ends_where_it_is_large_enough_and_goes_on_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let (db, _) = open(folder.path());
    let large = serde_json::json!({ "text": "x".repeat(250 << 10) });
    let said = db.write(move |w| {
        for _ in 0..20 {
            let said = Say::new(TENANT, Kind::Custom("order.paid".into()), &large)?;
            w.say(said.audience(crate::event::Audience::Everyone))?;
        }
        Ok(())
    });
    said.await.unwrap();
    for who in [staff(), Listener { role: crate::auth::Role::Customer, ..staff() }] {
        let (mut read, mut from) = (Vec::new(), 0);
        loop {
            let page = db.read(move |r| events_after(r, &who, &[], from, 200)).await.unwrap();
            let bytes: usize = page.envelopes.iter().map(|e| e.data.get().len()).sum();
            assert!(bytes < 3 << 19, "{bytes} on one page");
            read.extend(page.envelopes.iter().map(|e| e.seq));
            if page.covered == from {
                break;
            }
            from = page.covered;
        }
        assert_eq!(read, (1..=20).collect::<Vec<_>>());
    }
}

/// Customers' events are found by other tables than the log, which forget nothing.
#[tokio::test]
async fn a_customer_hears_what_is_kept_however_much_before_it_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (db, _) = open(folder.path());
    let customer = Listener { role: crate::auth::Role::Customer, ..staff() };
    let said = db.write(move |w| {
        for n in 0..300 {
            let kind = Kind::Custom("order.paid".into());
            let said = Say::new(TENANT, kind, &serde_json::json!({ "n": n }))?;
            w.say(said.audience(crate::event::Audience::User(customer.user)))?;
            let said = Say::new(TENANT, Kind::Custom("order.paid".into()), &n)?;
            w.say(said.audience(crate::event::Audience::Everyone))?;
        }
        w.prepare_cached("update events set data = null where seq <= 550")?.execute([])?;
        Ok(())
    });
    said.await.unwrap();
    let page = db.read(move |r| events_after(r, &customer, &[], 0, 200)).await.unwrap();
    let read: Vec<_> = page.envelopes.iter().map(|e| e.seq).collect();
    assert_eq!(read, (551..=600).collect::<Vec<_>>(), "covered up to {}", page.covered);
}
