//! Signed notes (c2sp.org/signed-note): a text, a blank line, and a line for each signature.
//!
//! ```text
//! <text, ending in a newline>
//! <blank line>
//! — <key name> <base64(key id || signature)>        once or more; the dash is U+2014
//! ```
//!
//! Signed is the text with its last newline. It may hold blank lines: the last one in the note separates.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::vkey::{Signer, Vkey, is_key_name};

/// Largest note that is read, in bytes: as Go's notes, the implementation that most logs use.
pub const MAX_BYTES: usize = 1_000_000;
/// Most signatures that are read; a verifier must accept 16.
pub const MAX_SIGNATURES: usize = 100;

const DASH: &str = "\u{2014} ";

/// A note: well-formed, its signatures not yet verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// A line below the text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Signature {
    name: String,
    id: u32,
    // What the key's type makes of it.
    bytes: Vec<u8>,
}

/// A known key whose signature was found good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified<'a> {
    /// The key.
    pub key: &'a Vkey,
    /// Of a cosignature the time of signing, in seconds since 1970; the latest if there are several.
    pub time: Option<u64>,
}

/// Why a note is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Longer than [`MAX_BYTES`].
    #[error("the note is {0} bytes, the limit is {MAX_BYTES}")]
    TooLong(usize),
    /// More signatures than [`MAX_SIGNATURES`].
    #[error("the note has more than {MAX_SIGNATURES} signatures")]
    TooMany,
    /// Not UTF-8, with a control character besides newline, or without a newline at its end.
    #[error("the note is not UTF-8 text in lines, without other control characters")]
    Text,
    /// No blank line, or nothing after it.
    #[error("the note has no signatures after a blank line")]
    Unsigned,
    /// A line below the text that is no signature; lines count from 1 there.
    #[error("line {0} of the signatures is not a dash, a key name and base64 of key id and signature")]
    Line(usize),
    /// The signature of a known key is false: the whole note is refused.
    #[error("the signature of {name}+{id:08x} is not over this text")]
    False {
        /// Name of the key.
        name: String,
        /// Id of the key.
        id: u32,
    },
    /// No signature of a known key.
    #[error("none of the known keys has signed the note")]
    Unknown,
}

impl Note {
    /// A text signed by one key. The text ends in a newline and has no other control character than that.
    pub fn sign(text: &str, signer: &Signer) -> Result<Self, NoteError> {
        check_text(text)?;
        let vkey = signer.vkey();
        let signature = Signature { name: vkey.name().to_owned(), id: vkey.id(), bytes: signer.sign(text).to_vec() };
        Ok(Self { text: text.to_owned(), signatures: vec![signature] })
    }

    /// The note of those bytes. Nothing is verified by this.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_BYTES {
            return Err(NoteError::TooLong(bytes.len()));
        }
        let note = std::str::from_utf8(bytes).map_err(|_| NoteError::Text)?;
        check_text(note)?;
        let (text, _) = note.rsplit_once("\n\n").ok_or(NoteError::Unsigned)?;
        let (text, below) = note.split_at(text.len() + 1);
        let lines = below.strip_prefix('\n').and_then(|below| below.strip_suffix('\n')).ok_or(NoteError::Unsigned)?;
        let mut signatures = Vec::new();
        for (number, line) in (1..).zip(lines.split('\n')) {
            if number > MAX_SIGNATURES {
                return Err(NoteError::TooMany);
            }
            signatures.push(Signature::parse(line).ok_or(NoteError::Line(number))?);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// What was signed. Means nothing before [`Note::verify`].
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Those of the known keys that signed, each once: at least one. Signatures of others are ignored; one false
    /// signature of a known key, and the note is refused.
    pub fn verify<'a>(&self, known: &'a [Vkey]) -> Result<Vec<Verified<'a>>, NoteError> {
        let mut verified: Vec<Verified<'a>> = Vec::new();
        for key in known {
            if verified.iter().any(|found| found.key == key) {
                continue;
            }
            let mut found = None;
            for signature in self.signatures.iter().filter(|line| line.name == key.name() && line.id == key.id()) {
                let time = key
                    .verify(&self.text, &signature.bytes)
                    .ok_or_else(|| NoteError::False { name: key.name().to_owned(), id: key.id() })?;
                found = found.max(Some(time));
            }
            verified.extend(found.map(|time| Verified { key, time }));
        }
        if verified.is_empty() { Err(NoteError::Unknown) } else { Ok(verified) }
    }
}

