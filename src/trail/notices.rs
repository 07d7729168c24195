//! Notices: what a trail says about itself, in order, each checked against its header.

use std::sync::Arc;

use super::answer::{AskError, blocking};
use super::base::Base;
use super::node::Node;
use super::reader::{ReadError, Reader};
use super::trails::Info;
use crate::model::origin::Controller;
use crate::model::record::Record;
use crate::store::{Family, Scan, keys};

/// A page of notices.
#[derive(Debug, Clone)]
pub struct Notices {
    /// The trail.
    pub trail: Arc<Info>,
    /// The notices, with their cores as committed to.
    pub notices: Vec<(Record, Vec<u8>)>,
    /// Position to go on at; `None` after the last.
    pub next: Option<u64>,
}

impl Node {
    /// The notices of a trail from position `from` on, at most `limit`.
    pub async fn notices(
        self: &Arc<Self>,
        controller: &Controller,
        from: u64,
        limit: usize,
    ) -> Result<Notices, AskError> {
        let trail = self.trail(controller).await?;
        let (node, info) = (self.clone(), trail.clone());
        let (notices, next) = blocking(move || list(&node.base, &info, from, limit)).await?;
        Ok(Notices { trail, notices, next })
    }
}

type Page = (Vec<(Record, Vec<u8>)>, Option<u64>);

fn list(base: &Base, info: &Info, from: u64, limit: usize) -> Result<Page, ReadError> {
    let size = info.size();
    let scan = Scan {
        from: keys::trail_seq(info.number, from.min(size)).to_vec(),
        to: Some(keys::trail_seq(info.number, size).to_vec()),
        ..Scan::all(Family::Notice)
    };
    // One more than asked for tells where the next page begins.
    let rows: Vec<_> = base.db.scan(scan).take(limit + 1).collect::<Result<_, _>>()?;
    let mut reader = Reader::headers(base, info);
    let mut notices = Vec::with_capacity(rows.len().min(limit));
    let mut next = None;
    for (key, core) in rows {
        let seq = keys::seq_of(&key).unwrap_or_default();
        if notices.len() == limit {
            next = Some(seq);
            break;
        }
        notices.push((reader.record(seq)?, core.into_vec()));
    }
    Ok((notices, next))
}
