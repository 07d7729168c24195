//! Page tokens: what is taken is what was given out, to the letter, and an altered one goes nowhere else.

use akta::model::page_token::PageToken;
use akta::model::query::Cursor;
use akta::model::seal::Key;

use super::input::Input;

/// A token from a client; then one of ours, altered.
pub(crate) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(cursor) = Cursor::decode(&text) {
        assert_eq!(cursor.encode(), text);
        assert_eq!(Cursor::resume(&text, cursor.question, cursor.size), Some(cursor));
    }
    let mut input = Input(bytes);
    let cursor = Cursor { size: input.number(), next: input.number(), question: input.array() };
    let token = cursor.encode();
    assert_eq!(Cursor::decode(&token), Some(cursor));
    assert_eq!(Cursor::resume(&token, cursor.question, cursor.size), Some(cursor));
    assert!(cursor.size == 0 || Cursor::resume(&token, cursor.question, cursor.size - 1).is_none());
    // As clients get it: sealed, so that nothing but what was given out is taken, and by nobody else.
    let key = Key::new([9; 32]);
    let own = PageToken { key: &key, caller: "spiffe://a/b" };
    let sealed = own.give(&cursor);
    assert_eq!(own.take(&sealed, cursor.question, cursor.size), Some(cursor));
    assert_eq!(PageToken { caller: "spiffe://a/c", ..own }.take(&sealed, cursor.question, cursor.size), None);
    assert_eq!(own.take(&text, cursor.question, u64::MAX), None, "made by nobody who has the key");
    let rest = input.0;
    let other = Input(rest).altered(sealed.as_bytes());
    if other != sealed.as_bytes() {
        let other = String::from_utf8_lossy(&other);
        assert_eq!(own.take(&other, cursor.question, u64::MAX), None, "{other}");
    }
    let altered = Input(rest).altered(token.as_bytes());
    let Ok(altered) = String::from_utf8(altered) else { return };
    // Version, size and next stand before the last 16 digits, which say whose token it is.
    let (place, whose) = altered.split_at(token.len() - 16);
    let resumed = Cursor::resume(&altered, cursor.question, cursor.size);
    assert!(token.ends_with(whose) || resumed.is_none(), "the token of another question");
    assert!(resumed.is_none_or(|resumed| resumed != cursor && resumed.size <= cursor.size), "{place}");
}
