//! The trails of a node: one per controller, opened at first use, closed when idle, with the head that readers may see.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::base::Base;
use super::indexer;
use super::keyring::Keyring;
use super::meta;
use super::position::{Position, position};
use super::reader::ReadError;
use crate::model::date::{Date, Zone};
use crate::model::header::Link;
use crate::model::origin::{Controller, Origin};
use crate::model::seal::{Key, LastingKeys, Use, date_key};
use crate::model::stored::TrailMeta;
use crate::model::tree::Hash;
use crate::store::keys::{Trail, ZoneNumber};
use crate::store::{Error, Family, Store};

/// A trail is closed after this many ticks of the guard without use: it then takes no memory at all.
const IDLE_TICKS: u32 = 60;

/// A size of a trail and the root of the tree over its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Number of records.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
}

/// What does not change about a trail, and what is published of it.
pub struct Info {
    /// Whose it is.
    pub controller: Controller,
    /// Its origin.
    pub origin: Origin,
    /// Hash of the origin: `O`.
    pub link: Link,
    /// Its number in storage keys.
    pub number: Trail,
    /// Its time zone.
    pub zone: Zone,
    /// The zone's number in storage keys.
    pub zone_number: ZoneNumber,
    /// The controller's key; one that opens nothing where it is destroyed, or none is at hand.
    pub key: Key,
    /// The controller's key is destroyed: nothing of it can be read.
    pub destroyed: bool,
    /// What it gives without a date.
    pub lasting: LastingKeys,
    /// No record is added to it any more.
    pub frozen: bool,
    /// The controller's trails before it, oldest first; read where the trail is opened, not where it is only described.
    pub past: Vec<Arc<Info>>,
    published: Mutex<Published>,
    /// Where the next record goes: the writer's alone.
    position: Mutex<Position>,
    /// Expiry dates that postings stand under; read from the index at the first search.
    dates: Mutex<Option<BTreeSet<Date>>>,
    idle: AtomicU32,
}

#[derive(Clone, Copy)]
struct Published {
    /// Set only after the batch that holds its records is durable.
    head: Head,
    /// Number of records when it was opened: what was there before is guarded already.
    found: u64,
    /// The last head that the guard holds.
    guarded: Option<Head>,
    /// Number of records that the index holds.
    indexed: u64,
    /// The signing key in force signs heads of at least this size: with smaller ones, another one was.
    signed_from: u64,
}

impl Info {
    /// What is known of a trail from its description and the keyring; `None` if the keyring lacks its keys, or has
    /// those of another zone in their place. Nothing of it is published yet.
    pub fn new(meta: &TrailMeta, keyring: &Keyring) -> Option<Self> {
        let origin = Origin::parse(&meta.origin)?;
        let zone_number = ZoneNumber::try_from(meta.zone_number).ok()?;
        if !keyring.is_absent() && keyring.zone_number(&meta.zone) != Some(zone_number) {
            return None;
        }
        let position = Position::empty(Link::of_origin(&origin));
        let head = Head { size: 0, root: position.tree.root() };
        let destroyed = keyring.is_destroyed(meta.controller_slot);
        let unread = destroyed || keyring.is_absent();
        let key = keyring.controller_key(meta.controller_slot).or_else(|| unread.then(Key::absent))?;
        Some(Self {
            controller: origin.controller(),
            link: position.head,
            origin,
            number: meta.number,
            zone: Zone::named(&meta.zone)?,
            zone_number,
            lasting: LastingKeys::of(&key),
            key,
            destroyed,
            frozen: meta.frozen,
            past: Vec::new(),
            published: Mutex::new(Published { head, found: 0, guarded: None, indexed: 0, signed_from: 0 }),
            position: Mutex::new(position),
            dates: Mutex::default(),
            idle: AtomicU32::new(0),
        })
    }

    /// The same without the controller's key, which is destroyed.
    fn without_key(&self) -> Self {
        let key = Key::absent();
        Self {
            controller: self.controller.clone(),
            origin: self.origin.clone(),
            link: self.link,
            number: self.number,
            zone: self.zone.clone(),
            zone_number: self.zone_number,
            lasting: LastingKeys::of(&key),
            key,
            destroyed: true,
            frozen: self.frozen,
            past: self.past.iter().map(|info| Arc::new(info.without_key())).collect(),
            published: Mutex::new(*self.published()),
            position: Mutex::new(self.position()),
            dates: Mutex::default(),
            idle: AtomicU32::new(0),
        }
    }

