//! `deskbell admin`: makes and lists administrators, sets passwords, ends sign-ins.
//!
//! It opens the database itself, so the server must not be running; its lock says so.

use super::say;
use crate::{
    accounts::{
        setup::{self, Admin},
        sql::{Found, anywhere},
    },
    auth::{self, Role, password, secret},
    config::{
        Flags, Loaded, Surroundings,
        folder::{self, DataFolder, FolderLock},
        load,
    },
    db::{self, Db, OpenError},
    error::{Error, FieldError},
    exit::{Exit, Failure},
    tenants,
    time::{Clock, rfc3339},
    users::{self, Edit, Hand, rules},
};
use clap::Subcommand;
use serde_json::json;
use std::{
    fmt::Write as _,
    fs,
    io::{self, IsTerminal, Read, Write as _},
    path::{Path, PathBuf},
};

/// The largest password that is read, in bytes, with the end of its line.
const READ_MAX: u64 = 4_096;

/// What to do with administrators.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an administrator; the first one also makes tenants
    Create {
        /// What they sign in with
        #[arg(long)]
        email: String,
        /// The name people see
        #[arg(long)]
        name: Option<String>,
        /// The tenant's name; needed when there are several
        #[arg(long)]
        tenant: Option<String>,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Set somebody's password and end their sign-ins
    Passwd {
        #[command(flatten)]
        whom: Whom,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// List the administrators of all tenants
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a one-use link that makes the first administrator
    SetupLink,
    /// End all sign-ins of one account
    LogoutAll {
        #[command(flatten)]
        whom: Whom,
    },
}

/// Where the password comes from: never the command line, which everybody on the machine can read.
#[derive(Debug, clap::Args)]
pub struct PasswordArgs {
    /// The file with the password in its first line; without it, standard input is read
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// Which account is meant.
#[derive(Debug, clap::Args)]
pub struct Whom {
    /// Its e-mail address
    #[arg(long)]
    email: String,
    /// Its tenant's name; needed when several know the address
    #[arg(long)]
    tenant: Option<String>,
}

/// Runs one of them.
pub(super) fn run(command: Command, flags: &Flags, around: &Surroundings) -> Result<(), Failure> {
    let loaded = load(flags, around)?;
    let makes = matches!(command, Command::Create { .. } | Command::SetupLink);
    let open = || Opened::open(&loaded, around, makes);
    match command {
        Command::Create { email, name, tenant, password } => {
            let password = password.read()?;
            open()?.create(&email, name.as_deref(), tenant.as_deref(), &password)
        }
        Command::Passwd { whom, password } => {
            let password = password.read()?;
            open()?.set_password(&whom, &password)
        }
        Command::List { json } => open()?.list(json),
        Command::SetupLink => open()?.setup_link(&loaded),
        Command::LogoutAll { whom } => open()?.logout_all(&whom),
    }
}

impl PasswordArgs {
    fn read(&self) -> Result<String, Failure> {
        let mut text = String::new();
        let (from, read) = match &self.password_file {
            Some(path) => {
                let read = fs::File::open(path)
                    .and_then(|file| file.take(READ_MAX).read_to_string(&mut text));
                (path.display().to_string(), read)
            }
            None => (String::from("standard input"), ask(&mut text)),
        };
        read.map_err(|error| {
            Failure::new(Exit::Io, format!("the password: {from} cannot be read: {error}"))
        })?;
        let password = text.lines().next().unwrap_or_default();
        rules::password(password)
            .map_err(|why| Failure::new(Exit::Failed, format!("the password {why}")))?;
        Ok(password.to_owned())
    }
}

/// One line at a terminal, everything from a pipe.
fn ask(text: &mut String) -> io::Result<usize> {
    let input = io::stdin();
    if input.is_terminal() {
        write!(io::stderr(), "Password (it shows as you type): ")?;
        return input.read_line(text);
    }
    input.lock().take(READ_MAX).read_to_string(text)
}

/// The database of the data folder, ours until this is dropped.
struct Opened {
    db: Db,
    _lock: FolderLock,
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.db.close();
    }
}

impl Opened {
    /// Only a command that makes something may make the folder and the database.
    fn open(loaded: &Loaded, around: &Surroundings, makes: bool) -> Result<Self, Failure> {
        let choice = folder::choose(loaded, around)?;
        let none = |path: &Path| {
            let message = format!("there is no database in the data folder {}", path.display());
            Failure::new(Exit::Failed, message)
        };
        if !makes && !choice.path.is_dir() {
            return Err(none(&choice.path));
        }
        let folder = DataFolder::open(&choice)?;
        if !makes && !folder.database().is_file() {
            return Err(none(folder.path()));
        }
        let lock = folder.lock().map_err(|mut failure| {
            if failure.code == Exit::Locked {
                failure.message.push_str(": stop it first, or use its pages");
            }
            failure
        })?;
        let settings = db::Settings {
            folder: folder.path().to_owned(),
            synchronous: loaded.config.db_synchronous,
            clock: Clock::default(),
            min_free_bytes: loaded.config.min_free_disk_mb << 20,
        };
        let db = Db::open(settings, Box::new(|_| {})).map_err(|error| {
            let code = match error {
                OpenError::Newer(..) | OpenError::Bad(_) => Exit::BadDatabase,
                OpenError::Other(_) => Exit::Io,
            };
            Failure::new(code, error.to_string())
        })?;
        Ok(Self { db, _lock: lock })
    }

    fn create(
        &self,
        email: &str,
        name: Option<&str>,
        tenant: Option<&str>,
        password: &str,
    ) -> Result<(), Failure> {
        let hash = password::hash(password).map_err(failed)?;
        let admin = Admin::checked(email, name, tenant, hash.clone()).map_err(failed)?;
        let first = self.db.write_waiting(move |w| setup::make_first_admin(w, &admin));
        if let Some(user) = first.map_err(failed)? {
            return say(&format!("{} is the system administrator now\n", user.email));
        }
        let new = users::New {
            email: email.to_owned(),
            name: name.unwrap_or("Administrator").to_owned(),
            role: Role::Admin,
            password: None,
            phone: None,
            extension: None,
            locale: None,
            timezone: None,
        };
        let new = new.checked().map_err(failed)?;
        let tenant = tenant.map(str::to_owned);
        let made = self.db.write_waiting(move |w| {
            let home = match &tenant {
                Some(name) => tenants::sql::find_by_name(w, name.trim())?,
                None => tenants::sql::only(w)?,
            };
            let home = home.ok_or_else(|| {
                Error::conflict("tenant", "name one of the tenants there are with --tenant")
            })?;
            let user = users::create(w, &Hand::of_system(home.id), &new, Some(&hash))?;
            Ok((user, home))
        });
        let (user, home) = made.map_err(failed)?;
        say(&format!("{} is an administrator of {} now\n", user.email, home.name))
    }

    fn set_password(&self, whom: &Whom, password: &str) -> Result<(), Failure> {
        let found = self.find(whom)?;
        let hash = password::hash(password).map_err(failed)?;
        let changed = self.db.write_waiting(move |w| {
            let hand = Hand::of_system(found.tenant);
            users::change(w, &hand, found.user, &Edit::default(), Some(&hash))
        });
        let user = changed.map_err(failed)?.user;
        say(&format!("{} has another password now and has to sign in again\n", user.email))
    }

    fn list(&self, json: bool) -> Result<(), Failure> {
        let admins = self.db.read_blocking(|r| anywhere(r, None)).map_err(failed)?;
        say(&if json { as_json(&admins) } else { as_text(&admins) })
    }

    /// Starting the server without an administrator makes a link too; then that one is good.
    fn setup_link(&self, loaded: &Loaded) -> Result<(), Failure> {
        let token = secret::fresh("").map_err(failed)?;
        let digest = secret::digest(&token);
        self.db.write_waiting(move |w| setup::keep_link(w, &digest)).map_err(failed)?;
        let server = match &loaded.config.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://{}", here(&loaded.config.listen_text())),
        };
        say(&format!("{server}{}\n", setup::link_path(&token)))
    }

    fn logout_all(&self, whom: &Whom) -> Result<(), Failure> {
        let found = self.find(whom)?;
        let user = found.user;
        let ended = self.db.write_waiting(move |w| auth::sql::end_sessions_of(w, user, None));
        let ended = ended.map_err(failed)?;
        say(&format!("{ended} sign-ins of {} in {} ended\n", found.email, found.tenant_name))
    }

    fn find(&self, whom: &Whom) -> Result<Found, Failure> {
        let email = whom.email.trim().to_owned();
        let mut found = self.db.read_blocking(|r| anywhere(r, Some(&email))).map_err(failed)?;
        if let Some(tenant) = &whom.tenant {
            found.retain(|found| found.tenant_name.eq_ignore_ascii_case(tenant.trim()));
        }
        let several = found.len() > 1;
        match found.pop() {
            Some(one) if !several => Ok(one),
            Some(_) => {
                let message = format!("several tenants know {email}: name one with --tenant");
                Err(Failure::new(Exit::Failed, message))
            }
            None => Err(Failure::new(Exit::Failed, format!("nobody has the address {email}"))),
        }
    }
}

