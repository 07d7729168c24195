//! Decisions of controllers in a simulation: an answered change is there, a refused one is not, all of a call or nothing;
//! and what a node holds of them is what a plain fold over the answers gives.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use akta::model::check::Checker;
use akta::model::date::{Lifetime, Timestamp};
use akta::model::origin::Controller;
use akta::model::permission::Permission;
use akta::model::permission::acts::{Acts, Refusal};
use akta::model::permission::approval::Deed;
use akta::model::permission::change::{ActId, Change, Decided};
use akta::model::permission::grants::{GRANT_MAX, INCIDENT_MAX, Span};
use akta::model::permission::holder::Holder;
use akta::model::permission::policy::Staff;
use akta::model::policy::{Class, Kept};
use akta::model::profile::Profile;
use akta::model::retention::choice::{Choice, Wanted};
use akta::model::retention::in_force::Retention;
use akta::model::retention::table::Table;
use akta::trail::acts::{ChangeError, Noted};
use akta::trail::controllers::Asked;
use akta::trail::reader::Reader;
use akta::trail::submission::RecordError;

use super::Sim;
use super::invariant::{self, Dense, Promised};
use super::reports::school;
use super::story::Known;
use super::world::Open;

/// What the model knows of a trail, record by record from 1 on, with the policy that was in force.
pub(crate) fn dated(trail: &[Known]) -> impl Iterator<Item = (u64, &Known, Arc<Retention>)> {
    let mut acts = Acts::default();
    (1u64..).zip(trail).map(move |(seq, known)| {
        if let Some((change @ Change::Retention { .. }, decided)) = &known.act {
            acts.apply(change.clone(), decided.clone(), known.occurred_at);
        }
        (seq, known, acts.retention().clone())
    })
}

const DAY: Duration = Duration::from_secs(86_400);

/// A call: changes, and who makes them.
type Call = (Vec<(Controller, Change)>, Decided);

impl Sim {
    /// Decides something, or opens a controller; and looks at the answer.
    pub(crate) fn decide(&mut self, node: &mut Open) -> bool {
        let of = school(self.dice.pick(2));
        let open = self.world.trails(node).iter().any(|info| info.controller == of);
        if !open && self.dice.one_in(2) {
            return self.open_by_call(node, of);
        }
        let (changes, decided) = self.call(node, of);
        let made = node.writer.change(changes.clone(), &decided);
        let absorbed = node.indexer.absorb(made.step.entries.clone());
        made.step.publish();
        match made.answer {
            Ok(noted) => self.decided(node, changes, &decided, &noted),
            Err(ChangeError::Refused { controller, refusal }) => {
                let why = self.refused(node, &changes, &decided);
                let same = why == Some((controller.clone(), refusal.clone()));
                let checked = &mut self.counts.checked;
                checked.holds(Promised, same, || format!("{changes:?}: {controller} {refusal}, not {why:?}"));
                self.counts.changes_refused += 1;
            }
            Err(ChangeError::Record(RecordError::NoController)) => {
                let there = self.world.trails(node);
                let lacks = changes.iter().any(|(of, _)| there.iter().all(|info| info.controller != *of));
                self.counts.checked.holds(Promised, lacks, || "no controller, though it is there".to_owned());
            }
            Err(ChangeError::Record(RecordError::Uncertain)) => {
                // All of it may be there, as it would have been.
                let mut folded: Vec<(Controller, Acts)> = Vec::new();
                for (of, change) in changes {
                    let at = self.time_in(&of);
                    let mut acts = match folded.iter().position(|(known, _)| *known == of) {
                        Some(place) => folded.swap_remove(place).1,
                        None => self.folded(node, &of).as_of(at),
                    };
                    if acts.check(&change, &decided, at).is_ok() {
                        acts.apply(change.clone(), decided.clone(), at);
                        self.unknown.push((of.clone(), Known::decided(change, decided.clone(), at, None)));
                    }
                    folded.push((of, acts));
                }
                return self.crash("a change failed");
            }
            Err(error) => self.counts.checked.holds(Promised, false, || error.to_string()),
        }
        if absorbed.is_err() {
            return self.crash("the index failed");
        }
        true
    }

