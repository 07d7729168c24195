//! Whether exported records are all of a trail: no position missing, each header on the link of the one before.

use crate::grpc::api::Receipt;
use crate::model::header::{Header, Link};
use crate::model::origin::Origin;

/// Findings that are listed one by one; a chain that is broken throughout needs no longer list.
const LISTED_MAX: usize = 20;

/// The chain so far.
#[derive(Debug, Default)]
pub(super) struct Chain {
    next: u64,
    head: Option<Link>,
    findings: Vec<String>,
    more: u64,
}

impl Chain {
    /// The next record: its receipt and the bytes of its header.
    pub(super) fn next(&mut self, receipt: &Receipt, header: &[u8]) {
        let seq = receipt.seq;
        if seq > self.next {
            self.find(format!("records {} to {} are missing", self.next, seq - 1));
        } else if seq < self.next {
            self.find(format!("record {seq} comes again, after record {}", self.next.saturating_sub(1)));
        }
        let link = Link::of(header);
        let origin = Origin::parse(&receipt.origin);
        let before = self.head.or(origin.filter(|_| seq == 0).map(|origin| Link::of_origin(&origin)));
        match Header::decode(header) {
            Err(error) => self.find(format!("record {seq}: its header is none: {error}")),
            Ok(header) if header.seq != seq => self.find(format!("record {seq}: its header is of {}", header.seq)),
            Ok(header) if seq == self.next && before.is_some_and(|before| before != header.previous) => {
                self.find(format!("record {seq}: its header does not carry the link of the record before"));
            }
            Ok(_) if receipt.link != link.0 => self.find(format!("record {seq}: its link is not that of its header")),
            Ok(_) => {}
        }
        self.head = Some(link);
        self.next = seq.saturating_add(1);
    }

    /// Link of the newest record.
    pub(super) fn head(&self) -> Option<&[u8]> {
        self.head.as_ref().map(|link| link.0.as_slice())
    }

    /// Everything that is wrong with it as a trail of `size` records.
    pub(super) fn findings(&self, size: u64) -> Vec<String> {
        let mut findings = self.findings.clone();
        if self.more > 0 {
            findings.push(format!("{} more", self.more));
        }
        if self.next != size {
            findings
                .push(format!("the trail has {size} records, the last one here is {}", self.next.saturating_sub(1)));
        }
        findings
    }

    fn find(&mut self, what: String) {
        if self.findings.len() < LISTED_MAX {
            self.findings.push(what);
        } else {
            self.more += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::date::{Timestamp, Zone};
    use crate::model::notice;
    use prost::Message;

    const ORIGIN: &str = "akta.dev/school-12/w0a1b2c3d";

    /// Receipts and headers of a good chain.
    fn records(count: u64) -> Vec<(Receipt, Vec<u8>)> {
        let origin = Origin::parse(ORIGIN).expect("is an origin");
        let time = Timestamp::from_nanos(1_795_341_600_000_000_000);
        let core = notice::contents(notice::opening(&origin, &Zone::default(), ""), None, time)
            .notice
            .expect("is a notice")
            .encode_to_vec();
        let mut before = Link::of_origin(&origin);
        let one = |seq| {
            let header = notice::header(&core, seq, time, before).encode();
            before = Link::of(&header);
            (Receipt { origin: ORIGIN.into(), seq, link: before.0.to_vec(), recorded_at: None }, header)
        };
        (0..count).map(one).collect()
    }

    fn findings(records: &[(Receipt, Vec<u8>)], size: u64) -> Vec<String> {
        let mut chain = Chain::default();
        records.iter().for_each(|(receipt, header)| chain.next(receipt, header));
        chain.findings(size)
    }

    #[test]
    fn a_whole_chain_is_good_and_every_defect_is_named() {
        let good = records(5);
        assert_eq!(findings(&good, 5), Vec::<String>::new());
        assert_eq!(findings(&good, 6), ["the trail has 6 records, the last one here is 4"]);
        assert_eq!(findings(&good[1..], 5), ["records 0 to 0 are missing"]);

        let gap: Vec<_> = good.iter().filter(|(receipt, _)| !(1..3).contains(&receipt.seq)).cloned().collect();
        assert_eq!(findings(&gap, 5), ["records 1 to 2 are missing"]);
        let twice: Vec<_> = good.iter().take(2).chain(&good[1..]).cloned().collect();
        assert_eq!(findings(&twice, 5), ["record 1 comes again, after record 1"]);

        let mut other = good.clone();
        other[2].1[20] ^= 1;
        let found = findings(&other, 5);
        assert!(found[0].contains("record 2: its header does not carry the link"), "{found:?}");
        assert!(found[1].contains("record 3: its header does not carry the link"), "{found:?}");
        let mut lied = good.clone();
        lied[4].0.link[0] ^= 1;
        assert_eq!(findings(&lied, 5), ["record 4: its link is not that of its header"]);
        let mut cut = good;
        cut[3].1.pop();
        assert!(findings(&cut, 5)[0].contains("record 3: its header is none"));
    }
}
