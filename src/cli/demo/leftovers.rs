//! What killed demonstrations left behind: their folders, whose locks nobody holds any more.

use std::{
    fs::{self, File},
    io::Read as _,
    path::Path,
};

/// How the folders of demonstrations begin.
pub(super) const PREFIX: &str = "deskbell-demo-";

/// Removes what is left beside our own folder by processes of the same user that are no more. What
/// cannot be removed stays: the next one tries again.
pub(super) fn remove(own: &Path) {
    let Some(around) = own.parent() else { return };
    for entry in fs::read_dir(around).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_demo = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        // Of the folder itself, not of what a link points to.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_demo && is_folder && path != own && is_ours(&path, own) && is_abandoned(&path) {
            let outcome = fs::remove_dir_all(&path);
            tracing::info!(folder = %path.display(), ?outcome, "a killed demo's folder is removed");
        }
    }
}

/// Whether it holds a lock file that somebody wrote and nobody holds. A demonstration that is just
/// starting has no such file, or an empty one.
fn is_abandoned(folder: &Path) -> bool {
    let lock = folder.join("data").join("deskbell.lock");
    // Anything else, a pipe for instance, would keep us waiting.
    if !fs::symlink_metadata(&lock).is_ok_and(|meta| meta.is_file()) {
        return false;
    }
    let Ok(file) = File::open(&lock) else { return false };
    let mut pid = [0; 1];
    file.try_lock().is_ok() && (&file).read(&mut pid).is_ok_and(|read| read > 0)
}

#[cfg(unix)]
fn is_ours(folder: &Path, own: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let owner = |path: &Path| fs::symlink_metadata(path).map(|meta| meta.uid()).ok();
    owner(folder).is_some() && owner(folder) == owner(own)
}

#[cfg(not(unix))]
fn is_ours(_: &Path, _: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::folder::{Choice, DataFolder, Reason};

    fn demo(around: &Path, name: &str) -> DataFolder {
        let path = around.join(name).join("data");
        fs::create_dir(around.join(name)).unwrap();
        DataFolder::open(&Choice { path, reason: Reason::ThrowAway }).unwrap()
    }

    #[test]
    fn folders_whose_lock_is_free_are_removed_and_no_others() {
        let around = crate::test_folder();
        let at = |name: &str| around.path().join(name);
        let own = at("deskbell-demo-own");
        let running = demo(around.path(), "deskbell-demo-running").lock().unwrap();
        drop(demo(around.path(), "deskbell-demo-killed").lock().unwrap());
        drop(demo(around.path(), "deskbell-demo-own").lock().unwrap());
        drop(demo(around.path(), "deskbell-data").lock().unwrap());
        demo(around.path(), "deskbell-demo-starting");
        let about_to_lock = demo(around.path(), "deskbell-demo-about-to-lock");
        fs::write(about_to_lock.path().join("deskbell.lock"), "").unwrap();
        remove(&own);
        assert!(!at("deskbell-demo-killed").exists());
        for name in ["own", "running", "starting", "about-to-lock"] {
            assert!(at(&format!("deskbell-demo-{name}")).exists(), "{name}");
        }
        assert!(at("deskbell-data").exists());
        drop(running);
        remove(&own);
        assert!(!at("deskbell-demo-running").exists());
    }
}
