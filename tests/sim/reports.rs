//! Reporting: groups of single events and batches, with repeats of all sorts, and whether the answers are right.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use akta::model::date::Timestamp;
use akta::model::origin::Controller;
use akta::model::stored::Action;
use akta::trail::group::Answer;
use akta::trail::submission::{RecordError, Recorded};

use super::Sim;
use super::expected::{Expected, Fate};
use super::invariant::{Dense, Promised, Time, Unknown};
use super::story::{Known, Report, same, submission};
use super::world::Open;

const SCHOOLS: [&str; 2] = ["school-1", "school-2"];
/// Events older than this are not reported again: the window for retries is 7 days.
const RETRIED_FOR: Duration = Duration::from_secs(6 * 86_400 + 43_200);
/// Those with a part that lives for a week not so long: it would be past by then.
const SESSIONS_RETRIED_FOR: Duration = Duration::from_secs(5 * 86_400);

impl Sim {
    /// Reports a group, and looks at every answer.
    pub(crate) fn record(&mut self, node: &mut Open) -> bool {
        let group = self.group();
        let expected = self.expected(&group);
        let mut step = node.writer.step(group.iter().map(submission).collect());
        let entries = std::mem::take(&mut step.entries);
        // As in a node: the indexer hears of records before anybody sees them.
        let indexed = node.indexer.absorb(entries);
        let indexed = indexed.and_then(|()| if self.dice.one_in(3) { node.indexer.flush() } else { Ok(()) });
        step.publish();
        self.counts.checked.holds(Promised, step.results.len() == group.len(), || "an answer is missing".to_owned());
        if step.results.contains(&Err(RecordError::Uncertain)) {
            return self.lost_answers(node, group, expected, &step.results);
        }
        for (at, report) in group.iter().enumerate() {
            self.compare(at, report, &expected[at], &step.results);
        }
        if indexed.is_err() {
            return self.crash("the index failed");
        }
        // Only what is durable is guarded, so no crash leaves a store behind its guard.
        if self.dice.one_in(4) && node.base.guard.as_ref().unwrap().tick(&node.base).is_err() {
            return self.crash("the guard failed");
        }
        self.keep_heads(node);
        true
    }

    /// A failed commit: nobody is told that anything was recorded, and the writer takes nothing any more.
    fn lost_answers(
        &mut self,
        node: &mut Open,
        group: Vec<Report>,
        expected: Vec<Expected>,
        answers: &[Answer],
    ) -> bool {
        let all = answers.iter().all(|answer| *answer == Err(RecordError::Uncertain));
        self.counts.checked.holds(Unknown, all, || format!("of one group some are answered: {answers:?}"));
        let (controller, known) = self.event();
        let next = node.writer.step(vec![submission(&(controller, vec![known]))]).results.remove(0);
        let busy = matches!(next, Err(RecordError::Busy { .. })) && node.writer.is_stopped();
        self.counts.checked.holds(Unknown, busy, || format!("after a failed commit: {next:?}"));
        for (report, expected) in group.into_iter().zip(expected) {
            // What was to be refused is not sent again: whether Akta knows the first one by then is not known.
            let Expected::Recorded(fates) = expected else { continue };
            let fresh = report.1.iter().zip(fates).filter(|(_, fate)| *fate == Fate::New);
            self.unknown.extend(fresh.map(|(known, _)| (report.0.clone(), known.clone())));
            self.retry.push(report);
        }
        self.counts.uncertain += self.unknown.len() as u64;
        self.crash("a write failed")
    }

    fn compare(&mut self, at: usize, (controller, events): &Report, expected: &Expected, answers: &[Answer]) {
        let wrong = || format!("{controller}, {events:?}: expected {expected:?}, answered {:?}", answers[at]);
        match (expected, &answers[at]) {
            (Expected::Recorded(fates), Ok(recorded)) => {
                self.counts.checked.holds(Promised, recorded.len() == events.len(), wrong);
                self.counts.batches += u64::from(events.len() > 1);
                for ((known, fate), recorded) in events.iter().zip(fates).zip(recorded) {
                    self.recorded(controller, known, *fate, recorded, answers);
                }
            }
            (Expected::Refused(index), Err(RecordError::Conflict { index: named })) => {
                self.counts.checked.holds(Promised, index == named, wrong);
                self.counts.conflicts += 1;
                self.counts.batch_conflicts += u64::from(events.len() > 1);
            }
            // Only the id is known, so it counts as the same event.
            (Expected::Either(seq), Ok(recorded)) => {
                self.counts.checked.holds(Promised, recorded[0].receipt.seq == *seq, wrong);
                self.counts.repeated += 1;
            }
            (Expected::Either(_), Err(RecordError::Conflict { index: 0 })) => self.counts.conflicts += 1,
            _ => self.counts.checked.holds(Promised, false, wrong),
        }
    }

