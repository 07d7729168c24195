//! The writer: sole owner of what changes. [`Writer::step`] records one group; the thread is a loop around it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use prost::Message;

use super::base::Base;
use super::indexer::{self, Entry};
use super::keyring;
use super::reader::{ReadError, Reader, position};
use super::seen::{Place, Seen, Sight};
use super::sequencer::{Position, Sequencer};
use super::trails::Info;
use super::vault::{Draft, Of};
use crate::model::check::Violation;
use crate::model::date::{Date, Timestamp, Zone};
use crate::model::event::Event;
use crate::model::header::Link;
use crate::model::identity::{Domain, Identity, Pseudonym};
use crate::model::notice;
use crate::model::origin::{Controller, Origin};
use crate::model::policy::Dates;
use crate::model::record::{Contents, People, Record};
use crate::model::seal::{Key, Use, session_hash};
use crate::model::stored::{SourceAssurance, TrailMeta, Warning};
use crate::model::term::Term;
use crate::store::{self, Batch, Family, keys};

/// Events older than this must be imports.
pub const RETRY_WINDOW: Duration = Duration::from_secs(7 * 24 * 3600);
/// Events further ahead of the clock than this are refused.
pub const AHEAD_MAX: Duration = Duration::from_secs(5 * 60);
/// A clock further behind than this is wrong: dates counted from it would be too.
const BEHIND_MAX: Duration = Duration::from_secs(24 * 3600);
/// Beyond this the difference of clocks is flagged.
const SKEW: Duration = Duration::from_secs(5);
/// How long a client waits before it tries again.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);

/// An event to be recorded.
#[derive(Debug, Clone)]
pub struct Submission {
    /// In whose trail.
    pub controller: Controller,
    /// What.
    pub event: Event,
    /// Whether an unknown controller may be opened for it.
    pub may_open: bool,
}

/// Proof that a record is durable and chained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Origin of the trail.
    pub origin: Origin,
    /// Position.
    pub seq: u64,
    /// Link.
    pub link: Link,
    /// When.
    pub recorded_at: Timestamp,
}

/// A recorded event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Where it stands.
    pub receipt: Receipt,
    /// Numbers of `Warning`s.
    pub warnings: Vec<i32>,
}

/// Why an event was not recorded, or may not have been.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not applied: mend it.
    #[error("the event is not as it should be: {}", list(.0))]
    Invalid(Vec<Violation>),
    /// Not applied: no such controller, or not yours.
    #[error("no such controller, or you may not report for it")]
    NoController,
    /// Not applied: try again.
    #[error("not recorded, try again: {reason}")]
    Busy {
        /// Why.
        reason: &'static str,
    },
    /// Not applied: the first event of that id stands.
    #[error("event_id was used for another event: the first one stands; give every event an id of its own")]
    Conflict,
    /// Not applied: what is stored of somebody in it is damaged.
    #[error(
        "not recorded: what is stored of somebody in this event is damaged; the operator finds the place in akta's log"
    )]
    Damaged,
    /// Perhaps applied: only reopening decides.
    #[error("it is not known whether the event was recorded: retry with the same event_id")]
    Uncertain,
}

fn list(violations: &[Violation]) -> String {
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// What one step did.
pub struct Step {
    /// One result per submission, in order.
    pub results: Vec<Result<Recorded, RecordError>>,
    /// What is to be indexed, in order.
    pub entries: Vec<Entry>,
    heads: Vec<(Arc<Info>, u64)>,
}

impl Step {
    /// Lets readers see the new heads. Before that the indexer has the entries, so that a question that covers a
    /// record finds it.
    pub fn publish(&self) {
        for (info, size) in &self.heads {
            info.publish(*size);
        }
    }
}

/// Records groups. There is one per node.
pub struct Writer {
    base: Arc<Base>,
    positions: HashMap<Controller, Position>,
    seen: Seen,
    generation: u64,
    stopped: bool,
}

/// A trail within one step.
struct Staged<'a> {
    info: Arc<Info>,
    sequencer: Sequencer<'a>,
}

#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Keyring(#[from] keyring::Error),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the keyring has no key for the expiry date {0}")]
    NoKey(Date),
}

impl StepError {
    fn is_damage(&self) -> bool {
        use store::Error::Corrupt;
        matches!(self, Self::Read(ReadError::DataLoss { .. } | ReadError::Store(Corrupt(_))) | Self::Store(Corrupt(_)))
    }
}

