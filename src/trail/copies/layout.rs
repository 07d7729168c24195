//! The folder of copies: names, what counts, what goes.

use std::io;
use std::path::{Path, PathBuf};

use crate::model::date::Timestamp;
use crate::store::copying;

const HISTORY: &str = "history-";
const FORGETTABLE: &str = "forgettable-";
const PARTIAL: &str = ".partial";
const DAY_SECONDS: i64 = 86_400;
/// Says whose copies they are.
const OF: &str = "of";
/// No copy is kept for longer: the policies say that backups are overwritten within so many days.
pub const DAYS_MAX: u32 = 90;

/// A folder of copies.
#[derive(Debug, Clone)]
pub struct Copies(PathBuf);

/// A copy of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Where.
    pub path: PathBuf,
    /// When it was begun.
    pub at: Timestamp,
}

/// A copy that is being made.
pub(super) struct Making {
    partial: PathBuf,
    path: PathBuf,
}

impl Making {
    /// Where it is until then.
    pub(super) fn partial(&self) -> &Path {
        &self.partial
    }

    /// It gets its name, durable when this returns.
    pub(super) fn end(self) -> io::Result<PathBuf> {
        // Whoever made it may have let others in.
        copying::close(&self.partial)?;
        copying::sync(&self.partial)?;
        copying::name(&self.partial, &self.path)?;
        Ok(self.path)
    }
}

impl Copies {
    /// That folder, to be read.
    pub fn at(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// That folder, to keep copies of one store there; made if it is missing. The store is told from others by the origin of its first
    /// trail, which stays through every restore: a new store on an empty volume must not take the place of what is to be restored.
    /// What a stop left goes.
    ///
    /// # Errors
    ///
    /// It has copies of another store, or the disk fails.
    pub fn open(folder: &Path, of: &str) -> io::Result<Self> {
        if !folder.exists() {
            copying::make(folder)?;
        }
        let copies = Self(folder.to_owned());
        let mark = folder.join(OF);
        match copying::text(&mark)? {
            Some(kept) if kept.trim_end() == of => {}
            Some(kept) => {
                let why = format!(
                    "it has copies of the store that began with {}, this one began with {of}: restore from it, or give another folder",
                    kept.trim_end()
                );
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
            }
            None => copying::put(&mark, format!("{of}\n").as_bytes())?,
        }
        copies.clear(&[HISTORY, FORGETTABLE])?;
        copies.forget_older()?;
        Ok(copies)
    }

    /// What was begun and not ended goes, of these.
    fn clear(&self, of: &[&str]) -> io::Result<()> {
        for (name, path) in copying::entries(&self.0)? {
            let ours = of.iter().any(|begins| name.starts_with(begins));
            if ours && time_of(&name).is_none() && place_of(&name).is_none() {
                copying::remove(&path)?;
            }
        }
        Ok(())
    }

    /// Copies of histories, oldest first.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub fn histories(&self) -> io::Result<Vec<History>> {
        let entries = copying::entries(&self.0)?.into_iter();
        let mut found: Vec<History> =
            entries.filter_map(|(name, path)| Some(History { at: time_of(&name)?, path })).collect();
        found.sort_by_key(|history| history.at);
        Ok(found)
    }

    /// The newest forgettable set; none if none was ever made.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub fn forgettable(&self) -> io::Result<Option<PathBuf>> {
        Ok(self.forgettables()?.pop().map(|(_, path)| path))
    }

    pub(super) fn begin_history(&self, now: Timestamp) -> io::Result<Making> {
        self.clear(&[HISTORY, FORGETTABLE])?;
        let name: String = now.to_string().chars().filter(char::is_ascii_alphanumeric).collect();
        let making = self.making(&format!("{HISTORY}{name}"));
        match making.path.exists() {
            true => Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a copy of this moment")),
            false => Ok(making),
        }
    }

    pub(super) fn begin_forgettable(&self, generation: u64) -> io::Result<Making> {
        // What is being made of a history stays.
        self.clear(&[FORGETTABLE])?;
        // Whatever the clock and the keyring say, the newest has the greatest number.
        let (before, serial) = self.forgettables()?.pop().map_or((0, 0), |(place, _)| place);
        let generation = generation.max(before);
        let making = self.making(&format!("{FORGETTABLE}{generation:010}-{:06}", serial + 1));
        copying::make(&making.partial)?;
        Ok(making)
    }

    /// Only the newest forgettable set stays.
    pub(super) fn forget_older(&self) -> io::Result<()> {
        let mut all = self.forgettables()?;
        all.pop();
        all.into_iter().try_for_each(|(_, path)| copying::remove(&path))?;
        copying::sync_names(&self.0)
    }

    /// Histories that are older than so many days go, but for the newest, and that one too after [`DAYS_MAX`].
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub fn prune(&self, now: Timestamp, keep_days: u32) -> io::Result<()> {
        let before = |days: u32| now.parts().0 - i64::from(days) * DAY_SECONDS;
        let mut all = self.histories()?;
        let newest = all.pop().filter(|newest| newest.at.parts().0 < before(DAYS_MAX));
        all.retain(|history| history.at.parts().0 < before(keep_days));
        all.into_iter().chain(newest).try_for_each(|history| copying::remove(&history.path))
    }

    fn making(&self, name: &str) -> Making {
        let partial = self.0.join(format!("{name}{PARTIAL}"));
        Making { partial, path: self.0.join(name) }
    }

    /// Forgettable sets by generation and number.
    fn forgettables(&self) -> io::Result<Vec<((u64, u64), PathBuf)>> {
        let entries = copying::entries(&self.0)?.into_iter();
        let mut found: Vec<_> = entries.filter_map(|(name, path)| Some((place_of(&name)?, path))).collect();
        found.sort_unstable();
        Ok(found)
    }
}

/// The generation and number of a forgettable set that is complete, by its name.
fn place_of(name: &str) -> Option<(u64, u64)> {
    let (generation, serial) = name.strip_prefix(FORGETTABLE)?.split_once('-')?;
    Some((generation.parse().ok()?, serial.parse().ok()?))
}

/// The time of a history that is complete, by its name.
fn time_of(name: &str) -> Option<Timestamp> {
    time(name.strip_prefix(HISTORY)?)
}

/// As in a name: 20261127T203000Z, perhaps with a fraction of the second before the Z.
fn time(name: &str) -> Option<Timestamp> {
    let (date, rest) = name.split_at_checked(8)?;
    let (clock, fraction) = rest.strip_prefix('T')?.strip_suffix('Z')?.split_at_checked(6)?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !(digits(date) && digits(clock) && digits(fraction)) {
        return None;
    }
    let fraction = if fraction.is_empty() { String::new() } else { format!(".{fraction}") };
    let (day, hours) =
        ([&date[..4], &date[4..6], &date[6..]].join("-"), [&clock[..2], &clock[2..4], &clock[4..]].join(":"));
    Timestamp::parse(&format!("{day}T{hours}{fraction}Z"))
}
