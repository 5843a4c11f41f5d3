//! Rotation: taking the finished lines away from under a gateway that keeps writing.
//!
//! ```text
//! entries.jsonl  ──exchanged with entries.next──▶  entries-<stamp>.draining  ──nobody writes──▶  segments/<stamp>.jsonl
//!       ▲                                                │
//!       └── the next one, made long before               └── the gateway still writes here until it has opened the new one
//! ```
//!
//! No line is lost, because nothing is copied or cut: the gateway's open file stays the same file under
//! another name, and it is sealed only when the kernel says that nobody has it open for writing.
//! Every arrow is one rename, so whatever a crash leaves behind is one of these three states, and
//! the next start goes on from there. The next file is there before it is needed, so that a full disk
//! stops no rotation; and the live file has room behind its end, which nobody else can take: what is written between the
//! moment in which the disk is full and the one in which the gateway hears of it has its place.
//!
//! The live file is one inode and only grows. It is held open here: whoever removes it, or renames it past this tool,
//! takes only its name. It is said, a new one is made, the gateway told, and the lines of the old one are copied back.

use std::{
    cell::RefCell,
    fmt,
    fs::{File, Metadata, Permissions},
    io::{self, ErrorKind, Seek, SeekFrom},
    os::unix::fs::{MetadataExt, PermissionsExt, fchown},
    path::Path,
    time::{Duration, Instant},
};

use clap::Args;

use super::{
    ages::Ages,
    dir::{Identity, identity_of, keep_room},
    folder::{Folder, NEXT, Stamped},
    lease::{Writers, writers},
    reopen::Reopen,
    units::{Size, Span},
};
use crate::{
    ledger::LIVE,
    plain::Shown,
    protect::{self, Protection},
    say::tell,
};

/// When to rotate, and how the gateway hears of it.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Tell the gateway to open its file anew: http://127.0.0.1:9901 (admin), pid:FILE, pid:NUMBER, none
    #[arg(long, value_name = "HOW")]
    pub(super) reopen: Option<Reopen>,
    /// Where the kernel cannot tell who still writes: so long after --reopen nobody does
    #[arg(long, value_name = "TIME", default_value = "5s")]
    drain: Span,
    /// Rotate when the file has so many bytes; also the most that one object holds
    #[arg(long, value_name = "SIZE", default_value = "16MiB")]
    segment_bytes: Size,
    /// Rotate when the oldest line has been in the file for so long
    #[arg(long, value_name = "TIME", default_value = "60s")]
    segment_age: Span,
    /// Room on the disk that is kept for the gateway's next lines, whoever fills the rest; 0 keeps none
    #[arg(long, value_name = "SIZE", default_value = "4MiB")]
    reserve: Size,
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
    /// The live file, known to be protected.
    live: Option<Live>,
    /// Files that were live until somebody took their name.
    strays: Vec<File>,
    notices: Vec<Notice>,
    has_told_modes: bool,
    has_told_links: bool,
    /// When the gateway was last told, for the file that is draining.
    asked: Option<Instant>,
    began: Option<Instant>,
    /// The same, for a file that lost its name.
    asked_for_stray: Option<Instant>,
}

/// The live file as it was last seen.
#[derive(Debug)]
struct Live {
    file: File,
    identity: Identity,
    len: u64,
    /// Up to where there is room.
    kept: u64,
}

/// Something that must not happen to a ledger, and has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// Somebody took the name of the live file; its lines are still to be had.
    Stolen(&'static str),
    /// They are back.
    Rescued { bytes: u64 },
    /// The live file became shorter.
    Cut { bytes: u64 },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stolen(how) => write!(
                f,
                "{LIVE} {how}: somebody removed, renamed or replaced it; a new one is made, the gateway told, and what \
                 the old one holds is taken back"
            ),
            Self::Rescued { bytes } => write!(f, "{bytes} bytes of the old {LIVE} are back"),
            Self::Cut { bytes } => write!(f, "LOST: somebody cut {bytes} bytes off {LIVE}"),
        }
    }
}

/// What a step did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing was due.
    Idle,
    /// The live file was renamed.
    Began,
    /// Somebody still writes the renamed file.
    Draining,
    /// A file was sealed, so long after it was renamed, or found renamed; none, if it was empty.
    Sealed(Duration, Option<Stamped>),
}

/// The gateway is told again if it still holds the old file.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// A gateway that was told opens its new file within a flush.
const OVERDUE: Duration = Duration::from_secs(30);

/// Lines of a file without a name, on their way back.
const RESCUE: &str = "entries.rescue";

