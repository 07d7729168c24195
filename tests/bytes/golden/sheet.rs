//! A sheet of golden rows: names and bytes in a text file, compared row by row.
//!
//! ```text
//! # what follows
//! name = hex
//! name | a line of text            once for each line
//! name ~ hex                       compared by what it opens to: compression may change its bytes
//! ```
//!
//! `AKTA_GOLDEN=write cargo test --test bytes golden` writes the files anew. Whoever does that says why in the commit:
//! of a numbered format no row may change.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

/// Opens a stored value; `None` if it does not open.
type Open<'a> = Box<dyn Fn(&[u8]) -> Option<Vec<u8>> + 'a>;

enum Row<'a> {
    About(String),
    Bytes(String, Vec<u8>),
    Text(String, String),
    Opens(String, Vec<u8>, Open<'a>),
}

/// Rows that are compared with those of a file.
pub(crate) struct Sheet<'a> {
    name: &'static str,
    rows: Vec<Row<'a>>,
}

impl<'a> Sheet<'a> {
    /// The sheet of that name.
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, rows: Vec::new() }
    }

    /// Says what follows.
    pub(crate) fn about(&mut self, text: &str) {
        self.rows.push(Row::About(text.to_owned()));
    }

    /// A row of bytes.
    pub(crate) fn bytes(&mut self, name: &str, bytes: impl AsRef<[u8]>) {
        self.rows.push(Row::Bytes(name.to_owned(), bytes.as_ref().to_vec()));
    }

    /// A row of text, in lines.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        self.rows.push(Row::Text(name.to_owned(), text.to_owned()));
    }

    /// A row of bytes that hold something compressed: what is stored must open to what these open to.
    pub(crate) fn opens(&mut self, name: &str, bytes: Vec<u8>, open: impl Fn(&[u8]) -> Option<Vec<u8>> + 'a) {
        self.rows.push(Row::Opens(name.to_owned(), bytes, Box::new(open)));
    }

    /// Compares with the file, or writes it anew.
    pub(crate) fn check(self) {
        let path = folder().join(format!("{}.txt", self.name));
        let stored = read(&path);
        if std::env::var("AKTA_GOLDEN").is_ok_and(|what| what == "write") {
            return std::fs::write(path, self.written(&stored)).unwrap();
        }
        let mut wrong = Vec::new();
        let mut left = stored.clone();
        for row in &self.rows {
            let Some(name) = row.name() else { continue };
            match left.remove(name) {
                None => wrong.push(format!("{name}: is not in the file")),
                Some(golden) => wrong.extend(row.differs(&golden).map(|how| format!("{name}: {how}"))),
            }
        }
        wrong.extend(left.keys().map(|name| format!("{name}: is in the file alone")));
        let names: Vec<_> = self.rows.iter().filter_map(Row::name).collect();
        let twice = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name));
        assert_eq!(twice, None, "{}: a name stands twice", self.name);
        assert!(!names.is_empty(), "{} has no rows", self.name);
        assert!(wrong.is_empty(), "{}: {} rows differ:\n{}", path.display(), wrong.len(), wrong.join("\n"));
    }

    fn written(&self, stored: &BTreeMap<String, String>) -> String {
        let mut text = format!("# Golden bytes: {}. See sheet.rs.\n", self.name);
        for row in &self.rows {
            match row {
                Row::About(about) => write!(text, "\n# {about}\n"),
                Row::Bytes(name, bytes) => writeln!(text, "{name} = {}", hex(bytes)),
                Row::Text(name, lines) => lines.split('\n').try_for_each(|line| writeln!(text, "{name} | {line}")),
                // What still opens is kept: it shows that older compression is read.
                Row::Opens(name, fresh, _) => {
                    let kept = stored.get(name).filter(|golden| row.differs(golden).is_none());
                    writeln!(text, "{name} ~ {}", kept.cloned().unwrap_or_else(|| hex(fresh)))
                }
            }
            .unwrap();
        }
        text
    }
}

impl Row<'_> {
    fn name(&self) -> Option<&str> {
        match self {
            Self::About(_) => None,
            Self::Bytes(name, _) | Self::Text(name, _) | Self::Opens(name, ..) => Some(name),
        }
    }

    /// How it differs from what the file has; `None` if it does not.
    fn differs(&self, golden: &str) -> Option<String> {
        match self {
            Self::About(_) => None,
            Self::Bytes(_, bytes) => apart(&hex(bytes), golden, 2, "byte"),
            Self::Text(_, text) => apart(text, golden, 1, "character"),
            Self::Opens(_, fresh, open) => match (open(fresh), unhex(golden).and_then(|golden| open(&golden))) {
                (None, _) => Some("what is made now does not open".to_owned()),
                (_, None) => Some("what is in the file does not open any more".to_owned()),
                (Some(fresh), Some(golden)) => apart(&hex(&fresh), &hex(&golden), 2, "opened: byte"),
            },
        }
    }
}

/// Where two texts part, with what stands there.
fn apart(is: &str, golden: &str, width: usize, unit: &str) -> Option<String> {
    if is == golden {
        return None;
    }
    let same = is.bytes().zip(golden.bytes()).take_while(|(a, b)| a == b).count() / width;
    let there = |text: &str| {
        String::from_utf8_lossy(
            text.as_bytes().iter().skip(same * width).take(64).copied().collect::<Vec<_>>().as_slice(),
        )
        .into_owned()
    };
    let (have, want) = (is.len() / width, golden.len() / width);
    Some(format!(
        "from {unit} {same} on (of {have}, golden {want})\n    is     {}\n    golden {}",
        there(is),
        there(golden)
    ))
}

/// Rows of a file by name; of several lines one text.
pub(crate) fn read(path: &std::path::Path) -> BTreeMap<String, String> {
    let mut rows: BTreeMap<String, String> = BTreeMap::new();
    let text = std::fs::read_to_string(path).unwrap_or_default();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let parted =
            [" = ", " ~ "].iter().find_map(|mark| line.split_once(mark).filter(|(name, _)| !name.contains(" |")));
        if let Some((name, value)) = parted {
            rows.insert(name.to_owned(), value.to_owned());
        } else if let Some((name, line)) = line.split_once(" |") {
            let line = line.strip_prefix(' ').unwrap_or(line);
            match rows.get_mut(name) {
                Some(text) => *text = format!("{text}\n{line}"),
                None => _ = rows.insert(name.to_owned(), line.to_owned()),
            }
        } else {
            panic!("{}: a line that is no row: {line}", path.display());
        }
    }
    rows
}

/// Where the files lie.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/bytes/golden")
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of lower-case hex; `None` if it is none.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()).collect()
}

#[test]
fn a_difference_is_named_where_it_begins() {
    let row = Row::Bytes("a".to_owned(), vec![1, 2, 3]);
    assert_eq!(row.differs("010203"), None);
    assert!(row.differs("010303").unwrap().starts_with("from byte 1 on (of 3, golden 3)"));
    assert!(row.differs("0102").unwrap().starts_with("from byte 2 on (of 3, golden 2)"));
    let opens = Row::Opens("a".to_owned(), vec![1, 2], Box::new(|bytes| bytes.first().map(|byte| vec![*byte])));
    assert_eq!(opens.differs("01ff"), None, "opens to the same");
    assert!(opens.differs("02ff").unwrap().starts_with("from opened: byte 0 on"));
    assert!(opens.differs("").unwrap().contains("does not open any more"));
}
