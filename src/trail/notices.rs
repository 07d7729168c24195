//! Notices: what a trail says about itself, in order, each checked against its header.

use std::sync::Arc;

use super::answer::{AskError, blocking};
use super::ask::{Asked, Asker};
use super::base::Base;
use super::node::Node;
use super::reader::{ReadError, Reader};
use super::trails::Info;
use crate::model::origin::Which;
use crate::model::record::Record;
use crate::store::{Family, Scan, keys};

/// A page ends once it has this many bytes: gRPC clients take 4 MiB unless told otherwise.
const PAGE_BYTES_MAX: usize = 2 << 20;

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
    pub async fn notices(self: &Arc<Self>, of: impl Into<Which>, from: u64, limit: usize) -> Result<Notices, AskError> {
        self.page(&of.into(), from, limit, false).await
    }

    /// The same with their slices, as far as these are not past, and what opens them. As they name people, the question
    /// is durable in the trail before it returns.
    pub async fn notices_with_slices(
        self: &Arc<Self>,
        asker: &Asker,
        of: impl Into<Which>,
        from: u64,
        limit: usize,
    ) -> Result<Notices, AskError> {
        let of = of.into();
        let found = self.page(&of, from, limit, true).await?;
        let asked = Asked { call: "ListNotices", shape: "with_slices".to_owned(), export: true };
        self.record_read(asker, &of.controller, asked, found.notices.len()).await?;
        Ok(found)
    }

    async fn page(self: &Arc<Self>, of: &Which, from: u64, limit: usize, slices: bool) -> Result<Notices, AskError> {
        let trail = self.which(of).await?;
        let (node, info) = (self.clone(), trail.clone());
        let (notices, next) = blocking(move || list(&node.base, &info, from, limit, slices)).await?;
        Ok(Notices { trail, notices, next })
    }
}

type Page = (Vec<(Record, Vec<u8>)>, Option<u64>);

fn list(base: &Base, info: &Info, from: u64, limit: usize, slices: bool) -> Result<Page, ReadError> {
    let size = info.size();
    let scan = Scan {
        from: keys::trail_seq(info.number, from.min(size)).to_vec(),
        to: Some(keys::trail_seq(info.number, size).to_vec()),
        ..Scan::all(Family::Notice)
    };
    // One more than asked for tells where the next page begins.
    let rows: Vec<_> = base.db.scan(scan).take(limit + 1).collect::<Result<_, _>>()?;
    let mut reader = match slices {
        true => Reader::new(base, info, base.today(&info.zone)).with_openings(true),
        false => Reader::headers(base, info),
    };
    let mut notices = Vec::with_capacity(rows.len().min(limit));
    let mut next = None;
    let mut bytes = 0;
    for (key, core) in rows {
        let seq = keys::seq_of(&key).unwrap_or_default();
        if notices.len() == limit || bytes > PAGE_BYTES_MAX {
            next = Some(seq);
            break;
        }
        let record = reader.record(seq)?;
        bytes += core.len() + record.wire_bytes();
        notices.push((record, core.into_vec()));
    }
    Ok((notices, next))
}
