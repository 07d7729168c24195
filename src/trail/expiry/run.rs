//! Runs: slice by slice on the writer's thread, so that events wait for one slice at most.

mod held;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::super::base::Base;
use super::super::group::{Group, WriteError};
use super::super::hold::stage::Stager;
use super::super::reader::ReadError;
use super::super::trails::Info;
use super::super::writer::{Step, Writer};
use super::reclaim::Job;
use super::zones::{Marks, Task};
use super::{Asked, Due, ExpireError, Expired, ZoneDone, told_through};
use crate::model::date::Date;
use crate::model::notice;
use crate::model::origin::{Controller, Origin};
use crate::store::keys::{Trail, ZoneNumber};
use crate::store::{Batch, Error, Family, Scan, keys};

/// Most trails that tell in one batch.
const TRAILS_MAX: usize = 256;
/// Most rows that are looked at in one slice.
const LOOKS_MAX: usize = 4_096;

/// Expires what is past; belongs to the writer's thread.
pub(in crate::trail) struct Expirer {
    base: Arc<Base>,
    waiting: VecDeque<Option<Asked>>,
    round: Option<Round>,
}

/// What a slice leaves to be done by others.
#[derive(Default)]
pub(in crate::trail) struct Slice {
    /// What was recorded: to be indexed, then published.
    pub(in crate::trail) step: Option<Step>,
    /// What is to be removed from the index and reclaimed.
    pub(in crate::trail) job: Option<Job>,
}

impl Expirer {
    pub(in crate::trail) fn new(base: Arc<Base>) -> Self {
        Self { base, waiting: VecDeque::new(), round: None }
    }

    /// A run is asked for, by somebody or, `None`, by the time of day. Runs that nobody waits for are one.
    pub(in crate::trail) fn begin(&mut self, asked: Option<Asked>) {
        if asked.is_some() || self.waiting.is_empty() {
            self.waiting.push_back(asked);
        }
    }

    /// Whether there is nothing to do.
    pub(in crate::trail) fn is_idle(&self) -> bool {
        self.round.is_none() && self.waiting.is_empty()
    }

    /// Does the next piece of work. Whoever asked hears of errors; those that nobody waits for are in the log. A failed
    /// commit stops the writer as any other does.
    pub(in crate::trail) fn slice(&mut self, writer: &mut Writer) -> Slice {
        if writer.is_stopped() {
            let round = self.round.take().and_then(|round| round.asked);
            for asked in self.waiting.drain(..).flatten().chain(round) {
                let _ = asked.answer.send(Err(ExpireError::Closing));
            }
            return Slice::default();
        }
        let mut round = match self.round.take() {
            Some(round) => round,
            None => {
                let Some(asked) = self.waiting.pop_front() else { return Slice::default() };
                match Round::begin(&self.base, asked.as_ref().map(|asked| asked.confirmed)) {
                    Ok(round) => Round { asked, ..round },
                    Err(error) => {
                        give_up(writer, asked, error);
                        return Slice::default();
                    }
                }
            }
        };
        match round.slice(writer) {
            Ok(Some(slice)) => {
                self.round = Some(round);
                slice
            }
            Ok(None) => {
                round.end();
                Slice::default()
            }
            Err(error) => {
                give_up(writer, round.asked, error);
                Slice::default()
            }
        }
    }
}

/// Whoever asked hears why nothing more is done; after a failed commit nothing at all is.
fn give_up(writer: &mut Writer, asked: Option<Asked>, error: ExpireError) {
    if let ExpireError::Write(error) = &error {
        writer.fail(error);
    }
    match asked {
        // Whoever hung up does not want to know.
        Some(asked) => drop(asked.answer.send(Err(error))),
        None => tracing::error!(%error, "what is past is not expired"),
    }
}

impl Writer {
    /// Expires what is past, at once; `each` hears of every batch, whose entries are to be indexed before it is published. What is to
    /// be reclaimed is left to [`super::reclaim::pending`].
    ///
    /// # Errors
    ///
    /// As of [`super::super::node::Node::expire`].
    pub fn expire(&mut self, confirmed: Option<Date>, each: impl FnMut(Step)) -> Result<Expired, ExpireError> {
        self.check_running().map_err(|_| ExpireError::Closing)?;
        self.run(Some(confirmed), each)
    }

