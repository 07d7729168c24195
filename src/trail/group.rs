//! A group under way: submissions are answered or staged, in order, until all of it is committed at once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::base::Base;
use super::indexer::{self, Entry};
use super::keyring;
use super::opening::{Opening, open_trail};
use super::plan::plan;
use super::reader::{ReadError, Reader};
use super::seen::{Place, Seen, Sight, Staged as InStep};
use super::sequencer::Sequencer;
use super::submission::{Receipt, RecordError, Recorded, Submission};
use super::trails::{Head, Info};
use super::vault::{Draft, Of};
use crate::model::date::{Date, Timestamp};
use crate::model::event::Event;
use crate::model::identity::{Domain, Identity, Pseudonym};
use crate::model::notice::Says;
use crate::model::origin::Controller;
use crate::model::policy::Dates;
use crate::model::record::{Contents, People, Record};
use crate::model::retention::in_force::Retention;
use crate::store;

/// A clock further behind than this is wrong: dates counted from it would be too.
const BEHIND_MAX: Duration = Duration::from_secs(24 * 3600);

/// Why a group cannot be written: the writer stops.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The keyring.
    #[error(transparent)]
    Keyring(#[from] keyring::Error),
    /// Reading what it goes on from.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A date has no key.
    #[error("the keyring has no key for the expiry date {0}")]
    NoKey(Date),
}

impl WriteError {
    pub(super) fn is_damage(&self) -> bool {
        use store::Error::Corrupt;
        matches!(self, Self::Read(ReadError::DataLoss { .. } | ReadError::Store(Corrupt(_))) | Self::Store(Corrupt(_)))
    }
}

/// The answer to one submission: what became of each of its events.
pub type Answer = Result<Vec<Recorded>, RecordError>;

/// A trail within a group.
pub(super) struct Staged<'a> {
    pub(super) info: Arc<Info>,
    pub(super) sequencer: Sequencer<'a>,
}

/// A group under way.
pub(super) struct Group<'a> {
    base: &'a Base,
    now: Timestamp,
    /// People seen for the first time.
    pub(super) draft: Draft,
    pub(super) staged: BTreeMap<Controller, Staged<'a>>,
    pub(super) answers: Vec<Answer>,
    pub(super) entries: Vec<Entry>,
    /// Heads of trails that were opened for it, durable already.
    pub(super) opened: Vec<(Arc<Info>, Head)>,
}

/// What is known of an event before anything is staged.
enum Slot {
    /// It was recorded before.
    Known(Recorded),
    /// It is to be recorded.
    New { event: Event, dates: Dates, request: [u8; 32] },
    /// It repeats an event of the same submission.
    SameAs(usize),
}

/// A trail and the time at which a submission is recorded in it.
pub(super) struct Target {
    pub(super) info: Option<Arc<Info>>,
    pub(super) recorded_at: Timestamp,
    /// Dates up to and including this are past.
    pub(super) today: Date,
}

impl<'a> Group<'a> {
    pub(super) fn new(base: &'a Base) -> Self {
        Self {
            base,
            now: base.now(),
            draft: Draft::default(),
            staged: BTreeMap::new(),
            answers: Vec::new(),
            entries: Vec::new(),
            opened: Vec::new(),
        }
    }

    /// Answers or stages a submission: all of its events or none.
    pub(super) fn submit(&mut self, seen: &mut Seen, submission: Submission) -> Result<(), WriteError> {
        let answer = match self.answer(seen, submission) {
            // Nothing is staged for it yet: only what cannot be read is refused, not everybody.
            Err(error) if error.is_damage() => {
                tracing::error!(%error, "a submission is refused: what it depends on cannot be read");
                Err(RecordError::Damaged)
            }
            Err(error) => return Err(error),
            Ok(answer) => answer,
        };
        self.answers.push(answer);
        Ok(())
    }

