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
//! The live file is one inode and only grows, and so does a renamed one. They are held open here: whoever removes one, or
//! renames it past this tool, takes only its name. It is said, a new live one is made, the gateway told, and the lines of
//! the old one are copied back.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
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
    dir::{Mark, identity_of, keep_room},
    folder::{Folder, NEXT, RESCUE, Stamped},
    lease::{Writers, writers},
    reopen::Reopen,
    telling::Telling,
    units::{Size, Span},
    watched::Watched,
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
    /// Renamed files, by their stamps.
    draining: BTreeMap<String, Watched>,
    /// Files of which somebody took the name.
    strays: Vec<Stray>,
    notices: Vec<Notice>,
    has_told_modes: bool,
    has_told_links: bool,
    /// When the gateway was last told, for the file that is draining.
    asked: Option<Instant>,
    began: Option<Instant>,
    telling: Telling,
    /// The same, for a file that lost its name.
    asked_for_stray: Option<Instant>,
    telling_for_stray: Telling,
}

/// The live file as it was last seen.
#[derive(Debug)]
struct Live {
    watched: Watched,
    /// Up to where there is room.
    kept: u64,
}

/// A file without a name, and what it was called.
#[derive(Debug)]
pub(super) struct Stray {
    pub(super) name: String,
    pub(super) file: File,
}