impl<'a> Rotation<'a> {
    pub(super) fn new(folder: &'a Folder, options: &'a Options, ages: &'a RefCell<Ages>) -> Self {
        Self {
            folder,
            options,
            ages,
            live: None,
            strays: Vec::new(),
            notices: Vec::new(),
            has_told_modes: false,
            has_told_links: false,
            asked: None,
            began: None,
            asked_for_stray: None,
        }
    }

    /// Protects what an earlier run sealed and could not protect any more.
    pub(super) fn recover(&mut self) -> io::Result<()> {
        for file in self.folder.sealed()? {
            let open = self.folder.open_sealed(&file)?;
            self.seal_attributes(&open, &file.path)?;
        }
        Ok(())
    }

    /// What was noticed since.
    pub(super) fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// Whether lines of a file that lost its name are not back yet.
    pub(super) fn has_strays(&self) -> bool {
        !self.strays.is_empty()
    }

    /// Nobody waits for a gateway any more: what files without a name hold is taken back as far as it goes.
    pub(super) fn rescue_now(&mut self, latest: Option<&str>) -> io::Result<()> {
        for stray in std::mem::take(&mut self.strays) {
            let bytes = self.copy_back(&stray, latest)?;
            self.notices.push(Notice::Rescued { bytes });
        }
        Ok(())
    }

    /// Files that have lost their name, and with it their place in any list.
    pub(super) fn strays(&self) -> &[File] {
        &self.strays
    }

    /// Goes one step on; `now` rotates also what is not due. `latest` is the latest sealed file that was
    /// ever shipped.
    pub(super) async fn step(&mut self, now: bool, latest: Option<&str>) -> Result<Step, String> {
        let fault = |error: io::Error| format!("{}: {error}", self.folder.path().shown());
        self.finish_exchange(latest).map_err(fault)?;
        let draining = self.folder.draining().map_err(fault)?;
        self.guard_live(draining.first(), latest).map_err(|error| self.fault(&error))?;
        self.rescue(latest).await?;
        if let Some(oldest) = draining.first() {
            return self.drain(oldest).await;
        }
        if self.folder.live_len() == 0 || !(now || self.is_due()) {
            return Ok(Step::Idle);
        }
        self.begin(latest).map_err(|error| self.fault(&error))?;
        Ok(Step::Began)
    }

    fn fault(&self, error: &io::Error) -> String {
        format!("{}: {error}", self.folder.live().shown())
    }

    fn is_due(&self) -> bool {
        let len = self.folder.live_len();
        let age = self.ages.borrow_mut().live(len);
        len >= self.options.segment_bytes()
            || age.is_some_and(|age| age >= self.options.segment_age.0)
    }

    fn begin(&mut self, latest: Option<&str>) -> io::Result<()> {
        let dir = self.folder.dir();
        let stamp = self.folder.next_stamp(latest)?;
        let live = dir.read(LIVE)?;
        self.prepare_next(&live.metadata()?)?;
        protect::lift_of(&live)?;
        self.live = None;
        let draining = self.folder.draining_file(stamp.clone(), 0).draining_name();
        match dir.exchange(NEXT, LIVE) {
            Ok(()) => dir.rename_new(NEXT, dir, &draining)?,
            // A file system without exchange: for a moment there is no live file.
            Err(_) => {
                dir.rename_new(LIVE, dir, &draining)?;
                self.put_in_place()?;
            }
        }
        self.ages.borrow_mut().rotate(&stamp);
        (self.asked, self.began) = (None, Some(Instant::now()));
        self.guard_live(None, latest)?;
        self.folder.sync()
    }