/// Where a server that listens on every address is found from its own machine.
fn here(listen: &str) -> String {
    match (listen.strip_prefix("0.0.0.0:"), listen.strip_prefix("[::]:")) {
        (Some(port), _) => format!("127.0.0.1:{port}"),
        (_, Some(port)) => format!("[::1]:{port}"),
        _ => listen.to_owned(),
    }
}

fn as_text(admins: &[Found]) -> String {
    let mut text = String::new();
    for admin in admins {
        let kind = if admin.is_system_admin { "system administrator" } else { "administrator" };
        let closed = if admin.is_active { "" } else { ", closed" };
        let seen = admin.last_login_at.map_or_else(|| String::from("never"), rfc3339);
        let (email, name, tenant) = (&admin.email, &admin.name, &admin.tenant_name);
        writeln!(text, "{email}  {name}  {kind} of {tenant}{closed}, last sign-in: {seen}").ok();
    }
    text
}

fn as_json(admins: &[Found]) -> String {
    let rows: Vec<_> = admins
        .iter()
        .map(|admin| {
            json!({
                "id": admin.user,
                "email": admin.email,
                "name": admin.name,
                "tenant_id": admin.tenant,
                "tenant": admin.tenant_name,
                "is_system_admin": admin.is_system_admin,
                "is_active": admin.is_active,
                "last_login_at": admin.last_login_at.map(rfc3339),
            })
        })
        .collect();
    format!("{:#}\n", json!(rows))
}

