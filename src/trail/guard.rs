//! The guard: a file beside the store that remembers how far each trail was, so that an older copy of the store is
//! noticed. It may lie on another volume.
//!
//! ```text
//! guard  = "akta guard 1\n" line*
//! line   = origin · space · size · space · base64 of the root · space · 16 hex digits · "\n"
//! digits = first 8 bytes of derive_key("akta v1 guard line", the line before the last space)
//! ```
//!
//! Lines are only added; of the good ones of an origin that of the greatest size counts. A crash may tear the end:
//! lines that do not check are passed over, since an append of several lines reaches the disk in any order. When it
//! has grown it is written anew with the lines that count alone, whole or not at all.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::base::Base;
use super::trails::Head;
use crate::model::tree::Hash;
use crate::store::disk::GUARD;
use crate::store::files::Files;

const FIRST_LINE: &str = "akta guard 1\n";
/// The file is written anew once it has grown to this, and to four times what it was after the last time.
const BYTES_MAX: usize = 4 << 20;

/// The guard of a node.
pub struct Guard {
    files: Arc<dyn Files>,
    size: Mutex<Size>,
}

struct Size {
    bytes: usize,
    rewrite_at: usize,
    /// The last write failed: nobody knows what the file has.
    unknown: bool,
}

impl Guard {
    /// The guard in that folder; `None` if there is none.
    pub fn open(files: Arc<dyn Files>) -> io::Result<Option<Self>> {
        let Some(bytes) = files.read(GUARD)? else { return Ok(None) };
        let text = String::from_utf8_lossy(&bytes);
        if !text.starts_with(FIRST_LINE) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is not a guard file of format 1"));
        }
        let guard = Self::at(files, bytes.len());
        // A torn end must not run into the next line.
        if !text.ends_with('\n') {
            lock(&guard.size).unknown = true;
        }
        Ok(Some(guard))
    }

    /// A new guard in that folder.
    pub fn create(files: Arc<dyn Files>) -> io::Result<Self> {
        files.create(GUARD, FIRST_LINE.as_bytes())?;
        Ok(Self::at(files, FIRST_LINE.len()))
    }

    fn at(files: Arc<dyn Files>, bytes: usize) -> Self {
        Self { files, size: Mutex::new(Size { bytes, rewrite_at: BYTES_MAX, unknown: false }) }
    }

    /// The greatest head of each origin.
    pub fn heads(&self) -> io::Result<BTreeMap<String, Head>> {
        Ok(parse(&self.text()?))
    }

    fn text(&self) -> io::Result<String> {
        let bytes = self.files.read(GUARD)?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Makes heads durable. After an error it is not known which are; the next call makes it whole again.
    pub fn append<'a>(&self, heads: impl IntoIterator<Item = (&'a str, Head)>) -> io::Result<()> {
        let mut lines = String::new();
        for (origin, head) in heads {
            lines.push_str(&line(origin, head));
        }
        let mut size = lock(&self.size);
        let before = std::mem::replace(&mut size.unknown, true);
        if before || size.bytes + lines.len() > size.rewrite_at {
            let mut last = self.text()?;
            last.push('\n');
            last.push_str(&lines);
            let mut whole = FIRST_LINE.to_owned();
            whole.extend(parse(&last).iter().map(|(origin, head)| line(origin, *head)));
            self.files.create(GUARD, whole.as_bytes())?;
            *size = Size { bytes: whole.len(), rewrite_at: BYTES_MAX.max(4 * whole.len()), unknown: false };
        } else {
            self.files.append(GUARD, lines.as_bytes())?;
            size.bytes += lines.len();
            size.unknown = false;
        }
        Ok(())
    }

    /// Guards every open trail that grew, with one sync. Only then may their heads be signed.
    pub fn tick(&self, base: &Base) -> io::Result<()> {
        let grown: Vec<_> = base.trails.all_open().into_iter().map(|info| (info.head(), info)).collect();
        let grown: Vec<_> = grown.into_iter().filter(|(head, info)| info.guarded() != Some(*head)).collect();
        if !grown.is_empty() {
            self.append(grown.iter().map(|(head, info)| (info.origin.as_str(), *head)))?;
        }
        for (head, info) in grown {
            info.publish_guarded(head);
        }
        base.trails.tick();
        Ok(())
    }
}