    fn open_by_call(&mut self, node: &mut Open, of: Controller) -> bool {
        let profile = Profile { public_body: self.dice.one_in(2), ..Profile::default() };
        let decided = Decided { by: "teacher-anna-9".to_owned(), ground: String::new() };
        let first = (profile != Profile::default()).then(|| Change::Profile(profile.clone()));
        let asked = Asked { controller: of.clone(), zone: None, profile, decided: decided.clone() };
        let made = node.writer.open_controller(&asked);
        let absorbed = node.indexer.absorb(made.step.entries.clone());
        made.step.publish();
        let known = first.map(|change| Known::decided(change, decided, self.world.now, None));
        match made.answer {
            Ok(open) => {
                let model = self.model.entry(of.clone()).or_default();
                model.extend(known);
                let (size, expected) = (open.info.size(), 1 + model.len() as u64);
                let checked = &mut self.counts.checked;
                checked.holds(Dense, open.opened && size == expected, || format!("{of} was opened with {size}"));
                self.counts.opened += 1;
            }
            Err(ChangeError::Record(RecordError::Uncertain)) => {
                self.unknown.extend(known.map(|known| (of, known)));
                return self.crash("an opening failed");
            }
            Err(error) => self.counts.checked.holds(Promised, false, || error.to_string()),
        }
        if absorbed.is_err() { self.crash("the index failed") } else { true }
    }

    /// The answer to a call that was made: a place for each change, but for what was so already.
    fn decided(&mut self, node: &Open, changes: Vec<(Controller, Change)>, decided: &Decided, noted: &[Noted]) {
        let all = changes.len() == noted.len();
        self.counts.checked.holds(Promised, all, || "a change has no answer".to_owned());
        for ((of, change), noted) in changes.into_iter().zip(noted) {
            let at = noted.receipt.as_ref().map_or_else(|| self.time_in(&of), |receipt| receipt.recorded_at);
            let answer = self.folded(node, &of).as_of(at).check(&change, decided, at);
            let follows = noted.controller == of
                && match noted.receipt {
                    Some(_) => answer.is_ok(),
                    None => answer == Err(Refusal::Already),
                };
            let checked = &mut self.counts.checked;
            checked.holds(Promised, follows, || format!("{of} {change:?}: {noted:?}, though {answer:?}"));
            let Some(receipt) = &noted.receipt else { continue };
            let trail = self.model.entry(of.clone()).or_default();
            let seq = 1 + trail.len() as u64;
            checked.holds(Dense, receipt.seq == seq, || format!("{of} {} instead of {seq}", receipt.seq));
            trail.push(Known::decided(change, decided.clone(), at, Some(receipt.clone())));
            self.counts.decided += 1;
        }
        self.check_decided(node);
    }

    /// For whom the first change that does not follow is refused, and why.
    fn refused(
        &mut self,
        node: &Open,
        changes: &[(Controller, Change)],
        decided: &Decided,
    ) -> Option<(Controller, Refusal)> {
        let mut folded: Vec<(Controller, Acts)> = Vec::new();
        for (of, change) in changes {
            let at = self.time_in(of);
            let mut acts = match folded.iter().position(|(known, _)| known == of) {
                Some(place) => folded.swap_remove(place).1,
                None => self.folded(node, of).as_of(at),
            };
            match acts.check(change, decided, at) {
                Ok(()) => acts.apply(change.clone(), decided.clone(), at),
                Err(Refusal::Already) => {}
                Err(refusal) => return Some((of.clone(), refusal)),
            }
            folded.push((of.clone(), acts));
        }
        None
    }

    /// What nodes hold of decisions is what the answers give.
    pub(crate) fn check_decided(&mut self, node: &Open) {
        // Past what a clock was ever set back by.
        let later = self.world.now.plus(DAY);
        for info in self.world.trails(node) {
            let folded = self.folded(node, &info.controller).as_of(later);
            let held = node.base.acts.of(&info.controller).as_ref().clone().as_of(later);
            let same = folded == held;
            let checked = &mut self.counts.checked;
            checked.holds(invariant::Decided, same, || format!("{}: holds {held:?}, not {folded:?}", info.controller));
        }
    }

