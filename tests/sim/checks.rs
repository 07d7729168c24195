//! What is checked of a store that runs: everything acknowledged, everything signed, and what the one judge says.
#![allow(clippy::unwrap_used)]

use std::mem::discriminant;
use std::sync::Arc;

use akta::model::notice;
use akta::model::permission::told;
use akta::model::policy::Kept;
use akta::trail::reader::Reader;
use akta::trail::trails::Info;
use akta::trail::verify::verify;

use super::Sim;
use super::deciding::dated;
use super::invariant::{Dense, DurableFirst, Judge, Linked};
use super::story::alive;
use super::world::Open;

impl Sim {
    /// One of the trails of controllers, if there is any.
    pub(crate) fn trail(&mut self, node: &Open) -> Option<Arc<Info>> {
        let at = self.dice.pick(2);
        self.world.trails(node).into_iter().nth(at)
    }

    /// Somebody keeps a checkpoint of every head that may be signed.
    pub(crate) fn keep_heads(&mut self, node: &Open) {
        for info in self.world.trails(node) {
            let Some(head) = info.guarded() else { continue };
            let kept = self.signed.entry(info.controller.clone()).or_default();
            if kept.last() != Some(&head) {
                kept.push(head);
            }
        }
    }

    /// Whoever kept a checkpoint sees it continued, and the guard would notice an older copy of the store.
    pub(crate) fn check_signed(&mut self, node: &Open) {
        let checked = &mut self.counts.checked;
        self.world.aside(|| {
            let guarded = node.base.guard.as_ref().unwrap().heads().unwrap();
            for (controller, heads) in &self.signed {
                let Some(head) = heads.last() else { continue };
                let info = node.base.trail(controller).unwrap();
                let info = info.unwrap_or_else(|| panic!("{DurableFirst}: what was signed of {controller} is gone"));
                let reached = info.size() >= head.size;
                checked.holds(DurableFirst, reached, || format!("{controller} is shorter than its checkpoint"));
                let continued = node.base.root(&info, head.size).unwrap() == *head;
                checked.holds(Linked, continued, || format!("{controller} does not continue its checkpoint"));
                let held = guarded.get(info.origin.as_str()).map_or(0, |guarded| guarded.size);
                checked.holds(DurableFirst, held >= head.size, || {
                    format!("the guard does not know what was signed of {controller}")
                });
            }
        });
    }

    /// Everything acknowledged is there, in its place, with its link; the one judge agrees.
    pub(crate) fn check_all(&mut self, node: &Open) {
        for info in self.world.trails(node) {
            let today = self.today(node, &info.zone);
            let mut reader = Reader::new(&node.base, &info, today);
            let checked = &mut self.counts.checked;
            for (seq, known, retention) in dated(&self.model[&info.controller]) {
                let record = match reader.record(seq) {
                    Ok(record) => record,
                    Err(error) => return checked.holds(DurableFirst, false, || error.to_string()),
                };
                checked.holds(Dense, record.header.seq == seq, || format!("{} stands at {seq}", record.header.seq));
                if let Some(receipt) = &known.receipt {
                    let same = (receipt.seq, receipt.link) == (seq, record.link);
                    checked.holds(Linked, same, || format!("record {seq} is not that of its receipt"));
                }
                if let Some((change, _)) = &known.act {
                    let notice = record.contents.notice.as_ref();
                    let heard = notice.and_then(|notice| told::hear(notice, None).unwrap());
                    let same = heard.is_some_and(|heard| discriminant(&heard.change) == discriminant(change));
                    checked.holds(DurableFirst, same, || format!("record {seq} is not the notice of {change:?}"));
                    continue;
                }
                if let Some(through) = known.expired {
                    let notice = record.contents.notice.as_ref().and_then(|notice| notice.kind.clone());
                    let same = notice == Some(notice::expired(through));
                    checked.holds(DurableFirst, same, || format!("record {seq} does not tell of {through}"));
                    continue;
                }
                match &record.contents.core {
                    Some(core) => checked.holds(DurableFirst, core.event_id == known.event_id, || {
                        format!("record {seq} is another event than acknowledged")
                    }),
                    None => {
                        let past = !alive(known, Kept::Core, &retention, &info.zone, today);
                        checked.holds(DurableFirst, past, || format!("record {seq} cannot be read before its date"));
                        self.counts.expired += 1;
                    }
                }
            }
        }
        self.check_decided(node);
        self.check_expired(node);
        let findings = verify(&node.base, |_, _, _| {}).findings;
        self.counts.checked.holds(Judge, findings.is_empty(), || format!("{findings:?}"));
    }
}
