//! Tests of files: how they arrive, where they lie, who may have them.

mod http;
mod upload;

pub(crate) use http::routes;

use super::store::{Settings, Store};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// An open store in a folder that goes with it.
pub(super) fn store() -> (Store, tempfile::TempDir) {
    let folder = crate::test_folder();
    (reopened(folder.path()), folder)
}

pub(super) fn reopened(folder: &Path) -> Store {
    let folder = folder.join("attachments");
    Store::open(Settings { folder, key: [7; 64], refuse_below_bytes: 0 }).unwrap()
}

/// Every file under the folder, by its path from there.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for item in fs::read_dir(next).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}
