//! Searches in a simulation: each finds what a plain scan of the model finds.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use akta::model::facts::Facts;
use akta::model::identity::Identity;
use akta::model::policy::Kept;
use akta::model::query::{Cursor, Filter, Order};
use akta::model::stored::Action;
use akta::trail::search;

use super::Sim;
use super::crashes::is_fault;
use super::deciding::dated;
use super::invariant::{Derived, DurableFirst};
use super::story::{alive, pupil, teacher};
use super::world::Open;

impl Sim {
    pub(crate) fn search(&mut self, node: &mut Open) -> bool {
        if node.indexer.flush().is_err() {
            return self.crash("the index failed");
        }
        let Some(info) = self.trail(node) else {
            return true;
        };
        self.counts.searches += 1;
        let subject = (self.dice.roll(2) == 0).then(|| self.dice.pick(7));
        let actor = (self.dice.roll(3) == 0).then(|| self.dice.pick(4));
        let ip = (self.dice.roll(3) == 0).then(|| u8::try_from(self.dice.roll(3)).unwrap());
        let action = (self.dice.roll(3) == 0).then_some(Action::Read as i32);
        let since =
            (self.dice.roll(3) == 0).then(|| self.world.now.minus(Duration::from_secs(self.dice.roll(9 * 86_400))));
        let until =
            (self.dice.roll(3) == 0).then(|| self.world.now.minus(Duration::from_secs(self.dice.roll(5 * 86_400))));
        let order = if self.dice.roll(2) == 0 { Order::NewestFirst } else { Order::OldestFirst };
        let limit = 1 + self.dice.pick(5);

        let person = |who: Option<Identity>| {
            who.map(|who| search::pseudonyms(&node.base, &info, &who)).transpose().map_err(|error| error.to_string())
        };
        let (Ok(subjects), Ok(actors)) = (person(subject.map(pupil)), person(actor.map(teacher))) else {
            return self.crash("the vault failed");
        };
        let filter = Filter {
            subject: subjects,
            actor: actors,
            on_behalf_of: None,
            facts: Facts {
                ip: ip.map(|ip| vec![192, 0, 2, ip]),
                actions: action.into_iter().collect(),
                since,
                until,
                ..Facts::default()
            },
        };
        let today = self.today(node, &info.zone);
        let trail = self.model.get(&info.controller).map(Vec::as_slice).unwrap_or_default();
        let mut expected: Vec<u64> = dated(trail)
            .filter(|(_, known, retention)| {
                let alive = |kept| alive(known, kept, retention, &info.zone, today);
                known.is_event()
                    && subject.is_none_or(|subject| known.subjects.contains(&subject))
                    && actor.is_none_or(|actor| known.actor == actor)
                    && ip.is_none_or(|ip| known.ip == Some(ip) && alive(Kept::Net))
                    && action.is_none_or(|action| known.action == action)
                    && since.is_none_or(|since| known.occurred_at >= since)
                    && until.is_none_or(|until| known.occurred_at < until)
                    && alive(Kept::Core)
            })
            .map(|(seq, _, _)| seq)
            .collect();
        if order == Order::NewestFirst {
            expected.reverse();
        }
        let mut found = Vec::new();
        let next = if order == Order::NewestFirst { u64::MAX } else { 0 };
        let mut cursor = Some(Cursor { size: info.size(), next, question: [0; 8] });
        while let Some(start) = cursor {
            match search::search(&node.base, &info, &filter, order, start, limit) {
                Ok(page) => {
                    assert!(page.records.len() == limit || page.next.is_none(), "only the last page is short");
                    found.extend(page.records.iter().map(|record| record.header.seq));
                    cursor = page.next;
                }
                Err(error) => {
                    self.counts.checked.holds(DurableFirst, is_fault(&error.to_string()), || error.to_string());
                    return self.crash("a read failed");
                }
            }
        }
        self.counts.checked.holds(Derived, found == expected, || {
            format!("{filter:?} {order:?} finds {found:?}, a plain scan {expected:?}")
        });
        self.counts.rows += found.len() as u64;
        true
    }
}