fn line(origin: &str, head: Head) -> String {
    let mut line = format!("{origin} {} {}", head.size, STANDARD.encode(head.root.0));
    let check = blake3::derive_key("akta v1 guard line", line.as_bytes());
    let (digits, _) = check.split_first_chunk().expect("a hash has 32 bytes");
    let _ = writeln!(line, " {:016x}", u64::from_be_bytes(*digits));
    line
}

/// Of the good lines of each origin the one that says most: an older line that was put behind it takes nothing back. Of
/// two of one size the first counts, for what was guarded once stands.
fn parse(text: &str) -> BTreeMap<String, Head> {
    let mut heads: BTreeMap<String, Head> = BTreeMap::new();
    for (origin, head) in text.split_inclusive('\n').filter_map(parse_line) {
        let known = heads.entry(origin).or_insert(head);
        if known.size < head.size {
            *known = head;
        }
    }
    heads
}

fn parse_line(text: &str) -> Option<(String, Head)> {
    let mut words = text.strip_suffix('\n')?.split(' ');
    let (origin, size, root) = (words.next()?, words.next()?, words.next()?);
    let head = Head { size: size.parse().ok()?, root: Hash(STANDARD.decode(root).ok()?.try_into().ok()?) };
    (line(origin, head) == text).then(|| (origin.to_owned(), head))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::faults::{Call, Fault};
    use crate::store::files::MemoryFiles;

    fn head(size: u64) -> Head {
        Head { size, root: Hash([u8::try_from(size % 251).unwrap_or_default(); 32]) }
    }

    #[test]
    fn the_last_line_of_each_origin_counts() {
        let files = MemoryFiles::new();
        assert!(Guard::open(Arc::new(files.clone())).expect("reads").is_none());
        let guard = Guard::create(Arc::new(files.clone())).expect("is made");
        for size in 1..30_000 {
            guard.append([("a/b/c", head(size)), ("a/d/c", head(2 * size))]).expect("appends");
        }
        let again = Guard::open(Arc::new(files.clone())).expect("reads").expect("is there");
        let heads = again.heads().expect("reads");
        assert_eq!(heads["a/b/c"], head(29_999));
        assert_eq!(heads["a/d/c"], head(59_998));
        assert_eq!(heads.len(), 2);
        let bytes = files.read(GUARD).expect("reads").expect("is there").len();
        assert!(bytes < BYTES_MAX + 1000, "it is written anew when it has grown: {bytes}");
    }

    /// An append torn anywhere leaves every line before it, and the next append is whole.
    #[test]
    fn torn_appends_lose_only_themselves() {
        for bytes in 0..150 {
            let files = MemoryFiles::new();
            let guard = Guard::create(Arc::new(files.clone())).expect("is made");
            guard.append([("a/b/c", head(1))]).expect("appends");
            files.faults(|faults| faults.plan(Call::Append, 0, Fault::Torn(bytes)));
            guard.append([("a/b/c", head(2)), ("a/d/c", head(3))]).expect_err("is torn");
            files.crash();
            let again = Guard::open(Arc::new(files.clone())).expect("reads").expect("is there");
            assert!(again.heads().expect("reads")["a/b/c"].size >= 1);
            again.append([("a/b/c", head(4))]).expect("appends");
            assert_eq!(again.heads().expect("reads")["a/b/c"], head(4));
            // The same guard after an error of the disk that passed.
            guard.append([("a/b/c", head(5))]).expect("appends");
            assert_eq!(guard.heads().expect("reads")["a/b/c"], head(5));
        }
    }

    #[test]
    fn older_lines_behind_newer_ones_take_nothing_back() {
        let [old, new] = [head(3), head(7)].map(|head| line("a/b/c", head));
        for text in [format!("{old}{new}"), format!("{new}{old}"), format!("{new}{new}{old}")] {
            assert_eq!(parse(&text)["a/b/c"], head(7), "{text}");
        }
        // Two of one size: what was guarded first stands.
        let fork = Head { size: 7, root: Hash([99; 32]) };
        assert_eq!(parse(&format!("{new}{}", line("a/b/c", fork)))["a/b/c"], head(7));
    }

    #[test]
    fn changed_lines_do_not_count() {
        let good = line("a/b/c", head(7));
        assert_eq!(parse_line(&good), Some(("a/b/c".to_owned(), head(7))));
        for at in 0..good.len() {
            let mut bad = good.clone().into_bytes();
            bad[at] ^= 1;
            assert_eq!(parse_line(&String::from_utf8_lossy(&bad)), None, "byte {at}");
        }
    }
}
