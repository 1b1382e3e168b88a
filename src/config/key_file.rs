//! Keys made of random bytes: generated once, kept in files that only their owner can read.

use super::env_file::read_at_most;
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    path::Path,
};

/// The random key `name` of `len` bytes in the folder `dir`.
///
/// The first call makes the folder and the file; every later one reads the same bytes back, and
/// refuses a file of another length. Both are closed to other users where they were open.
///
/// The file appears whole or not at all: written beside its place, synced, renamed, folder synced.
/// Call it while holding the data folder's lock, so that two processes never both make one.
pub fn key_file(dir: &Path, name: &str, len: usize) -> io::Result<Vec<u8>> {
    make_private_dir(dir)?;
    let path = dir.join(name);
    match read_at_most(&path, len) {
        Ok(bytes) if bytes.len() == len => {
            make_private(&path, 0o600)?;
            Ok(bytes)
        }
        Ok(bytes) => Err(wrong_length(&path, &format!("{} bytes", bytes.len()), len)),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            Err(wrong_length(&path, "more bytes", len))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(dir, name, len),
        Err(error) => Err(about(&path, "read", &error)),
    }
}

fn make(dir: &Path, name: &str, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    let (path, half) = (dir.join(name), dir.join(format!("{name}.tmp")));
    // Left over when the power went between two of these steps.
    match fs::remove_file(&half) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(about(&half, "removed", &error));
        }
        _ => {}
    }
    write_new(&half, &bytes).map_err(|error| about(&half, "written", &error))?;
    fs::rename(&half, &path).map_err(|error| about(&path, "written", &error))?;
    sync_dir(dir)?;
    Ok(bytes)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn wrong_length(path: &Path, found: &str, len: usize) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{} has {found} instead of {len}: restore it from a backup", path.display()),
    )
}

/// The same error with the path in it, which the standard library leaves out.
fn about(path: &Path, done: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{} cannot be {done}: {error}", path.display()))
}

/// Makes a folder that only its owner can enter, unless it is there. Its parent must exist.
pub(crate) fn make_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(dir) {
        Ok(()) => dir.parent().map_or(Ok(()), sync_dir),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => {
            make_private(dir, 0o700)
        }
        Err(error) => Err(about(dir, "made", &error)),
    }
}

/// Takes from others what a copy or an unpacked archive has given them.
#[cfg(unix)]
fn make_private(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if path.metadata()?.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(|error| about(path, "closed to other users", &error))?;
    tracing::warn!("{} was open to other users of this machine: closed", path.display());
    Ok(())
}

/// Elsewhere a file inherits the rules of its folder, which lies in the user's profile.
#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "the other platform can fail")]
fn make_private(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// Makes the names in a folder durable. Only Unix has, and needs, a way to ask for it.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let here = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        File::open(here)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::config::tests::Temp;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_key_is_made_once_and_belongs_to_its_owner_alone() {
        let temp = Temp::new();
        let dir = temp.path().join("secrets");
        let first = key_file(&dir, "jwt.key", 32).unwrap();
        assert_eq!(first.len(), 32);
        assert_ne!(first, [0; 32]);
        assert_eq!(key_file(&dir, "jwt.key", 32).unwrap(), first);
        assert_ne!(key_file(&dir, "other.key", 32).unwrap(), first);
        assert_eq!((mode(&dir), mode(&dir.join("jwt.key"))), (0o700, 0o600));
        let mut names: Vec<_> =
            fs::read_dir(&dir).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["jwt.key", "other.key"]);
    }

    #[test]
    fn a_key_of_another_length_is_refused_and_left_alone() {
        let temp = Temp::new();
        for bytes in [&b""[..], b"short", &[7; 33]] {
            fs::write(temp.path().join("k"), bytes).unwrap();
            let error = key_file(temp.path(), "k", 32).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
            assert_eq!(fs::read(temp.path().join("k")).unwrap(), bytes);
        }
    }

    #[test]
    fn what_a_power_cut_left_half_written_is_no_obstacle() {
        let temp = Temp::new();
        fs::write(temp.path().join("k.tmp"), b"half").unwrap();
        assert_eq!(key_file(temp.path(), "k", 32).unwrap().len(), 32);
        assert!(!temp.path().join("k.tmp").exists());
    }

    #[test]
    fn a_key_open_to_others_is_closed_again() {
        let temp = Temp::new();
        key_file(temp.path(), "k", 32).unwrap();
        let path = temp.path().join("k");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        key_file(temp.path(), "k", 32).unwrap();
        assert_eq!(mode(&path), 0o600);
    }
}
