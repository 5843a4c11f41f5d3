//! Rotation: taking the finished lines away from under a gateway that keeps writing.
//!
//! ```text
//! entries.jsonl  ──rename──▶  entries-<stamp>.draining  ──nobody writes──▶  segments/<stamp>.jsonl
//!       ▲                            │
//!       └── a new, empty one         └── the gateway still writes here until it has opened the new one
//! ```
//!
//! No line is lost, because nothing is copied or cut: the gateway's open file stays the same file under
//! another name, and it is sealed only when the kernel says that nobody has it open for writing.
//! Every arrow is one rename, so whatever a crash leaves behind is one of these three states, and
//! the next start goes on from there.

use std::{
    cell::RefCell,
    fs::{self, File, Metadata, Permissions},
    io::{self, ErrorKind},
    os::unix::fs::{MetadataExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Args;

use super::{
    ages::Ages,
    folder::{Folder, Stamped},
    lease::{Writers, writers},
    reopen::Reopen,
    units::{Size, Span},
};
use crate::protect::{self, Protection, create_live};

/// When to rotate, and how the gateway hears of it.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Tell the gateway to open its file anew: http://127.0.0.1:9901 (admin), pid:FILE, pid:NUMBER, none
    #[arg(long, value_name = "HOW")]
    reopen: Option<Reopen>,
    /// Where the kernel cannot tell who still writes: so long after --reopen nobody does
    #[arg(long, value_name = "TIME", default_value = "5s")]
    drain: Span,
    /// Rotate when the file has so many bytes; also the most that one object holds
    #[arg(long, value_name = "SIZE", default_value = "16MiB")]
    segment_bytes: Size,
    /// Rotate when the oldest line has been in the file for so long
    #[arg(long, value_name = "TIME", default_value = "60s")]
    segment_age: Span,
}

impl Options {
    pub(super) fn segment_bytes(&self) -> u64 {
        self.segment_bytes.0.max(1)
    }
}

/// The rotation of one folder.
#[derive(Debug)]
pub(super) struct Rotation<'a> {
    folder: &'a Folder,
    options: &'a Options,
    ages: &'a RefCell<Ages>,
    /// The live file that is known to be protected, by its inode.
    guarded: Option<u64>,
    has_told_modes: bool,
    /// When the gateway was last told, for the file that is draining.
    asked: Option<Instant>,
    began: Option<Instant>,
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing was due.
    Idle,
    /// The live file was renamed.
    Began,
    /// Somebody still writes the renamed file.
    Draining,
    /// A file was sealed, so long after it was renamed, or found renamed.
    Sealed(Duration),
}

/// The gateway is told again if it still holds the old file.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// A gateway that was told opens its new file within a flush.
const OVERDUE: Duration = Duration::from_secs(30);

impl<'a> Rotation<'a> {
    pub(super) fn new(folder: &'a Folder, options: &'a Options, ages: &'a RefCell<Ages>) -> Self {
        Self {
            folder,
            options,
            ages,
            guarded: None,
            has_told_modes: false,
            asked: None,
            began: None,
        }
    }

    /// Protects what an earlier run sealed and could not protect any more.
    pub(super) fn recover(&mut self) -> io::Result<()> {
        for file in self.folder.sealed()? {
            self.seal_attributes(&file.path)?;
        }
        Ok(())
    }

    /// Goes one step on; `now` rotates also what is not due. `latest` is the latest sealed file that was
    /// ever shipped.
    pub(super) async fn step(&mut self, now: bool, latest: Option<&str>) -> Result<Step, String> {
        let fault = |error: io::Error| format!("{}: {error}", self.folder.path().display());
        let draining = self.folder.draining().map_err(fault)?;
        if let Some(oldest) = draining.first() {
            self.guard_live(Some(oldest)).map_err(|error| self.fault(&error))?;
            return self.drain(oldest).await;
        }
        self.guard_live(None).map_err(|error| self.fault(&error))?;
        if self.folder.live_len() == 0 || !(now || self.is_due()) {
            return Ok(Step::Idle);
        }
        self.begin(latest).map_err(|error| self.fault(&error))?;
        Ok(Step::Began)
    }

    fn fault(&self, error: &io::Error) -> String {
        format!("{}: {error}", self.folder.live().display())
    }

    fn is_due(&self) -> bool {
        let len = self.folder.live_len();
        let age = self.ages.borrow_mut().live(len);
        len >= self.options.segment_bytes()
            || age.is_some_and(|age| age >= self.options.segment_age.0)
    }

    fn begin(&mut self, latest: Option<&str>) -> io::Result<()> {
        let live = self.folder.live();
        let stamp = self.folder.next_stamp(latest)?;
        let next = self.prepare_next(&live.metadata()?)?;
        protect::lift(&live)?;
        self.guarded = None;
        fs::rename(&live, self.folder.draining_path(&stamp))?;
        self.ages.borrow_mut().rotate(&stamp);
        (self.asked, self.began) = (None, Some(Instant::now()));
        put_in_place(&next, &live)?;
        self.guard_live(None)?;
        self.folder.sync()
    }