fn failed(error: Error) -> Failure {
    let code = match &error {
        Error::Internal { .. } | Error::Full => Exit::Io,
        _ => Exit::Failed,
    };
    let message = match error {
        Error::Invalid(fields) => {
            let each = |FieldError { field, message }: &FieldError| format!("{field} {message}");
            fields.iter().map(each).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    Failure::new(code, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{Temp, around};

    /// A look at a folder that is not there makes none; a folder in use says so with its own code.
    #[test]
    fn the_database_is_opened_by_one_and_made_only_to_put_something_in() {
        let temp = Temp::new();
        let around = around(&temp, &[("DESKBELL_DATA_DIR", "data")]);
        let path = temp.path().join("data");
        let mut loaded = load(&Flags::default(), &around).unwrap();
        loaded.config.data_dir = Some(path.clone());
        let code = |makes| Opened::open(&loaded, &around, makes).err().map(|failure| failure.code);
        assert_eq!(code(false), Some(Exit::Failed));
        assert!(!path.exists());
        let open = Opened::open(&loaded, &around, true).ok().unwrap();
        assert_eq!((code(false), code(true)), (Some(Exit::Locked), Some(Exit::Locked)));
        drop(open);
        assert_eq!(code(false), None);
    }

    /// The first line of the file is the password; what is too short is refused.
    #[test]
    fn a_password_comes_from_a_file() {
        let temp = Temp::new();
        let read = |content: &str| {
            let path = temp.path().join("password");
            fs::write(&path, content).unwrap();
            PasswordArgs { password_file: Some(path) }.read()
        };
        assert_eq!(read("correct horse\r\nsecond line\n").as_deref(), Ok("correct horse"));
        assert_eq!(read(" with spaces ").as_deref(), Ok(" with spaces "));
        assert_eq!(read("short\n").unwrap_err().code, Exit::Failed);
        let none = PasswordArgs { password_file: Some(temp.path().join("none")) };
        assert_eq!(none.read().unwrap_err().code, Exit::Io);
    }

    #[test]
    fn a_link_names_a_host_that_can_be_opened() {
        assert_eq!(here("0.0.0.0:8000"), "127.0.0.1:8000");
        assert_eq!(here("[::]:8000"), "[::1]:8000");
        assert_eq!(here("10.0.0.0:80"), "10.0.0.0:80");
    }
}