    /// The controller's trails, oldest first: this is the last of them.
    pub fn line(self: &Arc<Self>) -> Vec<Arc<Self>> {
        self.past.iter().chain([self]).cloned().collect()
    }

    /// The trail of that number in its line.
    pub fn of_line(self: &Arc<Self>, number: Trail) -> Option<Arc<Self>> {
        self.line().into_iter().find(|info| info.number == number)
    }

    /// The key of an expiry date for one use; `None` if it was never made or is destroyed.
    pub fn date_key(&self, keyring: &Keyring, purpose: Use, date: Date) -> Option<Key> {
        if self.destroyed {
            return None;
        }
        let date = keyring.date_key(self.zone_number, date)?;
        Some(date_key(purpose, &self.key, &date, &self.link))
    }

    /// The published head.
    pub fn head(&self) -> Head {
        self.published().head
    }

    /// Number of durable records.
    pub fn size(&self) -> u64 {
        self.head().size
    }

    /// The last head that the guard holds: only such a one may be signed. `None`: none since the trail was opened.
    pub fn guarded(&self) -> Option<Head> {
        let published = self.published();
        published.guarded.filter(|head| head.size >= published.signed_from)
    }

    /// The least size that the signing key in force may sign. Only grows.
    pub fn signed_from(&self) -> u64 {
        self.published().signed_from
    }

    /// Smaller heads are not signed any more: a key is about to come that signs from there on.
    pub(super) fn sign_from(&self, size: u64) {
        self.published().signed_from = size;
    }

    /// Number of records that the index holds, so that what waits for it can be let go.
    pub fn indexed(&self) -> u64 {
        self.published().indexed
    }

    /// Where the next record goes.
    pub(super) fn position(&self) -> Position {
        lock(&self.position).clone()
    }

    /// Goes on from there. The batch that leads to it is durable; readers see it once [`Info::publish`] is called.
    pub(super) fn set_position(&self, position: Position) {
        *lock(&self.position) = position;
    }

    /// Publishes a new head. The batch that holds its records is durable.
    pub(super) fn publish(&self, head: Head) {
        self.published().head = head;
    }

    /// The guard holds this head.
    pub(super) fn publish_guarded(&self, head: Head) {
        self.published().guarded = Some(head);
    }

    /// The index holds this many records; their postings stand under these dates too.
    pub(super) fn publish_indexed(&self, indexed: u64, dates: impl IntoIterator<Item = Date>) {
        // Not known yet: the first search reads them from the index, which holds these already.
        if let Some(known) = &mut *lock(&self.dates) {
            known.extend(dates);
        }
        self.published().indexed = indexed;
    }

    /// Dates that postings stand under and that are still readable on `today`.
    pub fn dates_after(&self, index: &dyn Store, today: Date) -> Result<Vec<Date>, Error> {
        // Held while they are read, so that a date that is written meanwhile is added afterwards.
        let mut dates = lock(&self.dates);
        let known = match &mut *dates {
            Some(known) => known,
            None => dates.insert(indexer::dates(index, Family::Posting, self)?.into_iter().collect()),
        };
        Ok(known.range(today.plus_days(1)..).copied().collect())
    }

    fn published(&self) -> MutexGuard<'_, Published> {
        lock(&self.published)
    }

    fn is_idle(&self) -> bool {
        let published = self.published();
        let grew = published.head.size > published.found;
        let guarded = published.guarded.map_or(!grew, |guarded| guarded == published.head);
        guarded && published.indexed == published.head.size
    }
}

impl std::fmt::Debug for Info {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Trail({}, {} records)", self.origin, self.size())
    }
}

/// All trails: descriptions on disk, the ones in use open.
#[derive(Debug, Default)]
pub struct Trails {
    open: RwLock<BTreeMap<Controller, Arc<Info>>>,
    // Held while one is opened: there is never a second of the same trail.
    opening: Mutex<()>,
    next: AtomicU32,
    next_slot: AtomicU32,
}

impl Trails {
    /// None is open; the next new one gets the number after these, and the next new controller the slot after theirs.
    pub fn after(trails: &[TrailMeta]) -> Self {
        let after =
            |numbers: fn(&TrailMeta) -> u32| trails.iter().map(|trail| numbers(trail) + 1).max().unwrap_or_default();
        Self {
            next: AtomicU32::new(after(|trail| trail.number)),
            next_slot: AtomicU32::new(after(|trail| trail.controller_slot)),
            ..Self::default()
        }
    }

