//! Page tokens: where a search goes on, sealed for who asked.
//!
//! A token is `cursor || 32 hash`, as hex, the hash keyed by what only the node has, and over the caller's name too. So
//! a client cannot make one: neither go on at a place that it chooses, nor with the token of somebody else, of another
//! question (its hash stands in the cursor) or of another controller (whose key it is).

use super::query::Cursor;
use super::seal::Key;

/// Digits of the hash.
const SEAL: usize = 64;

/// What a token is sealed with: the key of the controller asked, and the name of the caller.
#[derive(Debug, Clone, Copy)]
pub struct PageToken<'a> {
    /// The controller's key.
    pub key: &'a Key,
    /// Who asks.
    pub caller: &'a str,
}

impl PageToken<'_> {
    /// The token that goes on at `cursor`.
    pub fn give(self, cursor: &Cursor) -> String {
        let mut text = cursor.encode();
        let hash = self.hash(&text);
        text.extend(hash.iter().map(|byte| format!("{byte:02x}")));
        text
    }

    /// From the client's text, to the letter, if it was given to that caller for that question, and a trail of `size`
    /// records has what it covers.
    pub fn take(self, text: &str, question: [u8; 8], size: u64) -> Option<Cursor> {
        let (cursor, seal) = text.split_at_checked(text.len().checked_sub(SEAL)?)?;
        let cursor = Cursor::resume(cursor, question, size)?;
        let seal = blake3::Hash::from_hex(seal).ok()?;
        // Compared in constant time; then to the letter, for capitals read as the same hash.
        let good = seal == blake3::Hash::from_bytes(self.hash(&cursor.encode()));
        (good && self.give(&cursor) == text).then_some(cursor)
    }

    /// A cursor always has the same length, so what follows it is the name.
    fn hash(self, cursor: &str) -> [u8; 32] {
        let key = Key::derive("akta v1 page token key", &[self.key.bytes()]);
        key.hash([cursor.as_bytes(), self.caller.as_bytes()].concat().as_slice())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const QUESTION: [u8; 8] = [0xcd; 8];

    #[test]
    fn a_token_serves_who_it_was_given_to_and_nobody_else() {
        let (key, other) = (Key::new([1; 32]), Key::new([2; 32]));
        let cursor = Cursor { size: 0xab, next: 7, question: QUESTION };
        let own = PageToken { key: &key, caller: "spiffe://a/b" };
        let token = own.give(&cursor);
        let further = own.give(&Cursor { next: 8, ..cursor });
        // Who takes what, for which question, of how many records; whether it is good.
        let rows = [
            (own, token.clone(), QUESTION, 0xab, true),
            (own, token.clone(), QUESTION, 0xaa, false),
            (own, token.clone(), [0xce; 8], 0xab, false),
            (PageToken { caller: "spiffe://a/c", ..own }, token.clone(), QUESTION, 0xab, false),
            (PageToken { caller: "", ..own }, token.clone(), QUESTION, 0xab, false),
            (PageToken { key: &other, ..own }, token.clone(), QUESTION, 0xab, false),
            (own, cursor.encode(), QUESTION, 0xab, false),
            (own, token.to_uppercase(), QUESTION, 0xab, false),
            (own, format!("{token} "), QUESTION, 0xab, false),
            (own, format!(" {token}"), QUESTION, 0xab, false),
            // The place of one, the hash of another.
            (own, format!("{}{}", &further[..50], &token[50..]), QUESTION, 0xab, false),
            (own, String::new(), QUESTION, 0xab, false),
            (own, "ż".repeat(57), QUESTION, 0xab, false),
        ];
        for (who, text, question, size, good) in rows {
            assert_eq!(who.take(&text, question, size).is_some(), good, "{who:?}, {text}");
        }
        for at in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[at] = if altered[at] == b'0' { b'1' } else { b'0' };
            let altered = String::from_utf8(altered).expect("is ASCII");
            assert_eq!(own.take(&altered, QUESTION, u64::MAX), None, "digit {at}");
        }
    }

    proptest! {
        #[test]
        fn tokens_round_trip(size in any::<u64>(), next in any::<u64>(), caller in ".{0,40}") {
            let cursor = Cursor { size, next, question: QUESTION };
            let key = Key::new([3; 32]);
            let own = PageToken { key: &key, caller: &caller };
            prop_assert_eq!(own.take(&own.give(&cursor), QUESTION, size), Some(cursor));
        }
    }
}