impl Writer {
    /// Goes on where the trails stand on disk, and publishes their heads.
    pub fn open(base: Arc<Base>) -> Result<Self, ReadError> {
        let mut positions = HashMap::new();
        for info in base.trails.all() {
            let position = position(&base, &info)?;
            info.publish(position.size);
            positions.insert(info.controller.clone(), position);
        }
        Ok(Self { base, positions, seen: Seen::default(), generation: 0, stopped: false })
    }

    /// Records nothing any more: what is recorded could not be found.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// Whether a commit failed, after which nothing is recorded any more.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Records what was submitted, as one group: durable together.
    pub fn step(&mut self, submissions: Vec<Submission>) -> Step {
        let count = submissions.len();
        if self.stopped {
            let refusal = RecordError::Busy { reason: "the writer has stopped after a failed write; restart akta" };
            return Step { results: vec![Err(refusal); count], entries: Vec::new(), heads: Vec::new() };
        }
        match self.record(submissions) {
            Ok(step) => step,
            Err(error) => {
                tracing::error!(%error, "a commit failed or is uncertain: the writer stops, only reopening decides");
                self.stopped = true;
                Step { results: vec![Err(RecordError::Uncertain); count], entries: Vec::new(), heads: Vec::new() }
            }
        }
    }

    fn record(&mut self, submissions: Vec<Submission>) -> Result<Step, StepError> {
        let base = self.base.clone();
        let mut batch = Batch::default();
        let mut draft = Draft::default();
        let mut staged: BTreeMap<Controller, Staged<'_>> = BTreeMap::new();
        let mut step = Step { results: Vec::with_capacity(submissions.len()), entries: Vec::new(), heads: Vec::new() };
        let now = base.now();

        for Submission { controller, event, may_open } in submissions {
            let before = match staged.get(&controller) {
                Some(staged) => staged.sequencer.position().recorded_at,
                None => self.positions.get(&controller).map_or(now, |position| position.recorded_at),
            };
            let recorded_at = now.max(before);
            let known = base.trails.get(&controller);
            if known.is_none() && !staged.contains_key(&controller) && !(may_open && opens(&base, &controller)) {
                step.results.push(Err(RecordError::NoController));
                continue;
            }
            if before > now.plus(BEHIND_MAX) {
                tracing::error!(%controller, "the clock is more than a day behind this trail: set it");
                step.results
                    .push(Err(RecordError::Busy { reason: "Akta's clock is more than a day behind the trail" }));
                continue;
            }
            match self.repeated(known.as_deref(), &controller, &event, &step) {
                Ok(None) => {}
                Ok(Some(result)) => {
                    step.results.push(result);
                    continue;
                }
                // Nothing is staged for it yet: only what cannot be read is refused, not everybody.
                Err(error) if error.is_damage() => {
                    tracing::error!(%error, "an event is refused: the first of its id cannot be read");
                    step.results.push(Err(RecordError::Damaged));
                    continue;
                }
                Err(error) => return Err(error),
            }
            let request = *event.request();
            let zone = known.as_ref().map_or(&base.settings.zone, |info| &info.zone);
            let today = zone.date(recorded_at).max(Date::of_utc(recorded_at));
            let (event, dates) = match plan(event, zone, now, today) {
                Ok(planned) => planned,
                Err(violation) => {
                    step.results.push(Err(RecordError::Invalid(vec![violation])));
                    continue;
                }
            };
            if !staged.contains_key(&controller) {
                let info = match known.clone() {
                    Some(info) => info,
                    None => self.open_trail(&base, &controller, today, recorded_at, &mut step)?,
                };
                staged.insert(controller.clone(), self.stage(&base, info, today)?);
            }
            let Staged { info, sequencer } = staged.get_mut(&controller).expect("was staged above");
            let placed = place(&base, info, sequencer, &mut draft, event, &dates, today, recorded_at);
            let (recorded, entry) = match placed {
                Ok(placed) => placed,
                // One damaged row must not keep everybody else out; nothing was placed yet.
                Err(store::Error::Corrupt(what)) => {
                    tracing::error!(origin = %info.origin, what, "an event is refused: somebody in it cannot be looked up");
                    step.results.push(Err(RecordError::Damaged));
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            self.seen.stage(&controller, &entry, request, step.results.len());
            step.results.push(Ok(recorded));
            step.entries.push(Entry { request: Some(request_key(info).hash(&request)), ..entry });
        }
        if staged.is_empty() {
            return Ok(step);
        }

        let mut heads = Vec::with_capacity(staged.len());
        for (controller, Staged { info, sequencer }) in staged {
            let key = |date| info.date_key(&base.keyring, Use::Seal, date);
            let position = sequencer.finish(&mut batch, key).map_err(StepError::NoKey)?;
            heads.push((controller, info, position));
        }
        let generation = base.keyring.generation();
        if generation != self.generation {
            batch.put(Family::Meta, keys::META_GENERATION, generation.to_be_bytes());
        }

        // Order: keyring and new trails (above) → vault → batch. From here on a crash leaves at worst people without
        // records.
        base.vault.commit(draft)?;
        // The commit point. Once this returns, every record of the group is durable, chained and provable, and a
        // restart finds exactly them; if it fails, nobody knows, so nothing more is written by this process.
        base.db.commit(batch)?;

        self.seen.keep();
        self.generation = generation;
        for (controller, info, position) in heads {
            step.heads.push((info, position.size));
            self.positions.insert(controller, position);
        }
        Ok(step)
    }

    /// The answer to an event whose id was seen before: the first receipt if it is the same event.
    ///
    /// Where only the index remembers and it was rebuilt, the digest is unknown and the same id is the same event.
    fn repeated(
        &self,
        known: Option<&Info>,
        controller: &Controller,
        event: &Event,
        step: &Step,
    ) -> Result<Option<Result<Recorded, RecordError>>, StepError> {
        let Ok(id) = <[u8; 16]>::try_from(event.core.event_id.as_slice()) else { return Ok(None) };
        let (seq, same) = match self.seen.find(controller, &id) {
            Some(Sight { request, place: Place::InStep(index) }) => {
                let first = step.results[index].clone();
                return Ok(Some(if request == *event.request() { first } else { Err(RecordError::Conflict) }));
            }
            Some(Sight { request, place: Place::Durable(seq) }) => (seq, request == *event.request()),
            None => {
                let Some(info) = known else { return Ok(None) };
                let Some(found) = indexer::event_id(&self.base, info, &id)? else { return Ok(None) };
                // The index may be ahead of a trail that lost its tail; it is rebuilt then, so this cannot last.
                if found.seq >= info.size() {
                    return Ok(None);
                }
                (found.seq, found.request.is_none_or(|request| request == request_key(info).hash(event.request())))
            }
        };
        let Some(info) = known.filter(|_| same) else { return Ok(Some(Err(RecordError::Conflict))) };
        let mut reader = Reader::new(&self.base, info, self.base.today(&info.zone));
        let linked = reader.linked(seq)?;
        // The header alone makes a receipt; where the core is past its date, its day stands for the time.
        let record = reader.record(seq).ok();
        let recorded_at = record.as_ref().and_then(Record::recorded_at).unwrap_or(linked.header.day.start());
        let receipt = Receipt { origin: info.origin.clone(), seq, link: linked.link, recorded_at };
        let warnings = record.and_then(|record| record.contents.core).map(|core| core.warnings).unwrap_or_default();
        Ok(Some(Ok(Recorded { receipt, warnings })))
    }

    /// Brings a trail into the step: makes missing keys durable and goes on where it stands.
    fn stage<'a>(&self, base: &'a Base, info: Arc<Info>, today: Date) -> Result<Staged<'a>, StepError> {
        let entropy = base.world.entropy.as_ref();
        base.keyring.ensure(&info.zone, today, info.number, entropy)?;
        let position = self.positions.get(&info.controller).copied().unwrap_or(Position::empty(info.link));
        let sequencer = Sequencer::new(info.number, info.zone_number, info.link, position, entropy);
        Ok(Staged { info, sequencer })
    }

