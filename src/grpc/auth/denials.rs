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

/// What was denied lately.
#[derive(Debug, Default)]
pub struct Denials(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    kinds: BTreeMap<Denied, Counted>,
    /// Beyond [`KINDS_MAX`].
    others: u64,
}

#[derive(Debug)]
struct Counted {
    since: Instant,
    /// Not yet recorded.
    count: u64,
}

impl Denials {
    /// Notes a denial; whether it is to be recorded now.
    #[must_use]
    pub fn note(&self, denied: &Denied, now: Instant) -> bool {
        let mut state = self.state();
        if let Some(counted) = state.kinds.get_mut(denied) {
            counted.count += 1;
            return false;
        }
        if state.kinds.len() >= KINDS_MAX {
            state.others += 1;
            return false;
        }
        state.kinds.insert(denied.clone(), Counted { since: now, count: 0 });
        true
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
        if state.others > 0 && state.kinds.len() < KINDS_MAX {
            due.push((others(), std::mem::take(&mut state.others)));
        }
        due
    }

    /// All that was counted and not recorded, at the end.
    pub fn rest(&self) -> Vec<(Denied, u64)> {
        let state = std::mem::take(&mut *self.state());
        let counted = state.kinds.into_iter().map(|(denied, counted)| (denied, counted.count));
        counted.chain([(others(), state.others)]).filter(|(_, count)| *count > 0).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What stands for kinds that were too many to be told apart.
fn others() -> Denied {
    Denied {
        who: Who::Unknown { ip: Vec::new() },
        call: "several",
        permission: None,
        controller: None,
        why: format!("more than {KINDS_MAX} kinds of refusals within {} s", WINDOW.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::origin::Controller;
    use crate::model::permission::Permission;

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
        assert!(denials.note(&denied(1), now));
        assert!(denials.note(&denied(2), now), "another kind");
        for _ in 0..5 {
            assert!(!denials.note(&denied(1), now));
        }
        assert_eq!(denials.due(now + WINDOW / 2), []);
        assert_eq!(denials.due(now + WINDOW), [(denied(1), 5)]);
        assert!(!denials.note(&denied(1), now + WINDOW), "the next window goes on counting");
        assert!(denials.note(&denied(2), now + WINDOW), "nothing came within its window");
        assert_eq!(denials.due(now + WINDOW * 2), [(denied(1), 1)]);
        assert_eq!(denials.due(now + WINDOW * 3), []);
        assert!(denials.note(&denied(1), now + WINDOW * 3));
    }

    #[test]
    fn memory_is_bounded_and_nothing_is_lost() {
        let (denials, now) = (Denials::default(), Instant::now());
        let recorded = (0..3 * KINDS_MAX).filter(|number| denials.note(&denied(*number), now)).count();
        assert_eq!(recorded, KINDS_MAX);
        let others: u64 = denials.due(now + WINDOW).into_iter().map(|(_, count)| count).sum();
        assert_eq!(others, 2 * KINDS_MAX as u64);
        let _ = denials.note(&denied(1), now + WINDOW);
        let _ = denials.note(&denied(1), now + WINDOW);
        assert_eq!(denials.rest(), [(denied(1), 1)]);
    }
}