impl Signature {
    fn parse(line: &str) -> Option<Self> {
        let (name, base64) = line.strip_prefix(DASH)?.split_once(' ')?;
        let bytes = STANDARD.decode(base64).ok()?;
        let (id, bytes) = bytes.split_first_chunk::<4>()?;
        let good = is_key_name(name) && !bytes.is_empty();
        good.then(|| Self { name: name.to_owned(), id: u32::from_be_bytes(*id), bytes: bytes.to_vec() })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for Signature { name, id, bytes } in &self.signatures {
            writeln!(f, "{DASH}{name} {}", STANDARD.encode([&id.to_be_bytes()[..], bytes].concat()))?;
        }
        Ok(())
    }
}

fn check_text(text: &str) -> Result<(), NoteError> {
    let good = text.ends_with('\n') && !text.chars().any(|c| c < ' ' && c != '\n');
    if good { Ok(()) } else { Err(NoteError::Text) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use signed_note::{StandardVerifier, VerifierList};

    use super::super::vkey::tests::{go_signer, witness};
    use super::*;

    const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                        then you don't know what your problem is.\n";
    const PETER: &str = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdng\
                         otpRZb6KE6RyyBwJnAM=\n";
    const ENOCH: &str = "\u{2014} EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWL\
                         ox33WWd1RvMc+QQ=\n";

    fn peter() -> Vkey {
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse().expect("a vkey")
    }

    fn enoch() -> Vkey {
        "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop".parse().expect("a vkey")
    }

    /// Names of the known keys that signed.
    fn opened<'a>(note: &str, known: &'a [Vkey]) -> Result<Vec<&'a str>, NoteError> {
        Ok(Note::parse(note.as_bytes())?.verify(known)?.iter().map(|found| found.key.name()).collect())
    }

    #[test]
    fn the_example_of_the_specification_opens() {
        let vkey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k".parse().expect("a vkey");
        let note = "This is an example message.\n\n\
                    \u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuw\
                    HjG1Yu72IneyaQM=\n";
        assert_eq!(opened(note, &[vkey]), Ok(vec!["example.com/foo"]));
        let parsed = Note::parse(note.as_bytes()).expect("a note");
        assert_eq!((parsed.text(), parsed.to_string().as_str()), ("This is an example message.\n", note));
    }

    #[test]
    fn signing_gives_the_bytes_of_gos_notes() {
        let signer = go_signer("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz");
        assert_eq!(Note::sign(TEXT, &signer).expect("a text").to_string(), format!("{TEXT}\n{PETER}"));
        let signer = Signer::from_seed("EnochRoot", &[0; 32]).expect("a name");
        assert_eq!(Note::sign(TEXT, &signer).expect("a text").to_string(), format!("{TEXT}\n{ENOCH}"));
        for bad in ["", "abc", "a\tb\n", "a\r\n"] {
            assert_eq!(Note::sign(bad, &signer), Err(NoteError::Text), "{bad:?}");
        }
    }

    #[test]
    fn known_signatures_decide_and_others_do_not_matter() {
        let [peter, enoch] = [peter(), enoch()];
        let both = format!("{TEXT}\n{PETER}{ENOCH}");
        let mangled = |line: &str| format!("{}ABCD{}", &line[..60], &line[60..]);
        let refused = NoteError::False { name: "PeterNeumann".to_owned(), id: 0xc74f_20a3 };
        for (note, known, expected) in [
            (&both, vec![peter.clone()], Ok(vec!["PeterNeumann"])),
            (&both, vec![peter.clone(), enoch.clone()], Ok(vec!["PeterNeumann", "EnochRoot"])),
            (&both, vec![enoch.clone(), peter.clone(), enoch.clone()], Ok(vec!["EnochRoot", "PeterNeumann"])),
            (&both, vec![], Err(NoteError::Unknown)),
            (&format!("{TEXT}\n{ENOCH}"), vec![peter.clone()], Err(NoteError::Unknown)),
            // Repeated lines; a mangled one of somebody else.
            (
                &format!("{TEXT}\n{PETER}{PETER}{ENOCH}{}", mangled(ENOCH)),
                vec![peter.clone()],
                Ok(vec!["PeterNeumann"]),
            ),
            // A false one of a known key, alone, beside another's, or after its own good one.
            (&format!("{TEXT}\n{}", mangled(PETER)), vec![peter.clone()], Err(refused.clone())),
            (&format!("{TEXT}\n{}{ENOCH}", mangled(PETER)), vec![enoch.clone(), peter.clone()], Err(refused.clone())),
            (&format!("{TEXT}\n{PETER}{}", mangled(PETER)), vec![peter.clone()], Err(refused.clone())),
            (&format!("{TEXT}.\n\n{PETER}"), vec![peter.clone()], Err(refused)),
            // Another name, another id: not known.
            (&both.replace("PeterNeumann", "CarmenSandiego"), vec![peter.clone()], Err(NoteError::Unknown)),
            (&both.replace("x08g", "xxxx"), vec![peter.clone()], Err(NoteError::Unknown)),
        ] {
            assert_eq!(opened(note, &known), expected, "{note}");
        }
    }

    #[test]
    fn malformed_notes_are_refused_by_name() {
        let long = format!("{}\n\n{PETER}", "x".repeat(MAX_BYTES));
        for (note, error) in [
            // The table of Go's note suite ...
            (TEXT.as_bytes(), NoteError::Unsigned),
            (format!("\n{TEXT}").as_bytes(), NoteError::Unsigned),
            (format!("{TEXT}\n{}", PETER.trim_end()).as_bytes(), NoteError::Text),
            (format!("\x01{TEXT}\n{PETER}").as_bytes(), NoteError::Text),
            (&[b"\xff", format!("{TEXT}\n{PETER}").as_bytes()].concat(), NoteError::Text),
            (format!("{TEXT}\n{}", PETER.replace("PeterNeumann", "Bad Name")).as_bytes(), NoteError::Line(1)),
            (format!("{TEXT}\n{}", PETER.repeat(101)).as_bytes(), NoteError::TooMany),
            // ... and more.
            (b"", NoteError::Text),
            (b"\n\n", NoteError::Unsigned),
            (long.as_bytes(), NoteError::TooLong(long.len())),
            (format!("{TEXT}\n{PETER}\n").as_bytes(), NoteError::Unsigned),
            (format!("{TEXT}{PETER}").as_bytes(), NoteError::Unsigned),
            (format!("{TEXT}\n{PETER}").replace('\n', "\r\n").as_bytes(), NoteError::Text),
            (format!("{TEXT}\n{PETER}").replace('\u{2014}', "-").as_bytes(), NoteError::Line(1)),
            (format!("{TEXT}\n{PETER}\u{2014} x\n").as_bytes(), NoteError::Line(2)),
            (format!("{TEXT}\n{}", PETER.replace("PeterNeumann", "a+b")).as_bytes(), NoteError::Line(1)),
            (format!("{TEXT}\n{}", PETER.replace("PeterNeumann", "a\u{a0}b")).as_bytes(), NoteError::Line(1)),
            (format!("{TEXT}\n{}", PETER.replace("PeterNeumann", "")).as_bytes(), NoteError::Line(1)),
            (format!("{TEXT}\n{}", PETER.replace("AM=", "AN=")).as_bytes(), NoteError::Line(1)),
            (format!("{TEXT}\n{}", PETER.replace("AM=", "AM")).as_bytes(), NoteError::Line(1)),
            (format!("{TEXT}\n\u{2014} PeterNeumann x08gow==\n").as_bytes(), NoteError::Line(1)),
        ] {
            assert_eq!(Note::parse(note), Err(error), "{}", String::from_utf8_lossy(&note[..note.len().min(300)]));
        }
        assert!(opened(&format!("{TEXT}\n{}", PETER.repeat(100)), &[peter()]).is_ok());
    }

    #[test]
    fn a_text_may_hold_blank_lines() {
        let signer = Signer::from_seed("akta.example/school-12/w1", &[9; 32]).expect("an origin is a key name");
        for text in ["\n", "\n\n", "a\n\nb\n", "\n\na\n\n\n"] {
            let note = Note::sign(text, &signer).expect("a text").to_string();
            let parsed = Note::parse(note.as_bytes()).expect("own note");
            assert_eq!(parsed.text(), text);
            assert!(parsed.verify(&[signer.vkey().clone()]).is_ok());
        }
    }

    #[test]
    fn a_cosignature_covers_its_time_and_is_not_a_signature() {
        let text = "example.com/log\n1\nAAAA\n";
        let (vkey, line) = witness("w", &[3; 32], 1_700_000_000, text);
        let (_, later) = witness("w", &[3; 32], 1_700_000_001, text);
        let known = [vkey.clone()];
        let parsed = |lines: &str| Note::parse(format!("{text}\n{lines}").as_bytes()).expect("a note");
        let time = |lines: &str| parsed(lines).verify(&known).map(|found| found.iter().map(|key| key.time).collect());
        assert_eq!(time(&line), Ok(vec![Some(1_700_000_000)]));
        assert_eq!(time(&format!("{later}{line}")), Ok(vec![Some(1_700_000_001)]));
        let refused = Err(NoteError::False { name: "w".to_owned(), id: vkey.id() });

        let (_, base64) = line.trim_end().rsplit_once(' ').expect("a line");
        let mut bytes = STANDARD.decode(base64).expect("base64");
        let show = |bytes: &[u8]| format!("{DASH}w {}\n", STANDARD.encode(bytes));
        bytes[11] ^= 1;
        assert_eq!(time(&show(&bytes)), refused, "another time");
        bytes[11] ^= 1;
        assert_eq!(time(&show(&bytes[..4 + 8 + 63])), refused, "cut");
        assert_eq!(time(&show(&bytes[..4 + 7])), refused, "cut within the time");
        let (_, beyond) = witness("w", &[3; 32], 1 << 63, text);
        assert_eq!(time(&beyond), refused, "beyond 2^63 - 1");
        // The same secret as a log's key has another id.
        let log = Signer::from_seed("w", &[3; 32]).expect("a name");
        assert_eq!(parsed(&line).verify(&[log.vkey().clone()]), Err(NoteError::Unknown));
    }

    proptest! {
        #[test]
        fn another_implementation_opens_ours_and_we_open_theirs(
            text in "(\\PC{0,30}\n){1,4}",
            name in "[a-z0-9./_-]{1,30}",
            seed in any::<[u8; 32]>(),
            at in any::<prop::sample::Index>(),
            bit in 0..8u8,
        ) {
            let signer = Signer::from_seed(&name, &seed).expect("a name");
            let note = Note::sign(&text, &signer).expect("a text").to_string();
            let known = [signer.vkey().clone()];
            let verifier = StandardVerifier::new(&known[0].to_string()).expect("a vkey");
            let verifiers = VerifierList::new(vec![Box::new(verifier)]);
            prop_assert!(signed_note::Note::from_bytes(note.as_bytes()).expect("a note").verify(&verifiers).is_ok());

            let id = format!("{:08x}", known[0].id());
            let secret = STANDARD.encode([&[1][..], &seed].concat());
            let theirs = signed_note::StandardSigner::new(&format!("PRIVATE+KEY+{name}+{id}+{secret}")).expect("a key");
            let mut made = signed_note::Note::new(text.as_bytes(), &[]).expect("a text");
            made.add_sigs(&[&theirs]).expect("signs");
            prop_assert_eq!(made.to_bytes(), note.as_bytes());
            prop_assert!(Note::parse(note.as_bytes()).expect("a note").verify(&known).is_ok());

            // No bit of a note may change.
            let mut bytes = note.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let ours = Note::parse(&bytes).is_ok_and(|note| note.verify(&known).is_ok());
            let them = signed_note::Note::from_bytes(&bytes).is_ok_and(|note| note.verify(&verifiers).is_ok());
            prop_assert_eq!((ours, them), (false, false));
        }

        #[test]
        fn any_bytes_are_judged_as_the_other_implementation_does(
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                "([a-z\n]{0,5}\n\n)?(\u{2014} [a-z+ ]{1,3} [A-Za-z0-9+/]{8,12}={0,2}\n){0,3}".prop_map(String::into_bytes),
            ],
        ) {
            let ours = Note::parse(&bytes);
            prop_assert_eq!(ours.is_ok(), signed_note::Note::from_bytes(&bytes).is_ok());
            if let Ok(note) = ours {
                prop_assert_eq!(note.to_string().into_bytes(), bytes);
            }
        }
    }
}