    /// The next live file under a name that nobody opens, with owner and mode of the one before.
    fn prepare_next(&mut self, before: &Metadata) -> io::Result<PathBuf> {
        self.guarded = None;
        let next = self.folder.live().with_extension("next");
        remove_if_there(&next)?;
        let file = create_live(&next, before.mode() & 0o777)?;
        let created = file.metadata()?;
        if (created.uid(), created.gid()) != (before.uid(), before.gid()) {
            fchown(&file, Some(before.uid()), Some(before.gid())).map_err(unchowned)?;
        }
        Ok(next)
    }

    /// A live file is append-only, whoever created it. One that is missing beside a renamed one is made.
    fn guard_live(&mut self, draining: Option<&Stamped>) -> io::Result<()> {
        let live = self.folder.live();
        let inode = match (live.metadata(), draining) {
            (Ok(file), _) => file.ino(),
            (Err(error), Some(before)) if error.kind() == ErrorKind::NotFound => {
                let next = self.prepare_next(&before.path.metadata()?)?;
                put_in_place(&next, &live)?;
                live.metadata()?.ino()
            }
            (Err(error), None) if error.kind() == ErrorKind::NotFound => return Ok(()),
            (Err(error), _) => return Err(error),
        };
        if self.guarded != Some(inode) {
            let protection = protect::append_only(&live)?;
            self.tell_modes(&protection);
            self.guarded = Some(inode);
        }
        Ok(())
    }

    async fn drain(&mut self, old: &Stamped) -> Result<Step, String> {
        let fault = |error: io::Error| format!("{}: {error}", old.path.display());
        let file = File::open(&old.path).map_err(fault)?;
        let is_free = match writers(&file) {
            Writers::None => true,
            Writers::Some => self.ask(&old.path, ASK_AGAIN).await.map(|_| false)?,
            Writers::Unknown if self.options.reopen.is_none() => return Err(unknown(&old.path)),
            Writers::Unknown => {
                let asked = self.ask(&old.path, Duration::MAX).await?;
                asked.elapsed() >= self.options.drain.0
            }
        };
        let began = *self.began.get_or_insert_with(Instant::now);
        if !is_free {
            let is_overdue = began.elapsed() >= OVERDUE;
            return if is_overdue { Err(still_open(&old.path)) } else { Ok(Step::Draining) };
        }
        self.seal(old, &file).map_err(fault)?;
        self.asked = None;
        self.began = None;
        Ok(Step::Sealed(began.elapsed()))
    }

    /// Tells the gateway, unless it was told less than `again` ago; when it was.
    async fn ask(&mut self, old: &Path, again: Duration) -> Result<Instant, String> {
        if let Some(asked) = self.asked.filter(|asked| asked.elapsed() < again) {
            return Ok(asked);
        }
        let Some(reopen) = &self.options.reopen else {
            return Err(format!(
                "{}: somebody still writes it: --reopen says how the gateway is told to open a new one",
                old.display()
            ));
        };
        reopen.ask().await?;
        Ok(*self.asked.insert(Instant::now()))
    }

    fn seal(&mut self, old: &Stamped, file: &File) -> io::Result<()> {
        if file.metadata()?.len() == 0 {
            fs::remove_file(&old.path)?;
            return self.folder.sync();
        }
        file.sync_all()?;
        let sealed = self.folder.sealed_path(&old.stamp);
        fs::rename(&old.path, &sealed)?;
        self.seal_attributes(&sealed)?;
        self.folder.sync()
    }

    fn seal_attributes(&mut self, sealed: &Path) -> io::Result<()> {
        if sealed.metadata()?.mode() & 0o222 != 0
            && let Err(error) = fs::set_permissions(sealed, Permissions::from_mode(0o440))
            && error.kind() != ErrorKind::PermissionDenied
        {
            return Err(error);
        }
        let protection = protect::immutable(sealed)?;
        self.tell_modes(&protection);
        Ok(())
    }

    fn tell_modes(&mut self, protection: &Protection) {
        if let Protection::ModesOnly(_) = protection
            && !std::mem::replace(&mut self.has_told_modes, true)
        {
            anstream::eprintln!("{}: {protection}", self.folder.path().display());
        }
    }
}

/// Gives a prepared file the live name, unless the gateway has just made one itself.
fn put_in_place(next: &Path, live: &Path) -> io::Result<()> {
    match fs::hard_link(next, live) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => fs::remove_file(next),
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match protect::lift(path).and_then(|_| fs::remove_file(path)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn unchowned(error: io::Error) -> io::Error {
    let fix = "cannot give the next file the owner of this one: run as the same account, or with CAP_CHOWN";
    io::Error::new(error.kind(), format!("{fix} ({error})"))
}

fn still_open(old: &Path) -> String {
    format!(
        "{}: somebody still has it open for writing: it is sealed once the gateway has opened the new \
         file; does --reopen reach it?",
        old.display()
    )
}

fn unknown(old: &Path) -> String {
    format!(
        "{}: the kernel cannot tell whether somebody still writes it (no leases on this file system, or \
         neither its owner nor CAP_LEASE): --reopen says how the gateway is told, or that none runs",
        old.display()
    )
}
