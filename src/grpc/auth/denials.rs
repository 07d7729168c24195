//! Denials on their way to the trail: the first of its kind at once, those that follow counted, so that nobody fills a
//! trail by knocking.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::trail::denial::{Denied, Who};

/// Denials of one kind are counted for so long before they are recorded again.
pub const WINDOW: Duration = Duration::from_secs(60);

/// Kinds that are told apart at once; more than that are counted together.
pub const KINDS_MAX: usize = 1_000;

/// Kinds that are told apart of one caller, and of all who are not known; more than that are counted as one kind of
/// that caller, so that nobody drives the others' out.
pub const KINDS_OF_ONE_MAX: usize = 64;

/// What was denied lately.
#[derive(Debug, Default)]
pub struct Denials(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    kinds: BTreeMap<Denied, Counted>,
    /// Beyond [`KINDS_MAX`].
    others: u64,
    /// When those were recorded last.
    others_at: Option<Instant>,
}

#[derive(Debug)]
struct Counted {
    since: Instant,
    /// Not yet recorded.
    count: u64,
}

impl Denials {
    /// Notes a denial; what is to be recorded of it now.
    #[must_use]
    pub fn note(&self, denied: Denied, now: Instant) -> Option<Denied> {
        let mut state = self.state();
        let mut denied = denied;
        if !state.kinds.contains_key(&denied) && state.kinds_of(&denied.who) >= KINDS_OF_ONE_MAX {
            denied = several(denied.who);
        }
        if let Some(counted) = state.kinds.get_mut(&denied) {
            counted.count += 1;
            return None;
        }
        if state.kinds.len() >= KINDS_MAX {
            state.others += 1;
            return None;
        }
        state.kinds.insert(denied.clone(), Counted { since: now, count: 0 });
        Some(denied)
    }

    /// What was counted in windows that are over, to be recorded. To be called about once a second.
    pub fn due(&self, now: Instant) -> Vec<(Denied, u64)> {
        let mut due = Vec::new();
        let mut state = self.state();
        state.kinds.retain(|denied, counted| {
            let over = now.saturating_duration_since(counted.since) >= WINDOW;
            if over && counted.count > 0 {
                due.push((denied.clone(), std::mem::take(&mut counted.count)));
                counted.since = now;
                return true;
            }
            !over
        });
        let waited = state.others_at.is_none_or(|at| now.saturating_duration_since(at) >= WINDOW);
        if state.others > 0 && waited {
            state.others_at = Some(now);
            due.push((several(Who::Unknown { ip: Vec::new() }), std::mem::take(&mut state.others)));
        }
        due
    }

    /// All that was counted and not recorded, at the end.
    pub fn rest(&self) -> Vec<(Denied, u64)> {
        let state = std::mem::take(&mut *self.state());
        let counted = state.kinds.into_iter().map(|(denied, counted)| (denied, counted.count));
        let others = several(Who::Unknown { ip: Vec::new() });
        counted.chain([(others, state.others)]).filter(|(_, count)| *count > 0).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Kinds of one caller; of all who are not known together.
    fn kinds_of(&self, who: &Who) -> usize {
        let same = |other: &Who| match (who, other) {
            (Who::Unknown { .. }, Who::Unknown { .. }) => true,
            _ => who == other,
        };
        self.kinds.keys().filter(|denied| same(&denied.who)).count()
    }
}

/// What stands for kinds that were too many to be told apart. Of those who are not known it names no address.
fn several(who: Who) -> Denied {
    let who = match who {
        Who::Unknown { .. } => Who::Unknown { ip: Vec::new() },
        known @ Who::Known { .. } => known,
    };
    Denied { who, call: "several", permission: None, controller: None, why: "several".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::origin::Controller;
    use crate::model::permission::Permission;
    use crate::model::stored::ActorKind;

    fn denied(number: usize) -> Denied {
        Denied {
            who: Who::Unknown { ip: vec![192, 0, 2, 1] },
            call: "SearchEvents",
            permission: Some(Permission::Search),
            controller: Controller::new(&format!("school-{number}")),
            why: "stranger".to_owned(),
        }
    }

    #[test]
    fn the_first_is_recorded_at_once_and_the_rest_counted() {
        let (denials, now) = (Denials::default(), Instant::now());
        assert_eq!(denials.note(denied(1), now), Some(denied(1)));
        assert_eq!(denials.note(denied(2), now), Some(denied(2)), "another kind");
        for _ in 0..5 {
            assert_eq!(denials.note(denied(1), now), None);
        }
        assert_eq!(denials.due(now + WINDOW / 2), []);
        assert_eq!(denials.due(now + WINDOW), [(denied(1), 5)]);
        assert_eq!(denials.note(denied(1), now + WINDOW), None, "the next window goes on counting");
        assert!(denials.note(denied(2), now + WINDOW).is_some(), "nothing came within its window");
        assert_eq!(denials.due(now + WINDOW * 2), [(denied(1), 1)]);
        assert_eq!(denials.due(now + WINDOW * 3), []);
        assert!(denials.note(denied(1), now + WINDOW * 3).is_some());
    }

    fn known(name: usize) -> Who {
        Who::Known { name: format!("caller-{name}"), kind: ActorKind::Human }
    }

    /// Somebody makes up controllers, for as long as he likes.
    #[test]
    fn nobody_drives_out_the_refusals_of_others() {
        let (denials, begun) = (Denials::default(), Instant::now());
        let mut counted = 0;
        for minute in 0..5 {
            let now = begun + WINDOW * minute;
            for who in [known(1), Who::Unknown { ip: vec![192, 0, 2, 7] }] {
                let kinds = (0..3 * KINDS_MAX).map(|number| Denied { who: who.clone(), ..denied(number) });
                counted += kinds.filter_map(|kind| denials.note(kind, now)).count() as u64;
            }
            let honest = Denied { who: known(2), ..denied(minute as usize) };
            assert_eq!(denials.note(honest.clone(), now), Some(honest));
            counted += denials.due(now + WINDOW).into_iter().map(|(_, count)| count).sum::<u64>();
        }
        assert_eq!(counted, 5 * 2 * 3 * KINDS_MAX as u64, "each is counted");
        assert!(denials.state().kinds.len() < 3 * (KINDS_OF_ONE_MAX + 1));
    }

    #[test]
    fn memory_is_bounded_and_nothing_is_lost() {
        let (denials, now) = (Denials::default(), Instant::now());
        let kinds = (0..3 * KINDS_MAX).map(|number| Denied { who: known(number), ..denied(1) });
        assert_eq!(kinds.filter_map(|kind| denials.note(kind, now)).count(), KINDS_MAX);
        // Recorded also while there are too many.
        assert_eq!(denials.due(now).into_iter().map(|(_, count)| count).sum::<u64>(), 2 * KINDS_MAX as u64);
        assert_eq!(denials.note(Denied { who: known(7 * KINDS_MAX), ..denied(1) }, now), None);
        assert_eq!(denials.rest().into_iter().map(|(_, count)| count).sum::<u64>(), 1);
    }
}