    fn answer(&mut self, seen: &mut Seen, submission: Submission) -> Result<Answer, WriteError> {
        let Submission { controller, events, may_open } = submission;
        let target = match self.target(&controller, may_open)? {
            Ok(target) => target,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let retention = self.base.acts.retention(&controller);
        let slots = match self.slots(seen, &target, &retention, events)? {
            Ok(slots) => slots,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Target { info, recorded_at, today } = target;
        if slots.iter().any(|slot| matches!(slot, Slot::New { .. })) {
            let info = self.stage(info, &controller, recorded_at)?;
            // Drawn before anything is placed: a damaged row refuses this submission and nothing else.
            let people = slots.iter().map(|slot| self.people(&info, slot)).collect::<Result<Vec<_>, _>>()?;
            return Ok(Ok(self.place(seen, &controller, slots, people, today, recorded_at)));
        }
        Ok(Ok(self.place(seen, &controller, slots, Vec::new(), today, recorded_at)))
    }

    /// The trail of a controller, if it has one, and the time there.
    pub(super) fn target(
        &self,
        controller: &Controller,
        may_open: bool,
    ) -> Result<Result<Target, RecordError>, WriteError> {
        let info = self.base.trail(controller)?;
        let settings = &self.base.settings;
        if info.is_none() && !(may_open && (settings.open_controllers || settings.controllers.contains(controller))) {
            return Ok(Err(RecordError::NoController));
        }
        if let Some(on) = self.base.closed_on(controller, info.as_deref()) {
            return Ok(Err(RecordError::Closed { on }));
        }
        let before = match (self.staged.get(controller), &info) {
            (Some(staged), _) => staged.sequencer.position().recorded_at,
            (None, Some(info)) => info.position().recorded_at,
            (None, None) => self.now,
        };
        if before > self.now.plus(BEHIND_MAX) {
            tracing::error!(%controller, "the clock is more than a day behind this trail: set it");
            return Ok(Err(RecordError::Busy { reason: "Akta's clock is more than a day behind the trail" }));
        }
        let recorded_at = self.now.max(before);
        let zone = info.as_ref().map_or(&settings.zone, |info| &info.zone);
        let today = self.base.recording_day(zone, recorded_at);
        Ok(Ok(Target { info, recorded_at, today }))
    }

    /// What is known of each event, or why all of them are refused.
    fn slots(
        &self,
        seen: &Seen,
        target: &Target,
        retention: &Retention,
        events: Vec<Event>,
    ) -> Result<Result<Vec<Slot>, RecordError>, WriteError> {
        let zone = target.info.as_ref().map_or(&self.base.settings.zone, |info| &info.zone);
        let mut slots = Vec::with_capacity(events.len());
        let mut ids: HashMap<[u8; 16], (usize, [u8; 32])> = HashMap::new();
        let several = events.len() > 1;
        for (index, event) in events.into_iter().enumerate() {
            let id = <[u8; 16]>::try_from(event.core.event_id.as_slice()).ok();
            let request = *event.request();
            if let Some((first, same)) = id.and_then(|id| ids.get(&id)) {
                if *same != request {
                    return Ok(Err(RecordError::Conflict { index }));
                }
                slots.push(Slot::SameAs(*first));
                continue;
            }
            if let (true, Some(id)) = (several, id) {
                ids.insert(id, (index, request));
            }
            match self.repeated(seen, target, id, &request)? {
                None => {}
                Some(Ok(recorded)) => {
                    slots.push(Slot::Known(recorded));
                    continue;
                }
                Some(Err(Conflict)) => return Ok(Err(RecordError::Conflict { index })),
            }
            match plan(event, zone, retention, self.now, target.today) {
                Ok((event, dates)) => slots.push(Slot::New { event, dates, request }),
                Err(violations) => return Ok(Err(RecordError::Invalid { index, violations })),
            }
        }
        Ok(Ok(slots))
    }

    /// The answer to an event whose id was seen before: the first receipt if it is the same event.
    ///
    /// Where only the index remembers and it was rebuilt, the digest is unknown and the same id is the same event.
    fn repeated(
        &self,
        seen: &Seen,
        target: &Target,
        id: Option<[u8; 16]>,
        request: &[u8; 32],
    ) -> Result<Option<Result<Recorded, Conflict>>, WriteError> {
        let (Some(id), Some(last)) = (id, target.info.as_ref()) else { return Ok(None) };
        let (info, seq, same) = match seen.find(last.number, &id) {
            Some(Sight { request: first, place: Place::InStep(InStep { submission, event }) }) => {
                let first =
                    (first == *request).then(|| self.answers.get(submission)?.as_ref().ok()?.get(event).cloned());
                return Ok(Some(first.flatten().ok_or(Conflict)));
            }
            Some(Sight { request: first, place: Place::Durable(seq) }) => (last.clone(), seq, first == *request),
            None => {
                let Some((info, found)) = self.indexed(last, &id, Date::of_utc(target.recorded_at))? else {
                    return Ok(None);
                };
                let same = found.request.is_none_or(|first| first == info.lasting.request_digest(request));
                (info, found.seq, same)
            }
        };
        if !same {
            return Ok(Some(Err(Conflict)));
        }
        let mut reader = Reader::new(self.base, &info, self.base.today(&info.zone));
        Ok(Some(Ok(recorded(&info, &reader.record(seq)?))))
    }

    /// An event that the index knows by its id, in that trail or in one before it.
    fn indexed(
        &self,
        last: &Arc<Info>,
        id: &[u8; 16],
        day: Date,
    ) -> Result<Option<(Arc<Info>, indexer::Known)>, store::Error> {
        for info in [last].into_iter().chain(last.past.iter().rev()) {
            // The index may be ahead of a trail that lost its tail; it is rebuilt then, so this cannot last.
            let known = indexer::event_id(self.base, info, id, day)?.filter(|known| known.seq < info.size());
            if let Some(known) = known {
                return Ok(Some((info.clone(), known)));
            }
        }
        Ok(None)
    }

    /// Stages a trail, opening it at first sight of its controller.
    pub(super) fn stage(
        &mut self,
        info: Option<Arc<Info>>,
        controller: &Controller,
        recorded_at: Timestamp,
    ) -> Result<Arc<Info>, WriteError> {
        if let Some(staged) = self.staged.get(controller) {
            return Ok(staged.info.clone());
        }
        let entropy = self.base.world.entropy.as_ref();
        let info = match info {
            Some(info) => {
                let today = self.base.recording_day(&info.zone, recorded_at);
                self.base.keyring.ensure(&info.zone, today, 0, entropy)?;
                info
            }
            None => {
                let (controller, zone) = (controller.clone(), self.base.settings.zone.clone());
                let opening = Opening { controller, zone, recorded_at, predecessor: None, first: Vec::new() };
                let (info, entries) = open_trail(self.base, &opening, |_| Ok(()))?;
                let position = info.position();
                self.opened.push((info.clone(), Head { size: position.size, root: position.tree.root() }));
                self.entries.extend(entries);
                info
            }
        };
        let sequencer = Sequencer::new(info.number, info.zone_number, info.link, info.position(), entropy);
        self.staged.insert(controller.clone(), Staged { info: info.clone(), sequencer });
        Ok(info)
    }

    /// Stages what a trail that is there says of itself, recorded now or, if that is later, at `not_before`. What has no slices needs no
    /// key, so none is made for it.
    pub(super) fn tell(&mut self, info: &Arc<Info>, says: Says, not_before: Timestamp) {
        let position = info.position();
        let recorded_at = self.base.now().max(position.recorded_at).max(not_before);
        let entropy = self.base.world.entropy.as_ref();
        let mut sequencer = Sequencer::new(info.number, info.zone_number, info.link, position, entropy);
        let placed = sequencer.notice(says, recorded_at);
        self.entries.push(Entry::of(info, &placed.header, &Contents::default(), None));
        self.staged.insert(info.controller.clone(), Staged { info: info.clone(), sequencer });
    }

    /// Draws the pseudonyms of an event that is to be recorded.
    fn people(&mut self, info: &Info, slot: &Slot) -> Result<People, store::Error> {
        let Slot::New { event, .. } = slot else { return Ok(People::default()) };
        let (base, draft) = (self.base, &mut self.draft);
        let of = Of { controller: &info.controller, key: &info.key };
        let domain = Domain::of(event.class());
        let mut draw = |identity: &Identity| -> Result<Pseudonym, store::Error> {
            base.vault.draw(draft, of, identity, domain, base.world.entropy.as_ref())
        };
        Ok(People {
            actor: event.actor.as_ref().map(&mut draw).transpose()?,
            on_behalf_of: event.on_behalf_of.as_ref().map(&mut draw).transpose()?,
            subjects: event.subjects.iter().map(|subject| draw(&subject.identity)).collect::<Result<_, _>>()?,
        })
    }

    /// Gives the new events of a submission their places. Cannot fail: it is all of them or none.
    fn place(
        &mut self,
        seen: &mut Seen,
        controller: &Controller,
        slots: Vec<Slot>,
        people: Vec<People>,
        today: Date,
        recorded_at: Timestamp,
    ) -> Vec<Recorded> {
        let mut people = people.into_iter();
        let mut done: Vec<Recorded> = Vec::with_capacity(slots.len());
        for (index, slot) in slots.into_iter().enumerate() {
            let people = people.next().unwrap_or_default();
            let recorded = match slot {
                Slot::Known(recorded) => recorded,
                Slot::SameAs(first) => done[first].clone(),
                Slot::New { event, dates, request } => {
                    let staged = self.staged.get_mut(controller).expect("was staged before");
                    let (recorded, entry) = place(staged, event, &people, &dates, today, recorded_at, &request);
                    seen.stage(&entry, request, InStep { submission: self.answers.len(), event: index });
                    self.entries.push(entry);
                    recorded
                }
            };
            done.push(recorded);
        }
        done
    }
}

/// The first event of that id was another one.
struct Conflict;

/// What the reporter of a record was told.
fn recorded(info: &Info, record: &Record) -> Recorded {
    let recorded_at = record.recorded_at().unwrap_or(record.header.day.start());
    let receipt = Receipt { origin: info.origin.clone(), seq: record.header.seq, link: record.link, recorded_at };
    let warnings = record.contents.core.as_ref().map(|core| core.warnings.clone()).unwrap_or_default();
    Recorded { receipt, warnings }
}

/// Gives an event its place and its terms.
fn place(
    staged: &mut Staged<'_>,
    event: Event,
    people: &People,
    dates: &Dates,
    today: Date,
    recorded_at: Timestamp,
    request: &[u8; 32],
) -> (Recorded, Entry) {
    let info = &staged.info;
    let class = event.class();
    let session = event.session.as_ref().filter(|session| !session.id.is_empty());
    let session = session.map(|session| info.lasting.session_hash(&session.id));
    let contents = Contents::of_event(event, people, session, dates, today, recorded_at);
    let warnings = contents.core.as_ref().map(|core| core.warnings.clone()).unwrap_or_default();
    let placed = staged.sequencer.event(&contents, class, dates, recorded_at);
    let receipt = Receipt { origin: info.origin.clone(), seq: placed.header.seq, link: placed.link, recorded_at };
    let entry = Entry::of(info, &placed.header, &contents, Some(info.lasting.request_digest(request)));
    (Recorded { receipt, warnings }, entry)
}