    /// Killed between the two steps of an exchange, or stopped there by a full disk: the next file has lines.
    fn finish_exchange(&self, latest: Option<&str>) -> io::Result<()> {
        let dir = self.folder.dir();
        let next = match dir.read(NEXT) {
            // What is no file of ours there is replaced when the next one is made.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput) => {
                return Ok(());
            }
            next => next?,
        };
        if next.metadata()?.len() == 0 {
            return Ok(());
        }
        let stamp = self.folder.next_stamp(latest)?;
        dir.rename_new(NEXT, dir, &self.folder.draining_file(stamp, 0).draining_name())
    }

    /// The next live file under a name that nobody opens, with owner and mode of the one before. Where there is one
    /// already, nothing has to be made.
    fn prepare_next(&self, before: &Metadata) -> io::Result<()> {
        let dir = self.folder.dir();
        let file = match dir.append(NEXT) {
            Ok(file) => file,
            Err(_) => {
                self.remove_next()?;
                dir.create(NEXT, before.mode() & 0o777)?
            }
        };
        let next = file.metadata()?;
        if next.mode() & 0o777 != before.mode() & 0o777 {
            file.set_permissions(Permissions::from_mode(before.mode() & 0o777))?;
        }
        if (next.uid(), next.gid()) != (before.uid(), before.gid()) {
            fchown(&file, Some(before.uid()), Some(before.gid())).map_err(unchowned)?;
        }
        // A disk that is full at its rotation has the room for the lines that follow, too.
        let _ = keep_room(&file, 0, self.options.reserve.0);
        Ok(())
    }

    fn remove_next(&self) -> io::Result<()> {
        if let Ok(file) = self.folder.dir().read(NEXT) {
            protect::lift_of(&file)?;
        }
        self.folder.dir().remove_if_there(NEXT)
    }

    /// Gives the prepared file the live name, unless the gateway has just made one itself.
    fn put_in_place(&self) -> io::Result<()> {
        let dir = self.folder.dir();
        match dir.rename_new(NEXT, dir, LIVE) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }

    /// A live file is append-only, whoever created it. One that is missing beside a renamed one is made; one that was
    /// there and is another now, or none, was stolen.
    fn guard_live(&mut self, draining: Option<&Stamped>, latest: Option<&str>) -> io::Result<()> {
        let dir = self.folder.dir();
        match (dir.read(LIVE), draining) {
            (Ok(file), _) => self.watch(file)?,
            (Err(error), before) if error.kind() == ErrorKind::NotFound => {
                match (self.live.take(), before) {
                    (Some(live), _) => {
                        let before = live.file.metadata()?;
                        self.note_stolen(live, "is gone");
                        self.make_live(&before)?;
                    }
                    (None, Some(before)) => {
                        let before = self.folder.open_draining(before)?.metadata()?;
                        self.make_live(&before)?;
                    }
                    (None, None) => return Ok(()),
                }
            }
            (Err(error), _) => {
                let Some(live) = self.live.take() else { return Err(error) };
                let before = live.file.metadata()?;
                self.note_stolen(live, "is no regular file any more");
                let stamp = self.folder.next_stamp(latest)?;
                dir.rename_new(LIVE, dir, &format!("entries.strange-{stamp}"))?;
                self.make_live(&before)?;
            }
        }
        self.keep_room();
        Ok(())
    }

    fn make_live(&mut self, before: &Metadata) -> io::Result<()> {
        self.prepare_next(before)?;
        self.put_in_place()?;
        let file = self.folder.dir().read(LIVE)?;
        self.watch(file)
    }

    fn watch(&mut self, file: File) -> io::Result<()> {
        let (identity, len) = (identity_of(&file)?, file.metadata()?.len());
        match self.live.take() {
            Some(live) if live.identity == identity => {
                let bytes = live.len.saturating_sub(len);
                if bytes > 0 {
                    self.notices.push(Notice::Cut { bytes });
                }
                let kept = if bytes > 0 { 0 } else { live.kept };
                self.live = Some(Live { len, kept, ..live });
                return Ok(());
            }
            Some(live) => self.note_stolen(live, "is another file now"),
            None => {}
        }
        let protection = protect::keep_append_only(&file)?;
        self.tell_modes(&protection);
        self.live = Some(Live { file, identity, len, kept: 0 });
        Ok(())
    }

    fn note_stolen(&mut self, live: Live, how: &'static str) {
        self.notices.push(Notice::Stolen(how));
        self.asked_for_stray = None;
        self.strays.push(live.file);
    }

    /// Best effort: some file systems keep no room, and some accounts may not ask for it.
    fn keep_room(&mut self) {
        let reserve = self.options.reserve.0;
        let Some(live) = self.live.as_mut().filter(|live| live.kept < live.len + reserve / 2)
        else {
            return;
        };
        let kept =
            self.folder.dir().append(LIVE).and_then(|file| keep_room(&file, live.len, reserve));
        live.kept = match kept {
            Ok(()) => live.len + reserve,
            Err(error) if error.kind() == ErrorKind::StorageFull => live.kept,
            Err(_) => u64::MAX,
        };
    }

    /// Brings the lines of a file without a name back, once nobody writes it any more.
    async fn rescue(&mut self, latest: Option<&str>) -> Result<(), String> {
        let Some(stray) = self.strays.first() else { return Ok(()) };
        let is_free = match writers(stray) {
            Writers::None => true,
            Writers::Some => false,
            Writers::Unknown => {
                self.asked_for_stray.is_some_and(|asked| asked.elapsed() >= self.options.drain.0)
            }
        };
        if !is_free {
            let is_told = self.asked_for_stray.is_some_and(|asked| asked.elapsed() < ASK_AGAIN);
            if let Some(reopen) = self.options.reopen.as_ref().filter(|_| !is_told) {
                reopen.ask().await?;
                self.asked_for_stray = Some(Instant::now());
            }
            return Ok(());
        }
        let stray = self.strays.remove(0);
        match self.copy_back(&stray, latest) {
            Ok(bytes) => {
                self.notices.push(Notice::Rescued { bytes });
                Ok(())
            }
            Err(error) => {
                self.strays.insert(0, stray);
                Err(format!(
                    "{}: lines of a file without a name wait for room: {error}",
                    self.folder.live().shown()
                ))
            }
        }
    }

    fn copy_back(&self, mut stray: &File, latest: Option<&str>) -> io::Result<u64> {
        let dir = self.folder.dir();
        if stray.metadata()?.len() == 0 {
            return Ok(0);
        }
        dir.remove_if_there(RESCUE)?;
        let mut file = dir.create(RESCUE, 0o640)?;
        stray.seek(SeekFrom::Start(0))?;
        let bytes = io::copy(&mut stray, &mut file)?;
        file.sync_all()?;
        let stamp = self.folder.next_stamp(latest)?;
        dir.rename_new(RESCUE, dir, &self.folder.draining_file(stamp, bytes).draining_name())?;
        self.folder.sync()?;
        Ok(bytes)
    }

    async fn drain(&mut self, old: &Stamped) -> Result<Step, String> {
        let fault = |error: io::Error| format!("{}: {error}", old.path.shown());
        let file = self.folder.open_draining(old).map_err(fault)?;
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
        let sealed = self.seal(old, &file).map_err(fault)?;
        self.asked = None;
        self.began = None;
        Ok(Step::Sealed(began.elapsed(), sealed))
    }

    /// Tells the gateway, unless it was told less than `again` ago; when it was.
    async fn ask(&mut self, old: &Path, again: Duration) -> Result<Instant, String> {
        if let Some(asked) = self.asked.filter(|asked| asked.elapsed() < again) {
            return Ok(asked);
        }
        let Some(reopen) = &self.options.reopen else {
            return Err(format!(
                "{}: somebody still writes it: --reopen says how the gateway is told to open a new one",
                old.shown()
            ));
        };
        reopen.ask().await?;
        Ok(*self.asked.insert(Instant::now()))
    }

    fn seal(&mut self, old: &Stamped, file: &File) -> io::Result<Option<Stamped>> {
        let len = file.metadata()?.len();
        if len == 0 {
            self.folder.dir().remove(&old.draining_name())?;
            self.folder.sync()?;
            return Ok(None);
        }
        // The room behind its end is for the next one.
        let _ = self.folder.dir().write(&old.draining_name()).and_then(|file| file.set_len(len));
        file.sync_all()?;
        let sealed = self.folder.move_to_sealed(&Stamped { len, ..old.clone() })?;
        self.seal_attributes(file, &sealed.path)?;
        self.folder.sync()?;
        Ok(Some(sealed))
    }

    /// A file that has another name somewhere is carried as it is, and not touched: that name may be somebody's.
    fn seal_attributes(&mut self, file: &File, path: &Path) -> io::Result<()> {
        let metadata = file.metadata()?;
        if metadata.nlink() > 1 {
            if !std::mem::replace(&mut self.has_told_links, true) {
                tell(&format!(
                    "{}: it has another name elsewhere, and stays unprotected",
                    path.shown()
                ));
            }
            return Ok(());
        }
        if metadata.mode() & 0o222 != 0
            && let Err(error) = file.set_permissions(Permissions::from_mode(0o440))
            && error.kind() != ErrorKind::PermissionDenied
        {
            return Err(error);
        }
        let protection = protect::keep_immutable(file)?;
        self.tell_modes(&protection);
        Ok(())
    }

    fn tell_modes(&mut self, protection: &Protection) {
        if let Protection::ModesOnly(_) = protection
            && !std::mem::replace(&mut self.has_told_modes, true)
        {
            tell(&format!("{}: {protection}", self.folder.path().shown()));
        }
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
        old.shown()
    )
}

fn unknown(old: &Path) -> String {
    format!(
        "{}: the kernel cannot tell whether somebody still writes it (no leases on this file system, or \
         neither its owner nor CAP_LEASE): --reopen says how the gateway is told, or that none runs",
        old.shown()
    )
}
