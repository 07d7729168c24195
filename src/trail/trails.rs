//! The trails of a node: one per controller, known by name, with the head that readers may see.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use prost::Message;

use super::keyring::Keyring;
use crate::model::date::{Date, Zone};
use crate::model::header::Link;
use crate::model::origin::{Controller, Origin};
use crate::model::seal::{Key, Use, date_key};
use crate::model::stored::TrailMeta;
use crate::store::keys::{self, Trail, ZoneNumber};
use crate::store::{Error, Family, Scan, Store};

/// What does not change about a trail, and the head that is published.
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
    /// The controller's key.
    pub key: Key,
    /// Number of durable records. Set only after the batch that holds them is durable.
    size: Mutex<u64>,
    /// Number of records that the index holds.
    indexed: Mutex<u64>,
    /// Expiry dates that postings stand under.
    dates: Mutex<BTreeSet<Date>>,
}

impl Info {
    /// What is known of a trail from its description and the keyring; `None` if the keyring lacks its keys.
    pub fn new(meta: &TrailMeta, keyring: &Keyring) -> Option<Self> {
        let origin = Origin::parse(&meta.origin)?;
        Some(Self {
            controller: origin.controller(),
            link: Link::of_origin(&origin),
            origin,
            number: meta.number,
            zone: Zone::named(&meta.zone)?,
            zone_number: keyring.zone_number(&meta.zone)?,
            key: keyring.controller_key(meta.controller_slot)?,
            size: Mutex::new(0),
            indexed: Mutex::new(0),
            dates: Mutex::default(),
        })
    }

    /// The key of an expiry date for one use; `None` if it was never made or is destroyed.
    pub fn date_key(&self, keyring: &Keyring, purpose: Use, date: Date) -> Option<Key> {
        let date = keyring.date_key(self.zone_number, date)?;
        Some(date_key(purpose, &self.key, &date, &self.link))
    }

    /// Number of durable records.
    pub fn size(&self) -> u64 {
        *self.size.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes a new head. The batch that holds its records is durable.
    pub fn publish(&self, size: u64) {
        *self.size.lock().unwrap_or_else(PoisonError::into_inner) = size;
    }

    /// Number of records that the index holds, so that what waits for it can be let go.
    pub fn indexed(&self) -> u64 {
        *self.indexed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The index holds this many records.
    pub fn publish_indexed(&self, indexed: u64) {
        *self.indexed.lock().unwrap_or_else(PoisonError::into_inner) = indexed;
    }

    /// Notes that postings stand under these dates.
    pub fn add_dates(&self, dates: impl IntoIterator<Item = Date>) {
        self.dates.lock().unwrap_or_else(PoisonError::into_inner).extend(dates);
    }

    /// Dates that postings stand under and that are still readable on `today`.
    pub fn dates_after(&self, today: Date) -> Vec<Date> {
        let dates = self.dates.lock().unwrap_or_else(PoisonError::into_inner);
        dates.range(today.plus_days(1)..).copied().collect()
    }
}

impl std::fmt::Debug for Info {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Trail({}, {} records)", self.origin, self.size())
    }
}

/// All trails by controller.
#[derive(Debug, Default)]
pub struct Trails(RwLock<BTreeMap<Controller, Arc<Info>>>);

impl Trails {
    /// Reads the descriptions of all trails.
    pub fn load(db: &dyn Store, keyring: &Keyring) -> Result<Self, Error> {
        let trails = Self::default();
        for row in db.scan(Scan::prefix(Family::Meta, keys::META_TRAIL)) {
            let (key, value) = row?;
            let name = String::from_utf8_lossy(&key).into_owned();
            let meta = TrailMeta::decode(&*value)
                .map_err(|_| Error::Corrupt(format!("the description {name} is not well-formed")))?;
            let info = Info::new(&meta, keyring).ok_or_else(|| {
                Error::Corrupt(format!("the keyring lacks the keys of {name}: restore the newest keyring"))
            })?;
            trails.add(Arc::new(info));
        }
        Ok(trails)
    }

    /// The trail of a controller.
    pub fn get(&self, controller: &Controller) -> Option<Arc<Info>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(controller).cloned()
    }

    /// All of them, by controller.
    pub fn all(&self) -> Vec<Arc<Info>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Adds a trail.
    pub fn add(&self, info: Arc<Info>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(info.controller.clone(), info);
    }
}