    /// Opens a trail at first sight of its controller: its description and opening notice, in a batch of their own.
    ///
    /// Order: keyring → this batch → vault. Vault rows are sealed under the controller's key, so which slot is its
    /// own must be durable before the first of them.
    fn open_trail(
        &mut self,
        base: &Base,
        controller: &Controller,
        today: Date,
        recorded_at: Timestamp,
        step: &mut Step,
    ) -> Result<Arc<Info>, StepError> {
        let entropy = base.world.entropy.as_ref();
        let number = base.trails.all().iter().map(|info| info.number).max().map_or(0, |highest| highest + 1);
        let zone = &base.settings.zone;
        base.keyring.ensure(zone, today, number, entropy)?;
        let origin = Origin::new(&base.settings.authority, controller, &base.writer).expect("its parts are names");
        let meta =
            TrailMeta { number, origin: origin.to_string(), zone: zone.name().to_owned(), controller_slot: number };
        let info = Arc::new(Info::new(&meta, &base.keyring).expect("its keys were just made"));
        let mut sequencer = Sequencer::new(number, info.zone_number, info.link, Position::empty(info.link), entropy);
        sequencer.notice(&notice::opening(&origin, zone, recorded_at), recorded_at);

        let mut batch = Batch::default();
        batch.put(Family::Meta, keys::trail_meta(controller), meta.encode_to_vec());
        batch.put(Family::Meta, keys::META_GENERATION, base.keyring.generation().to_be_bytes());
        let position = sequencer.finish(&mut batch, |_| None).map_err(StepError::NoKey)?;
        base.db.commit(batch)?;

        base.trails.add(info.clone());
        step.heads.push((info.clone(), position.size));
        self.positions.insert(controller.clone(), position);
        step.entries.push(Entry { trail: info.clone(), seq: 0, event_id: None, request: None, terms: Vec::new() });
        Ok(info)
    }
}