    /// The number of the next trail to be opened for the first time.
    pub fn next_number(&self) -> Trail {
        self.next.load(Ordering::Relaxed)
    }

    /// The slot of the next controller to be opened for the first time: one that never had a key which is destroyed.
    pub(super) fn next_slot(&self, keyring: &Keyring) -> u32 {
        (self.next_slot.load(Ordering::Relaxed)..).find(|slot| !keyring.is_destroyed(*slot)).unwrap_or(u32::MAX)
    }

    /// The trail of a controller, opened if it is not; `None` if the controller has none.
    pub(super) fn get(&self, base: &Base, controller: &Controller) -> Result<Option<Arc<Info>>, ReadError> {
        if let Some(info) = self.opened(controller) {
            return Ok(Some(info));
        }
        let _opening = lock(&self.opening);
        if let Some(info) = self.opened(controller) {
            return Ok(Some(info));
        }
        let mut line = meta::past(base.db.as_ref(), controller)?;
        line.extend(meta::description(base.db.as_ref(), controller)?);
        let mut line: Vec<Info> = line.iter().map(|meta| opened(base, meta)).collect::<Result<_, _>>()?;
        let Some(mut last) = line.pop() else { return Ok(None) };
        last.past = line.into_iter().map(Arc::new).collect();
        let info = Arc::new(last);
        self.add(info.clone());
        Ok(Some(info))
    }

    /// The trail of a controller, if it is open, which is not made to stay so.
    pub(super) fn in_use(&self, controller: &Controller) -> Option<Arc<Info>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).get(controller).cloned()
    }

    /// The key of a trail is destroyed: whoever takes it from now on has none.
    pub(super) fn lose_key(&self, controller: &Controller) {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(info) = open.get_mut(controller) {
            *info = Arc::new(info.without_key());
        }
    }

    /// A trail was just made, with the key of that slot.
    pub(super) fn made(&self, number: Trail, slot: u32) {
        self.next.fetch_max(number + 1, Ordering::Relaxed);
        self.next_slot.fetch_max(slot + 1, Ordering::Relaxed);
    }

    /// Adds a trail that is open.
    pub(super) fn add(&self, info: Arc<Info>) {
        self.open.write().unwrap_or_else(PoisonError::into_inner).insert(info.controller.clone(), info);
    }

    /// The trails that are open.
    pub(super) fn all_open(&self) -> Vec<Arc<Info>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// One tick of time: closes the trails that nobody used for a while. Everything of them is on disk.
    pub(super) fn tick(&self) {
        self.close(|info| info.idle.fetch_add(1, Ordering::Relaxed) >= IDLE_TICKS);
    }

    /// Closes the trails that nobody holds, however lately they were used.
    pub(super) fn close_unused(&self) {
        self.close(|_| true);
    }

    fn close(&self, ripe: impl Fn(&Info) -> bool) {
        // Under the write lock nobody takes another hold of them.
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, info| !(ripe(info) && Arc::strong_count(info) == 1 && info.is_idle()));
    }

    fn opened(&self, controller: &Controller) -> Option<Arc<Info>> {
        let info = self.open.read().unwrap_or_else(PoisonError::into_inner).get(controller).cloned()?;
        info.idle.store(0, Ordering::Relaxed);
        Some(info)
    }
}

/// The last trail of each controller; `metas` as [`meta::descriptions`] orders them. One whose keys are not at hand is left out.
pub(super) fn last_of_each(metas: &[TrailMeta], keyring: &Keyring) -> BTreeMap<Controller, Info> {
    let infos = metas.iter().filter_map(|meta| Info::new(meta, keyring));
    infos.map(|info| (info.controller.clone(), info)).collect()
}

/// A trail that is described, where it stands on disk.
fn opened(base: &Base, meta: &TrailMeta) -> Result<Info, ReadError> {
    let info = Info::new(meta, &base.keyring).ok_or_else(|| {
        let names = format!("the description of {} names", meta.origin);
        Error::Corrupt(format!("the keyring lacks the keys that {names}: restore the newest keyring"))
    })?;
    let position = position(base, &info)?;
    let head = Head { size: position.size, root: position.tree.root() };
    info.publish(head);
    info.published().found = position.size;
    if info.frozen {
        // It grows no more: what there is was guarded when it did, or is named by the trail after it.
        info.publish_guarded(head);
    }
    info.set_position(position);
    info.publish_indexed(indexer::indexed(base.index.as_ref(), &info)?, []);
    Ok(info)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