    /// The answer to one event: a place of its own, or the first receipt of that event.
    fn recorded(&mut self, controller: &Controller, known: &Known, fate: Fate, told: &Recorded, answers: &[Answer]) {
        let receipt = &told.receipt;
        let trail = self.model.entry(controller.clone()).or_default();
        let checked = &mut self.counts.checked;
        match fate {
            Fate::New => {
                let seq = 1 + trail.len() as u64;
                checked.holds(Dense, receipt.seq == seq, || format!("{controller} {} instead of {seq}", receipt.seq));
                let before = trail.iter().rev().find_map(|known| known.receipt.as_ref()).map(|it| it.recorded_at);
                let forward = before.is_none_or(|before| before <= receipt.recorded_at);
                checked.holds(Time, forward, || format!("{controller} {seq}: {before:?}, {}", receipt.recorded_at));
                trail.push(Known { receipt: Some(receipt.clone()), sure: true, ..known.clone() });
                self.counts.recorded += 1;
            }
            Fate::Durable(seq) => {
                let first = trail[usize::try_from(seq - 1).unwrap()].receipt.as_ref();
                let applied_once = receipt.seq == seq && first.is_none_or(|first| same(first, receipt));
                checked.holds(Promised, applied_once, || format!("{controller}: {receipt:?} instead of {first:?}"));
                self.counts.repeated += 1;
            }
            Fate::Earlier(submission, event) => {
                let first = answers[submission].as_ref().ok().and_then(|recorded| recorded.get(event));
                checked.holds(Promised, first == Some(told), || format!("{controller}: {told:?} after {first:?}"));
                self.counts.repeated += 1;
            }
        }
    }

    /// What is reported next: single events, batches, and among them events that were reported before.
    fn group(&mut self) -> Vec<Report> {
        let mut group = Vec::new();
        // Reporters repeat what was not answered, as long as they may.
        let (now, retry) = (self.world.now, std::mem::take(&mut self.retry));
        let window = |known: &Known| if known.has_session() { SESSIONS_RETRIED_FOR } else { RETRIED_FOR };
        let valid = |known: &Known| known.occurred_at <= now && known.occurred_at >= now.minus(window(known));
        for report in retry.into_iter().filter(|(_, events)| events.iter().all(valid)) {
            self.counts.retried += report.1.len() as u64;
            group.push(report);
        }
        for _ in 0..=self.dice.roll(7) {
            let (controller, first) = self.event();
            let mut events = vec![first];
            if self.dice.one_in(3) {
                for _ in 0..=self.dice.roll(5) {
                    let (_, known) = self.event();
                    events.push(known);
                }
                self.repeat_within(&controller, &mut events);
            }
            group.push((controller, events));
        }
        for _ in 0..self.dice.roll(3) {
            let controller = school(self.dice.pick(SCHOOLS.len()));
            let again = if self.dice.one_in(4) {
                // One of the same group.
                let (controller, events) = &group[self.dice.pick(group.len())];
                Some((controller.clone(), events[0].clone()))
            } else {
                self.reported_lately(&controller).map(|known| (controller, known))
            };
            let Some((controller, mut again)) = again else { continue };
            if self.dice.one_in(3) {
                again.action = Action::Delete as i32;
            }
            group.push((controller, vec![again]));
        }
        group
    }

    /// In a batch, one of its own events may come twice, or one that is recorded; and once in a while under the id of
    /// another event.
    fn repeat_within(&mut self, controller: &Controller, events: &mut Vec<Known>) {
        let mut again = match self.dice.roll(4) {
            0 => events[self.dice.pick(events.len())].clone(),
            1 => match self.reported_lately(controller) {
                Some(known) => known,
                None => return,
            },
            _ => return,
        };
        let fresh = events.iter().any(|known| known.event_id == again.event_id);
        if (fresh || again.sure) && self.dice.one_in(3) {
            again.action = Action::Delete as i32;
        }
        let at = self.dice.pick(events.len() + 1);
        events.insert(at, again);
    }

    /// Some event of that trail that may be reported again.
    fn reported_lately(&mut self, controller: &Controller) -> Option<Known> {
        let since = self.world.now.minus(RETRIED_FOR);
        let trail = self.model.get(controller)?;
        let known = trail.get(self.dice.pick(trail.len().max(1)))?;
        let event = known.is_event();
        (event && known.reported_at >= since && known.occurred_at >= since).then(|| known.clone())
    }

    pub(crate) fn event(&mut self) -> (Controller, Known) {
        self.ids += 1;
        let mut event_id = [0; 16];
        event_id[8..].copy_from_slice(&self.ids.to_be_bytes());
        let controller = school(self.dice.pick(SCHOOLS.len()));
        let first = self.dice.pick(5);
        let occurred_at: Timestamp = self.world.now.minus(Duration::from_secs(self.dice.roll(6 * 86_400)));
        let known = Known {
            event_id,
            actor: self.dice.pick(4),
            subjects: (first..first + self.dice.pick(3)).collect(),
            ip: (self.dice.roll(4) > 0).then(|| u8::try_from(self.dice.roll(3)).unwrap()),
            action: [Action::Read, Action::Update, Action::Login][self.dice.pick(3)] as i32,
            occurred_at,
            reported_at: self.world.now,
            receipt: None,
            sure: false,
            act: None,
            expired: None,
        };
        (controller, known)
    }
}

pub(crate) fn school(number: usize) -> Controller {
    Controller::new(SCHOOLS[number]).unwrap()
}