/// Keys the digests of requests, so that the index tells nothing about events.
fn request_key(info: &Info) -> Key {
    Key::derive("akta v1 request key", &[info.key.bytes()])
}

fn opens(base: &Base, controller: &Controller) -> bool {
    base.settings.open_controllers || base.settings.controllers.contains(controller)
}

/// Fixes the expiry dates of an event, or says why it cannot be recorded.
fn plan(event: Event, zone: &Zone, now: Timestamp, today: Date) -> Result<(Event, Dates), Violation> {
    let refuse =
        |description: &str| Err(Violation { field: "occurred_at".to_owned(), description: description.to_owned() });
    let given = event.occurred_at_given.then(|| Timestamp::from_nanos(event.core.occurred_at));
    let occurred_at = given.unwrap_or(now);
    if occurred_at > now.plus(AHEAD_MAX) {
        return refuse("is more than 5 minutes ahead of Akta's clock: set the reporter's clock, or leave it out");
    }
    let import = event.core.source_assurance == SourceAssurance::Import as i32;
    if occurred_at < now.minus(RETRY_WINDOW) && !import {
        return refuse("is more than 7 days ago: report such events as an import (source.assurance IMPORT)");
    }
    let dates = Dates::of(event.class(), occurred_at, zone);
    if dates.core <= today {
        return refuse("is so long ago that the event would already have expired: it must not be kept");
    }
    let skewed = !import && (occurred_at > now.plus(SKEW) || occurred_at < now.minus(SKEW));
    Ok((event.planned(occurred_at, skewed.then_some(Warning::ClockSkew)), dates))
}

/// Gives an event its place, its pseudonyms and its terms.
#[allow(clippy::too_many_arguments)]
fn place(
    base: &Base,
    info: &Arc<Info>,
    sequencer: &mut Sequencer<'_>,
    draft: &mut Draft,
    event: Event,
    dates: &Dates,
    today: Date,
    recorded_at: Timestamp,
) -> Result<(Recorded, Entry), store::Error> {
    let class = event.class();
    let of = Of { controller: &info.controller, key: &info.key };
    let mut draw = |identity: &Identity| -> Result<Pseudonym, store::Error> {
        base.vault.draw(draft, of, identity, Domain::of(class), base.world.entropy.as_ref())
    };
    let people = People {
        actor: event.actor.as_ref().map(&mut draw).transpose()?,
        on_behalf_of: event.on_behalf_of.as_ref().map(&mut draw).transpose()?,
        subjects: event.subjects.iter().map(|subject| draw(&subject.identity)).collect::<Result<_, _>>()?,
    };
    let hash = event.session.as_ref().filter(|session| !session.id.is_empty());
    let hash = hash.map(|session| session_hash(&info.key, &session.id));
    let event_id = event.core.event_id.as_slice().try_into().ok();
    let contents = Contents::of_event(event, &people, hash, dates, today, recorded_at);
    let warnings = contents.core.as_ref().map(|core| core.warnings.clone()).unwrap_or_default();
    let placed = sequencer.event(&contents, class, dates, recorded_at);
    let terms = Term::of(&placed.header, &contents);
    let receipt = Receipt { origin: info.origin.clone(), seq: placed.header.seq, link: placed.link, recorded_at };
    let entry = Entry { trail: info.clone(), seq: placed.header.seq, event_id, request: None, terms };
    Ok((Recorded { receipt, warnings }, entry))
}