/// Something that must not happen to a ledger, and has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// Somebody took the name of a live or renamed file; its lines are still to be had.
    Stolen { name: String, how: &'static str },
    /// They are back.
    Rescued { name: String, bytes: u64 },
    /// They are not: there was no room, or no time.
    Given { name: String, bytes: u64, why: String },
    /// A live or renamed file became shorter.
    Cut { name: String, bytes: u64 },
    /// Something else had the name of a file that was needed, and has another one now.
    Aside { name: String, now: String },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stolen { name, how } => write!(
                f,
                "{name} {how}: somebody removed, renamed or replaced it; the gateway has a new one, or gets it, and \
                 what the old one holds is taken back"
            ),
            Self::Rescued { name, bytes } => write!(f, "{bytes} bytes of the old {name} are back"),
            Self::Given { name, bytes, why } => {
                write!(f, "LOST: {bytes} bytes of the old {name}: {why}")
            }
            Self::Cut { name, bytes } => write!(f, "LOST: somebody cut {bytes} bytes off {name}"),
            Self::Aside { name, now } => {
                write!(f, "{name} was no regular file of ours: it is {now} now")
            }
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

impl<'a> Rotation<'a> {
    pub(super) fn new(folder: &'a Folder, options: &'a Options, ages: &'a RefCell<Ages>) -> Self {
        Self {
            folder,
            options,
            ages,
            live: None,
            draining: BTreeMap::new(),
            strays: Vec::new(),
            notices: Vec::new(),
            has_told_modes: false,
            has_told_links: false,
            asked: None,
            began: None,
            telling: Telling::default(),
            asked_for_stray: None,
            telling_for_stray: Telling::default(),
        }
    }

    /// Protects what an earlier run sealed and could not protect any more, and takes up what it was bringing back. A file
    /// that cannot be read stays as it is: whoever ships it says so.
    pub(super) fn recover(&mut self, latest: Option<&str>) -> io::Result<()> {
        for file in self.folder.sealed()? {
            if let Ok(open) = self.folder.open_sealed(&file)
                && let Err(error) = self.seal_attributes(&open, &file.path)
            {
                tell(&format!("{}: it stays unprotected: {error}", file.path.shown()));
            }
        }
        self.take_up_rescued(latest)
    }

    /// Whoever was killed while it brought lines back had them nowhere else.
    fn take_up_rescued(&mut self, latest: Option<&str>) -> io::Result<()> {
        let dir = self.folder.dir();
        let bytes = match dir.read(RESCUE) {
            // What is no file of ours is told as strange.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput) => {
                return Ok(());
            }
            file => file?.metadata()?.len(),
        };
        let stamp = self.folder.next_stamp(latest)?;
        dir.rename_new(RESCUE, dir, &self.folder.draining_file(stamp, bytes).draining_name())?;
        self.notices.push(Notice::Rescued { name: RESCUE.to_owned(), bytes });
        self.folder.sync()
    }

    /// Makes the next live file before it is needed: a disk without room or files has none then.
    pub(super) fn prepare(&mut self) -> io::Result<()> {
        let Some(live) = &self.live else { return Ok(()) };
        let before = live.watched.file.metadata()?;
        match self.folder.dir().identity_of(NEXT)? {
            Some(_) => Ok(()),
            None => self.prepare_next(&before).map(drop),
        }
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
    pub(super) fn rescue_now(&mut self, latest: Option<&str>) {
        for stray in std::mem::take(&mut self.strays) {
            let len = stray.file.metadata().map_or(0, |file| file.len());
            let rescued = self.copy_back(&stray.file, latest);
            let name = stray.name;
            self.notices.push(match rescued {
                Ok(bytes) => Notice::Rescued { name, bytes },
                Err(error) => Notice::Given { name, bytes: len, why: error.to_string() },
            });
        }
    }

    /// Files that have lost their name, and with it their place in any list.
    pub(super) fn strays(&self) -> &[Stray] {
        &self.strays
    }

    /// Goes one step on; `now` rotates also what is not due. `latest` is the latest sealed file that was
    /// ever shipped. A renamed file that cannot be read holds up no other, and is told when nothing else is to be done.
    pub(super) async fn step(&mut self, now: bool, latest: Option<&str>) -> Result<Step, String> {
        let fault = |error: io::Error| format!("{}: {error}", self.folder.path().shown());
        self.finish_exchange(latest).map_err(fault)?;
        let listed = self.folder.draining().map_err(fault)?;
        let (draining, unread) = self.watch_draining(listed);
        self.guard_live(draining.first(), latest).map_err(|error| self.fault(&error))?;
        self.rescue(latest).await?;
        if let Some(oldest) = draining.first() {
            return self.drain(oldest).await;
        }
        if self.folder.live_len() > 0 && (now || self.is_due()) {
            self.begin(latest).map_err(|error| self.fault(&error))?;
            return Ok(Step::Began);
        }
        unread.map_or(Ok(Step::Idle), Err)
    }

    /// Looks at every renamed file: those that can be read, and why others cannot.
    fn watch_draining(&mut self, listed: Vec<Stamped>) -> (Vec<Stamped>, Option<String>) {
        let stamps: BTreeSet<_> = listed.iter().map(|file| file.stamp.clone()).collect();
        let is_gone = |stamp: &String| !stamps.contains(stamp);
        let gone: Vec<_> = self.draining.keys().filter(|stamp| is_gone(stamp)).cloned().collect();
        for stamp in gone {
            self.lose_name(&stamp, "is gone");
        }
        let (mut readable, mut unread) = (Vec::new(), None);
        for file in listed {
            match self.watch_one(&file) {
                Ok(()) => readable.push(file),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => {
                    let _ = unread.get_or_insert(format!("{}: {error}", file.path.shown()));
                }
            }
        }
        (readable, unread)
    }

    fn watch_one(&mut self, file: &Stamped) -> io::Result<()> {
        let open = self.folder.open_draining(file)?;
        let identity = identity_of(&open)?;
        if self.draining.get(&file.stamp).is_some_and(|before| before.identity != identity) {
            self.lose_name(&file.stamp, "is another file now");
        }
        let watched = match self.draining.remove(&file.stamp) {
            Some(watched) => watched,
            None => Watched::new(open)?,
        };
        let watched = self.draining.entry(file.stamp.clone()).or_insert(watched);
        let bytes = watched.look()?;
        if bytes > 0 {
            self.notices.push(Notice::Cut { name: file.draining_name(), bytes });
        }
        Ok(())
    }

    fn lose_name(&mut self, stamp: &str, how: &'static str) {
        let Some(watched) = self.draining.remove(stamp) else { return };
        let name = self.folder.draining_file(stamp.to_owned(), 0).draining_name();
        self.note_stolen(name, watched.file, how);
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
        let next = self.prepare_next(&live.metadata()?)?;
        // A disk that is full at its rotation has the room for the lines that follow, too.
        let _ = keep_room(&next, 0, self.options.reserve.0);
        protect::lift_of(&live)?;
        let before = self.live.take();
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
        self.draining.extend(before.map(|before| (stamp.clone(), before.watched)));
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
    /// already, nothing has to be made; one that has another name elsewhere is not ours to change.
    fn prepare_next(&mut self, before: &Metadata) -> io::Result<File> {
        let mode = before.mode() & 0o777;
        let file = match self.folder.dir().append(NEXT) {
            Ok(file) if file.metadata()?.nlink() == 1 => file,
            _ => {
                self.clear_next().map_err(of_next)?;
                self.folder.dir().create(NEXT, mode).map_err(of_next)?
            }
        };
        let next = file.metadata()?;
        if next.mode() & 0o777 != mode {
            file.set_permissions(Permissions::from_mode(mode)).map_err(of_next)?;
        }
        if (next.uid(), next.gid()) != (before.uid(), before.gid()) {
            fchown(&file, Some(before.uid()), Some(before.gid())).map_err(unchowned)?;
        }
        Ok(file)
    }

    /// Whatever has the name of the next file gives way.
    fn clear_next(&mut self) -> io::Result<()> {
        let dir = self.folder.dir();
        if let Ok(file) = dir.read(NEXT)
            && file.metadata()?.nlink() == 1
        {
            protect::lift_of(&file)?;
        }
        match dir.remove_if_there(NEXT) {
            Ok(()) => Ok(()),
            Err(_) => self.put_aside(NEXT, None),
        }
    }

    fn put_aside(&mut self, name: &str, latest: Option<&str>) -> io::Result<()> {
        let now = format!("entries.strange-{}", self.folder.next_stamp(latest)?);
        self.folder.dir().rename_new(name, self.folder.dir(), &now)?;
        self.notices.push(Notice::Aside { name: name.to_owned(), now });
        Ok(())
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
                        let before = live.watched.file.metadata()?;
                        self.note_stolen(LIVE.to_owned(), live.watched.file, "is gone");
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
                let before = live.watched.file.metadata()?;
                let how = "is no regular file any more";
                self.note_stolen(LIVE.to_owned(), live.watched.file, how);
                self.put_aside(LIVE, latest)?;
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
        let identity = identity_of(&file)?;
        match self.live.take() {
            Some(mut live) if live.watched.identity == identity => {
                let bytes = live.watched.look()?;
                if bytes > 0 {
                    self.notices.push(Notice::Cut { name: LIVE.to_owned(), bytes });
                    live.kept = 0;
                }
                self.live = Some(live);
                return Ok(());
            }
            Some(live) => {
                self.note_stolen(LIVE.to_owned(), live.watched.file, "is another file now");
            }
            None => {}
        }
        let protection = protect::keep_append_only(&file)?;
        self.tell_modes(&protection);
        self.live = Some(Live { watched: Watched::new(file)?, kept: 0 });
        Ok(())
    }

    fn note_stolen(&mut self, name: String, file: File, how: &'static str) {
        self.notices.push(Notice::Stolen { name: name.clone(), how });
        self.asked_for_stray = None;
        self.strays.push(Stray { name, file });
    }

    /// Best effort: some file systems keep no room, and some accounts may not ask for it.
    fn keep_room(&mut self) {
        let reserve = self.options.reserve.0;
        let is_short = |live: &&mut Live| live.kept < live.watched.len + reserve / 2;
        let Some(live) = self.live.as_mut().filter(is_short) else { return };
        let len = live.watched.len;
        let kept = self.folder.dir().append(LIVE).and_then(|file| keep_room(&file, len, reserve));
        live.kept = match kept {
            Ok(()) => len + reserve,
            Err(error) if error.kind() == ErrorKind::StorageFull => live.kept,
            Err(_) => u64::MAX,
        };
    }

    /// Brings the lines of a file without a name back, once nobody writes it any more.
    async fn rescue(&mut self, latest: Option<&str>) -> Result<(), String> {
        let Some(stray) = self.strays.first() else { return Ok(()) };
        let is_free = match writers(&stray.file) {
            Writers::None => true,
            Writers::Some => false,
            Writers::Unknown => {
                self.asked_for_stray.is_some_and(|asked| asked.elapsed() >= self.options.drain.0)
            }
        };
        if !is_free {
            let is_told = self.asked_for_stray.is_some_and(|asked| asked.elapsed() < ASK_AGAIN);
            if let Some(reopen) = self.options.reopen.as_ref().filter(|_| !is_told)
                && let Some(told) = self.telling_for_stray.go_on(reopen).await
            {
                told?;
                self.asked_for_stray = Some(Instant::now());
            }
            return Ok(());
        }
        let stray = self.strays.remove(0);
        match self.copy_back(&stray.file, latest) {
            Ok(bytes) => {
                self.notices.push(Notice::Rescued { name: stray.name, bytes });
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

    fn copy_back(&mut self, mut stray: &File, latest: Option<&str>) -> io::Result<u64> {
        if stray.metadata()?.len() == 0 {
            return Ok(0);
        }
        // Whatever has the name already may be all that is left of something.
        self.take_up_rescued(latest)?;
        let dir = self.folder.dir();
        let mut file = dir.create(RESCUE, 0o640)?;
        stray.seek(SeekFrom::Start(0))?;
        let copied = io::copy(&mut stray, &mut file).and_then(|bytes| {
            file.sync_all()?;
            Ok(bytes)
        });
        let bytes = match copied {
            Ok(bytes) => bytes,
            Err(error) => {
                // The whole of it is still held, and the room is needed.
                dir.remove_if_there(RESCUE)?;
                return Err(error);
            }
        };
        let stamp = self.folder.next_stamp(latest)?;
        dir.rename_new(RESCUE, dir, &self.folder.draining_file(stamp, bytes).draining_name())?;
        self.folder.sync()?;
        Ok(bytes)
    }

    async fn drain(&mut self, old: &Stamped) -> Result<Step, String> {
        let fault = |error: io::Error| format!("{}: {error}", old.path.shown());
        let Some(watched) = self.draining.get(&old.stamp) else { return Ok(Step::Draining) };
        let file = watched.file.try_clone().map_err(fault)?;
        let is_free = match writers(&file) {
            Writers::None => true,
            Writers::Some => self.ask(&old.path, ASK_AGAIN).await.map(|_| false)?,
            Writers::Unknown if self.options.reopen.is_none() => return Err(unknown(&old.path)),
            Writers::Unknown => {
                let asked = self.ask(&old.path, Duration::MAX).await?;
                asked.is_some_and(|asked| asked.elapsed() >= self.options.drain.0)
            }
        };
        let began = *self.began.get_or_insert_with(Instant::now);
        if !is_free {
            let is_overdue = began.elapsed() >= OVERDUE;
            return if is_overdue { Err(still_open(&old.path)) } else { Ok(Step::Draining) };
        }
        let sealed = self.seal(old, &file).map_err(fault)?;
        self.draining.remove(&old.stamp);
        self.asked = None;
        self.began = None;
        Ok(Step::Sealed(began.elapsed(), sealed))
    }

    /// Tells the gateway, unless it was told less than `again` ago; when it was, if that is known yet.
    async fn ask(&mut self, old: &Path, again: Duration) -> Result<Option<Instant>, String> {
        if let Some(asked) = self.asked.filter(|asked| asked.elapsed() < again) {
            return Ok(Some(asked));
        }
        let Some(reopen) = &self.options.reopen else {
            return Err(format!(
                "{}: somebody still writes it: --reopen says how the gateway is told to open a new one",
                old.shown()
            ));
        };
        let Some(told) = self.telling.go_on(reopen).await else { return Ok(None) };
        told?;
        self.asked = Some(Instant::now());
        Ok(self.asked)
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
        let (mark, _) = Mark::of(file)?;
        let sealed = self.folder.move_to_sealed(&Stamped { len, mark, ..old.clone() })?;
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

fn of_next(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{NEXT}, which becomes the live file: {error}"))
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{
        super::bed::{Bed, entries},
        *,
    };

    const STAMP: &str = "20261121T110000.000000Z";

    /// Goes on until something was sealed; what was noticed on the way.
    async fn seal(rotation: &mut Rotation<'_>) -> Vec<Notice> {
        for _ in 0..100 {
            if let Ok(Step::Sealed(_, Some(_))) = rotation.step(false, None).await {
                return rotation.take_notices();
            }
        }
        panic!("nothing was sealed: {:?}", rotation.take_notices());
    }

    fn only(folder: &Path, end: &str) -> std::path::PathBuf {
        let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let found: Vec<_> = paths.filter(|path| path.to_str().unwrap().ends_with(end)).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].clone()
    }

    #[test]
    fn a_renamed_file_that_is_taken_away_comes_back_whole() {
        type Take = fn(&Path);
        let takes: [(&str, Take); 3] = [
            ("removed", |at| fs::remove_file(at).unwrap()),
            ("moved", |at| fs::rename(at, at.with_extension("gone")).unwrap()),
            ("replaced", |at| {
                fs::write(at.with_extension("x"), "").unwrap();
                fs::rename(at.with_extension("x"), at).unwrap();
            }),
        ];
        for (what, take) in takes {
            let bed = Bed::new();
            fs::write(bed.ledger().join(LIVE), entries(0..5)).unwrap();
            bed.with(&["--reopen", "none"], async |made| {
                let mut rotation =
                    Rotation::new(made.state.folder, &made.options.rotation, made.state.ages);
                let gateway =
                    fs::OpenOptions::new().append(true).open(bed.ledger().join(LIVE)).unwrap();
                assert_eq!(rotation.step(true, None).await, Ok(Step::Began));
                assert_eq!(rotation.step(false, None).await, Ok(Step::Draining));
                take(&only(&bed.ledger(), ".draining"));
                let _ = rotation.step(false, None).await.unwrap();
                let is_stolen = |notice: &Notice| matches!(notice, Notice::Stolen { .. });
                assert!(rotation.take_notices().iter().any(is_stolen), "{what}");
                drop(gateway);
                let notices = seal(&mut rotation).await;
                assert!(matches!(notices[..], [Notice::Rescued { .. }]), "{what}: {notices:?}");
            });
            let sealed = only(&bed.ledger().join("segments"), ".jsonl");
            assert_eq!(fs::read_to_string(sealed).unwrap(), entries(0..5), "{what}");
        }
    }

    #[test]
    fn a_renamed_file_that_is_cut_is_a_loss_that_is_noticed() {
        let bed = Bed::new();
        fs::write(bed.ledger().join(LIVE), entries(0..5)).unwrap();
        bed.with(&["--reopen", "none"], async |made| {
            let mut rotation =
                Rotation::new(made.state.folder, &made.options.rotation, made.state.ages);
            assert_eq!(rotation.step(true, None).await, Ok(Step::Began));
            let at = only(&bed.ledger(), ".draining");
            fs::OpenOptions::new().write(true).open(&at).unwrap().set_len(0).unwrap();
            assert_eq!(
                rotation.step(false, None).await.map(|step| matches!(step, Step::Sealed(_, None))),
                Ok(true)
            );
            let [Notice::Cut { name, bytes }] = &rotation.take_notices()[..] else {
                panic!("no notice")
            };
            assert!(name.ends_with(".draining") && *bytes == entries(0..5).len() as u64);
        });
    }

    #[test]
    fn what_was_on_its_way_back_when_it_was_killed_is_taken_up() {
        let bed = Bed::new();
        fs::write(bed.ledger().join(RESCUE), entries(0..5)).unwrap();
        bed.with(&["--reopen", "none"], async |made| {
            let mut rotation =
                Rotation::new(made.state.folder, &made.options.rotation, made.state.ages);
            rotation.recover(None).unwrap();
            let _ = seal(&mut rotation).await;
        });
        let sealed = only(&bed.ledger().join("segments"), ".jsonl");
        assert_eq!(fs::read_to_string(sealed).unwrap(), entries(0..5));
    }

    #[test]
    fn whatever_has_the_name_of_the_next_file_gives_way() {
        type Lay = fn(&Path, &Path);
        let lays: [(&str, Lay); 3] = [
            ("folder", |at, _| fs::create_dir_all(at.join("in it")).unwrap()),
            ("link", |at, other| std::os::unix::fs::symlink(other, at).unwrap()),
            ("second name", |at, other| fs::hard_link(other, at).unwrap()),
        ];
        for (what, lay) in lays {
            let bed = Bed::new();
            let other = bed.ledger().join("another");
            fs::write(&other, "").unwrap();
            fs::set_permissions(&other, Permissions::from_mode(0o604)).unwrap();
            fs::write(bed.ledger().join(LIVE), entries(0..5)).unwrap();
            lay(&bed.ledger().join(NEXT), &other);
            bed.with(&["--reopen", "none"], async |made| {
                let mut rotation =
                    Rotation::new(made.state.folder, &made.options.rotation, made.state.ages);
                assert_eq!(rotation.step(true, None).await, Ok(Step::Began), "{what}");
                rotation.prepare().unwrap();
                assert!(bed.ledger().join(NEXT).exists(), "made before it is needed");
            });
            assert_eq!(other.metadata().unwrap().mode() & 0o777, 0o604, "{what}");
            assert_eq!(other.metadata().unwrap().len(), 0, "{what}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_stops_neither_the_start_nor_another_rotation() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let bed = Bed::new();
        let unreadable = bed.ledger().join(format!("entries-{STAMP}.draining"));
        for path in [&unreadable, &bed.sealed(STAMP)] {
            fs::write(path, entries(0..5)).unwrap();
            fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
        }
        let live = bed.ledger().join(LIVE);
        fs::write(&live, entries(5..9)).unwrap();
        for path in [&bed.ledger(), &bed.ledger().join("segments"), &live] {
            std::os::unix::fs::chown(path, Some(NOBODY), None).unwrap();
        }
        bed.with(&["--reopen", "none"], async |made| {
            let mut rotation = Rotation::new(made.state.folder, &made.options.rotation, made.state.ages);
            as_user(NOBODY);
            let recovered = rotation.recover(None);
            let steps = [rotation.step(true, None).await, rotation.step(false, None).await, rotation.step(false, None).await];
            as_user(0);
            recovered.unwrap();
            assert!(matches!(&steps, [Ok(Step::Began), Ok(Step::Sealed(_, Some(_))), Err(why)] if why.contains(STAMP)), "{steps:?}");
        });
    }

    const NOBODY: u32 = 65_534;

    /// For file systems, and for this thread alone.
    fn as_user(user: u32) {
        // SAFETY: the call takes a number and touches no memory of this process.
        unsafe { libc::setfsuid(user) };
    }
}