    /// Other lifetimes for some class, perhaps beyond the bounds; or the policy's again.
    fn lifetimes(&mut self) -> Change {
        let class = [Class::Session, Class::Security, Class::Access, Class::Disclosure][self.dice.pick(4)];
        let months = |dice: &mut super::story::Dice| Lifetime::Months(1 + u16::try_from(dice.roll(40)).unwrap());
        let core = months(&mut self.dice);
        let net = self.dice.one_in(2).then(|| months(&mut self.dice));
        let wanted: Wanted = [(Kept::Core, core)].into_iter().chain(net.map(|net| (Kept::Net, net))).collect();
        let wanted = if self.dice.one_in(4) { [].into() } else { [(class, wanted)].into() };
        let name = |class, kept| format!("{class:?} {kept:?}");
        let choice = Choice::of(&wanted, Table::shipped(), name, &mut Checker::default());
        Change::Retention { number: 0, choice }
    }

    /// A plain fold over what the model knows.
    fn folded(&self, node: &Open, of: &Controller) -> Acts {
        let mut acts = Acts::default();
        for (seq, known) in (1u64..).zip(self.model.get(of).into_iter().flatten()) {
            let Some((change, decided)) = &known.act else { continue };
            let at = match &known.receipt {
                Some(receipt) => receipt.recorded_at,
                None => self.world.aside(|| {
                    let info = node.base.trail(of).unwrap().unwrap();
                    Reader::headers(&node.base, &info).record(seq).unwrap().recorded_at().unwrap()
                }),
            };
            acts.apply(change.clone(), decided.clone(), at);
        }
        acts
    }

    /// When the next record of a trail is recorded.
    fn time_in(&self, of: &Controller) -> Timestamp {
        let receipts = self.model.get(of).into_iter().flatten().filter_map(|known| known.receipt.as_ref());
        receipts.map(|receipt| receipt.recorded_at).fold(self.world.now, Timestamp::max)
    }

    /// One to three changes, for one school or both.
    fn call(&mut self, node: &Open, of: Controller) -> Call {
        let by = format!("teacher-anna-{}", self.dice.pick(3));
        let decided = Decided { by, ground: "Joanna Nowak 4711".to_owned() };
        let count = 1 + self.dice.pick(3);
        let changes = (0..count).map(|_| {
            let of = if self.dice.one_in(4) { school(self.dice.pick(2)) } else { of.clone() };
            let change = self.change(node, &of);
            (of, change)
        });
        let changes = changes.collect();
        (changes, decided)
    }

    fn change(&mut self, node: &Open, of: &Controller) -> Change {
        let acts = self.folded(node, of);
        let now = self.world.now;
        self.ids += 1;
        let new: ActId = uuid::Uuid::from_u128(u128::from(self.ids)).to_string().into();
        let asked: Vec<ActId> = acts.requests().iter().map(|request| request.id.clone()).collect();
        let granted = acts.grants().iter().map(|grant| grant.act().id.clone());
        let live: Vec<ActId> = granted.chain(acts.incidents().iter().map(|incident| incident.act.id.clone())).collect();
        let known = |ids: &[ActId], at: usize| ids.get(at).cloned().unwrap_or_else(|| new.clone());
        match self.dice.roll(13) {
            0 => Change::Profile(Profile { public_body: self.dice.one_in(2), ..Profile::default() }),
            1 | 2 => Change::LoneApproval(self.dice.one_in(2)),
            3 | 4 => {
                let (from, days) = (now.plus(DAY * 3), 1 + self.dice.pick(360) as u32);
                let from = if self.dice.one_in(2) { now } else { from };
                let span = Span::new(from, from.plus(DAY * days), GRANT_MAX).unwrap();
                let holder = Holder::Socket(u32::try_from(self.dice.roll(5)).unwrap());
                Change::Grant { id: new, holder, permissions: [Permission::Search].into(), span }
            }
            12 => self.lifetimes(),
            5 => Change::Incident { id: new, span: Span::new(now, now.plus(DAY * 2), INCIDENT_MAX).unwrap() },
            6 => Change::End(known(&live, self.dice.pick(live.len().max(1)))),
            7 | 8 => {
                let staff = if self.dice.one_in(2) { Staff::Controller } else { Staff::Processor };
                let concerning = format!("pupil-janek-{}", self.dice.pick(7));
                Change::Ask { id: new, deed: Deed::Erasure, concerning, staff }
            }
            9 | 10 => {
                let id = known(&asked, self.dice.pick(asked.len().max(1)));
                Change::Answer { id, agrees: self.dice.roll(4) > 0 }
            }
            _ => Change::Use { id: known(&asked, self.dice.pick(asked.len().max(1))), alone: self.dice.one_in(3) },
        }
    }
}