    /// Expires what is past and needs nobody's word, at a start.
    pub(in crate::trail) fn expire_at_start(&mut self) -> Result<Expired, WriteError> {
        match self.run(None, |step| step.publish()) {
            Ok(expired) => Ok(expired),
            Err(ExpireError::Write(error)) => Err(error),
            Err(error) => {
                tracing::error!(%error, "what is past is not expired");
                Ok(Expired::default())
            }
        }
    }

    fn run(&mut self, asked: Option<Option<Date>>, mut each: impl FnMut(Step)) -> Result<Expired, ExpireError> {
        let base = self.base();
        let mut round = Round::begin(&base, asked)?;
        loop {
            match round.slice(self) {
                Ok(Some(Slice { step, .. })) => step.into_iter().for_each(&mut each),
                Ok(None) => return Ok(round.done),
                Err(error) => {
                    if let ExpireError::Write(error) = &error {
                        self.fail(error);
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Notes that no byte is left of what was handed over.
    pub fn reclaimed(&mut self, job: &Job) -> Result<(), WriteError> {
        let mut batch = Batch::default();
        batch.put(Family::Meta, keys::reclaimed(&job.zone), job.through.days().to_be_bytes());
        self.commit_with(Group::new(&self.base()), batch)?;
        self.base().zones.set_reclaimed(&job.zone, job.through);
        Ok(())
    }
}

/// All zones, one after the other.
struct Round {
    asked: Option<Asked>,
    waiting: VecDeque<Task>,
    zone: Option<Zone>,
    done: Expired,
}

impl Round {
    /// What is to be done. `asked`: what whoever waits for it confirmed, if anything; where nobody waits, zones that need a
    /// confirmation are left out.
    fn begin(base: &Base, asked: Option<Option<Date>>) -> Result<Self, ExpireError> {
        let mut waiting: VecDeque<Task> = match base.unfinished() {
            Ok(tasks) => tasks.into(),
            Err(error @ Error::Corrupt(_)) => return Err(ExpireError::Damaged(error.into())),
            Err(error) => return Err(WriteError::from(error).into()),
        };
        let begun: BTreeSet<String> = waiting.iter().map(|task| task.zone.name().to_owned()).collect();
        for task in base.tasks().into_iter().filter(|task| !begun.contains(task.zone.name())) {
            let Due { zone, last, through, days, needs_confirmation } = base.due_of(&task);
            match asked {
                Some(Some(confirmed)) if confirmed.days().abs_diff(through.days()) > 1 => {
                    return Err(ExpireError::ConfirmedOther { zone, through });
                }
                Some(Some(_)) => waiting.push_back(task),
                Some(None) if needs_confirmation => {
                    return Err(ExpireError::Confirm { zone, last, through, days });
                }
                None if needs_confirmation => tracing::warn!(
                    %zone, %through, days,
                    "more days are past than expire at once unless their date is confirmed: check the clock; if it is \
                     right, run akta retention run with that date. Until then these parts are refused, but their keys stay"
                ),
                Some(None) | None => waiting.push_back(task),
            }
        }
        Ok(Self { asked: None, waiting, zone: None, done: Expired::default() })
    }

    /// The next piece of work; `None` once all is done.
    fn slice(&mut self, writer: &mut Writer) -> Result<Option<Slice>, ExpireError> {
        let Some(zone) = &mut self.zone else {
            let Some(task) = self.waiting.pop_front() else { return Ok(None) };
            self.zone = Some(Zone::begin(&writer.base(), task).map_err(WriteError::from)?);
            return Ok(Some(Slice::default()));
        };
        let (slice, last) = zone.slice(writer)?;
        if last && let Some(zone) = self.zone.take() {
            self.done.zones.push(zone.done);
        }
        Ok(Some(slice))
    }

    fn end(self) {
        for zone in &self.done.zones {
            let ZoneDone { zone, through, trails, keys, .. } = zone;
            tracing::info!(%zone, %through, trails, keys, "what is past is expired");
        }
        if let Some(asked) = self.asked {
            // Whoever hung up does not want to know.
            let _ = asked.answer.send(Ok(self.done));
        }
    }
}

/// A run in one zone.
struct Zone {
    task: Task,
    stage: Stage,
    /// The zone's trails.
    controllers: BTreeMap<Trail, Controller>,
    /// Trails that have parts of these dates and have not told yet.
    trails: BTreeSet<Trail>,
    /// Those that told.
    told: BTreeSet<Trail>,
    /// Those that cannot be read.
    damaged: BTreeSet<Trail>,
    /// Dates that frames stand under.
    dates: BTreeSet<Date>,
    done: ZoneDone,
}

enum Stage {
    /// Which trails have such parts: the key to go on at.
    Look(Vec<u8>),
    /// What holds keep of them is sealed under the holds' keys: the trails to go on with, and the one at hand.
    Hold(BTreeSet<Trail>, Option<Stager>),
    Tell,
    Destroy,
}

impl Zone {
    fn begin(base: &Base, task: Task) -> Result<Self, Error> {
        let name = task.zone.name();
        // From here on nobody reads or writes what is about to go.
        base.zones.raise(name, task.through);
        let metas = base.descriptions()?.into_iter().filter(|meta| meta.zone == name);
        let named = metas.filter_map(|meta| Some((meta.number, Origin::parse(&meta.origin)?.controller())));
        let done = ZoneDone {
            zone: name.to_owned(),
            last: task.last,
            through: task.through,
            trails: 0,
            damaged: 0,
            keys: 0,
            dates: 0,
        };
        Ok(Self {
            stage: Stage::Look(Vec::new()),
            controllers: named.collect(),
            trails: BTreeSet::new(),
            told: BTreeSet::new(),
            damaged: BTreeSet::new(),
            dates: BTreeSet::new(),
            done,
            task,
        })
    }

    /// The next piece of work, and whether it was the last.
    fn slice(&mut self, writer: &mut Writer) -> Result<(Slice, bool), ExpireError> {
        match &self.stage {
            Stage::Look(at) => {
                let at = at.clone();
                self.stage = match self.look(&writer.base(), at) {
                    Ok(Some(at)) => Stage::Look(at),
                    Ok(None) => Stage::Hold(self.held(&writer.base()), None),
                    Err(error @ Error::Corrupt(_)) => return Err(ExpireError::Damaged(error.into())),
                    Err(error) => return Err(WriteError::from(error).into()),
                };
                Ok((Slice::default(), false))
            }
            Stage::Hold(..) => {
                self.hold(&writer.base()).map_err(|error| match WriteError::from(error) {
                    error if error.is_damage() => ExpireError::Damaged(error),
                    error => error.into(),
                })?;
                Ok((Slice::default(), false))
            }
            Stage::Tell => {
                let step = self.tell(writer)?;
                Ok((Slice { step: Some(step), job: None }, false))
            }
            Stage::Destroy => {
                let job = self.destroy(writer)?;
                Ok((Slice { step: None, job: Some(job) }, true))
            }
        }
    }

    /// Looks for trails that have frames of these dates, one seek for each date and trail, from `at` on; where to go on.
    ///
    /// Whatever was expired before has no frames, but where a trail could not be read: it may tell now.
    fn look(&mut self, base: &Base, mut at: Vec<u8>) -> Result<Option<Vec<u8>>, Error> {
        let Task { number, through, .. } = self.task;
        for _ in 0..LOOKS_MAX {
            let Some((date, trail, next)) = frames_after(base, number, through, at)? else { return Ok(None) };
            self.dates.insert(date);
            self.trails.insert(trail);
            at = next;
        }
        Ok(Some(at))
    }

    /// The next trails tell. The first batch notes how far it is to come, the last that all have told.
    fn tell(&mut self, writer: &mut Writer) -> Result<Step, WriteError> {
        let base = writer.base();
        let through = self.task.through;
        let not_before = self.task.zone.start(through);
        let mut group = Group::new(&base);
        for _ in 0..TRAILS_MAX {
            let Some(trail) = self.trails.pop_first() else { break };
            let Some(info) = self.info(&base, trail)? else {
                self.damaged.insert(trail);
                continue;
            };
            // What others follow tells nothing more: the last of them does, once for all.
            if group.staged.contains_key(&info.controller) || self.told.contains(&info.number) {
                continue;
            }
            // Its end is told, after which nothing is; what is left of it goes with its key.
            if base.closed_on(&info.controller, Some(&info)).is_some() {
                continue;
            }
            if self.task.again && told_through(&base, &info)? >= Some(through) {
                continue;
            }
            group.tell(&info, notice::expired(through), not_before);
            self.told.insert(info.number);
            self.done.trails += 1;
        }
        let done = if self.trails.is_empty() { Some(through) } else { self.task.last };
        let mut batch = Batch::default();
        let name = self.task.zone.name();
        batch.put(Family::Meta, keys::expired(name), Marks::expired_row(done, through));
        let step = writer.commit_with(group, batch)?;
        base.zones.set_expired(name, done, through);
        if self.trails.is_empty() {
            self.stage = Stage::Destroy;
        }
        Ok(step)
    }

    /// A trail that can tell; `None` where it cannot be read.
    fn info(&self, base: &Base, trail: Trail) -> Result<Option<Arc<Info>>, WriteError> {
        let Some(controller) = self.controllers.get(&trail) else {
            tracing::error!(
                trail,
                "there are parts of a trail that has no description: they stay, sealed under no key"
            );
            return Ok(None);
        };
        match base.trail(controller).map_err(WriteError::from) {
            Ok(info) => Ok(info),
            Err(error) if error.is_damage() => {
                tracing::error!(%controller, %error, "a trail cannot be read, so it does not tell that its parts are \
                    expired; their keys are destroyed all the same. Once it is mended, the next run tells");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Destroys the keys, then removes the frames and notes the keyring's generation: an older one is refused.
    fn destroy(&mut self, writer: &mut Writer) -> Result<Job, WriteError> {
        let base = writer.base();
        let Task { number, through, .. } = self.task;
        let name = self.task.zone.name();
        self.done.keys = base.keyring.destroy_dates(name, through, base.world.entropy.as_ref())?;
        let mut batch = Batch::default();
        batch.put(Family::Meta, keys::META_GENERATION, base.keyring.generation().to_be_bytes());
        for date in &self.dates {
            for (from, to) in gaps(*date, number, &self.damaged) {
                base.db.drop_files(Family::Part, &from, &to)?;
                batch.remove_range(Family::Part, from, to);
            }
        }
        self.done.dates = self.dates.len() as u64;
        self.done.damaged = self.damaged.len() as u64;
        writer.write(batch, base.keyring.generation())?;
        Ok(Job { zone: name.to_owned(), number, through })
    }
}

/// Whether a zone has frames of dates up to `through`.
pub(super) fn has_frames(base: &Base, zone: ZoneNumber, through: Date) -> Result<bool, Error> {
    Ok(frames_after(base, zone, through, Vec::new())?.is_some())
}

/// The next date and trail of a zone that have frames, from a key on, up to `through`; and the key to go on at. One seek for each,
/// and one for each date that other zones have.
fn frames_after(
    base: &Base,
    zone: ZoneNumber,
    through: Date,
    mut at: Vec<u8>,
) -> Result<Option<(Date, Trail, Vec<u8>)>, Error> {
    let end = keys::dated(through.plus_days(1), 0, 0).to_vec();
    loop {
        let scan = Scan { from: at, to: Some(end.clone()), ..Scan::all(Family::Part) };
        let Some((key, _)) = base.db.peek(scan)? else { return Ok(None) };
        let Some((date, of, trail)) = keys::dated_of(&key) else {
            return Err(Error::Corrupt("the family part has a row with a bad key".to_owned()));
        };
        at = match of.cmp(&zone) {
            Ordering::Equal => {
                let next = Scan::prefix(Family::Part, &keys::dated(date, zone, trail)).to.unwrap_or(end);
                return Ok(Some((date, trail, next)));
            }
            Ordering::Less => keys::dated(date, zone, 0).to_vec(),
            Ordering::Greater => keys::dated(date.plus_days(1), zone, 0).to_vec(),
        };
    }
}

/// The rows of a date and zone, but for those of some trails.
fn gaps(date: Date, zone: ZoneNumber, but: &BTreeSet<Trail>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let whole = Scan::prefix(Family::Part, &keys::dated(date, zone, 0)[..6]);
    let Some(end) = whole.to else { return Vec::new() };
    let mut gaps = Vec::new();
    let mut from = whole.from;
    for trail in but {
        let own = Scan::prefix(Family::Part, &keys::dated(date, zone, *trail));
        if from < own.from {
            gaps.push((from, own.from));
        }
        from = own.to.unwrap_or_else(|| end.clone());
    }
    if from < end {
        gaps.push((from, end));
    }
    gaps
}

impl From<ReadError> for ExpireError {
    fn from(error: ReadError) -> Self {
        Self::Write(error.into())
    }
}

#[cfg(test)]
mod tests;
