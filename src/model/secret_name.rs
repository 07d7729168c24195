//! Names of attributes whose values would be secrets: such attributes are refused, so that nobody reports a password by
//! logging all he has.

/// Words that name secrets, in small letters and without what may stand between their syllables. A name is caught if one
/// of them, or its plural, stands in it from the beginning of a word to the end of one.
const WORDS: &[&str] = &[
    // by themselves; a password also as a Polish application calls it
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pincode",
    "pwd",
    "haslo",
    "hasło",
    "otp",
    "totp",
    "token",
    "jwt",
    "bearer",
    "authorization",
    "authorisation",
    "cookie",
    "secret",
    "credential",
    // together
    "sessionid",
    "sessionkey",
    "sessid",
    "jsessionid",
    "phpsessid",
    "accesskey",
    "apikey",
    "encryptionkey",
    "privatekey",
    "secretkey",
    "signingkey",
    // the first ones within what is written as one word
    "passwordhash",
    "userpassword",
    "newpassword",
    "oldpassword",
    "dbpassword",
    "accesstoken",
    "apitoken",
    "authtoken",
    "bearertoken",
    "csrftoken",
    "idtoken",
    "refreshtoken",
    "sessiontoken",
    "xsrftoken",
    "setcookie",
    "apisecret",
    "clientsecret",
];

/// Longest name that is looked at, in bytes; no attribute has a longer one.
const NAME_BYTES_MAX: usize = 64;

/// The word in an attribute's name that says that its value is a secret, if there is one.
///
/// Capitals do not matter, nor do `-`, `_`, `.` and whatever else is neither letter nor digit: `API-Key`, `api_key`,
/// `apiKey` and `x.api.key` are the same. A word ends at one of these, at a digit, and where a capital follows a small
/// letter.
pub fn secret_in(name: &str) -> Option<&'static str> {
    if name.len() > NAME_BYTES_MAX {
        return None;
    }
    let Joined { text, begins } = Joined::of(name);
    let is_end = |at: usize| at == text.len() || begins.contains(&at);
    WORDS.iter().copied().find(|word| {
        begins.iter().any(|begin| {
            let end = begin + word.len();
            let after = text[*begin..].strip_prefix(word);
            after.is_some_and(|after| is_end(end) || (after.starts_with('s') && is_end(end + 1)))
        })
    })
}

/// A name without what stands between its words.
struct Joined {
    text: String,
    /// Where words begin.
    begins: Vec<usize>,
}

impl Joined {
    fn of(name: &str) -> Self {
        let mut joined = Self { text: String::with_capacity(name.len()), begins: Vec::new() };
        let mut before: Option<char> = None;
        let mut chars = name.chars().peekable();
        while let Some(c) = chars.next() {
            if !c.is_alphanumeric() {
                before = None;
                continue;
            }
            let next_is_small = chars.peek().is_some_and(|next| next.is_lowercase());
            if before.is_none_or(|before| begins_word(before, c, next_is_small)) {
                joined.begins.push(joined.text.len());
            }
            joined.text.extend(c.to_lowercase());
            before = Some(c);
        }
        joined
    }
}

/// Whether a word begins with `c`: `apiKey`, `HTTPToken`, `token2`, `2token`.
fn begins_word(before: char, c: char, next_is_small: bool) -> bool {
    before.is_numeric() != c.is_numeric()
        || (before.is_lowercase() && c.is_uppercase())
        || (before.is_uppercase() && c.is_uppercase() && next_is_small)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_caught() {
        let rows = [
            ("password", "password"),
            ("PASSWORD", "password"),
            ("x-PassWord-old", "password"),
            ("pass-word", "password"),
            ("p.a.s.s.w.o.r.d", "password"),
            ("user_passwords", "password"),
            ("passwordHash", "password"),
            ("passwordhash", "passwordhash"),
            ("password1", "password"),
            ("passwd", "passwd"),
            ("db.pwd", "pwd"),
            ("haslo", "haslo"),
            ("nowe_HASŁO", "hasło"),
            ("otp", "otp"),
            ("api_token", "token"),
            ("token", "token"),
            ("tokens", "token"),
            ("accessToken", "token"),
            ("ACCESSTOKEN", "accesstoken"),
            ("HTTPToken", "token"),
            ("oauth2token", "token"),
            ("pass\u{200b}word", "password"),
            ("jwt", "jwt"),
            ("Bearer", "bearer"),
            ("client.secret", "secret"),
            ("clientsecret", "clientsecret"),
            ("X-Api-Key", "apikey"),
            ("apiKey", "apikey"),
            ("APIKEY", "apikey"),
            ("api keys", "apikey"),
            ("Authorization", "authorization"),
            ("proxy-authorization", "authorization"),
            ("authorisation", "authorisation"),
            ("cookie", "cookie"),
            ("Set-Cookie", "cookie"),
            ("setcookie", "setcookie"),
            ("session.key", "sessionkey"),
            ("session_id", "sessionid"),
            ("JSESSIONID", "jsessionid"),
            ("private-key", "privatekey"),
            ("aws_secret_access_key", "secret"),
            ("credentials", "credential"),
        ];
        for (name, word) in rows {
            assert_eq!(secret_in(name), Some(word), "{name}");
        }
    }

    #[test]
    fn names_of_other_things_are_not() {
        let rows = [
            "",
            "-",
            "class",
            "tokenised",
            "tokenizer",
            "untokened",
            "secretary",
            "secretariat",
            "passage",
            "compass",
            "key",
            "keyboard",
            "api_version",
            "authorized_by_role",
            "author",
            "session",
            "session_kind",
            "passport_number",
            "photo_top",
            "stop",
            "forbearer1x",
            "monkey",
            "donkey_id",
            "bearing",
            "pass_mark",
            "word",
        ];
        for name in rows {
            assert_eq!(secret_in(name), None, "{name}");
        }
        assert_eq!(secret_in(&format!("{}password", "x-".repeat(40))), None, "is refused for its length");
    }
}
