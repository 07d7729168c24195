//! Lines of a web server's access log: the "combined" and "common" formats of Apache and nginx.
//!
//! Takes one line apart and judges nothing: what becomes an event is decided elsewhere. What the user typed is kept
//! as far as it names a resource; user name, query, referer and a request that is not HTTP are read past.

use std::net::IpAddr;

use jiff::fmt::strtime;

/// Longest path that is kept, in bytes.
pub const PATH_BYTES_MAX: usize = 128;

/// Longest method that is taken for one, in bytes.
pub const METHOD_BYTES_MAX: usize = 32;

/// One line of an access log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Address of the client as the server saw it.
    pub address: IpAddr,
    /// When the server got the request, nanoseconds since 1970-01-01 UTC; the log is exact to the second.
    pub time: i64,
    /// Method in capitals, at most [`METHOD_BYTES_MAX`] bytes; `-` where the request was none of HTTP.
    pub method: String,
    /// Path without query and fragment, percent-encoding as it came; a control character, a backslash and a byte
    /// that is not UTF-8 stand as `\xNN`. At most [`PATH_BYTES_MAX`] bytes; empty where the method is `-`.
    pub path: String,
    /// Whether the path was longer and was cut.
    pub path_cut: bool,
    /// Status of the answer, three digits as they came.
    pub status: u16,
    /// Size of the answer's body; `None` where the server wrote `-`.
    pub bytes: Option<u64>,
    /// User-Agent as the client sent it, of any length; `None` where there was none, or the format has none.
    pub agent: Option<Vec<u8>>,
}

/// Why a line is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nothing in it.
    #[error("the line is empty")]
    Empty,
    /// The first field is a host name or something else.
    #[error("the address is not an IP address")]
    Address,
    /// No field in brackets.
    #[error("the time in brackets is missing")]
    NoTime,
    /// The two fields after the address are not there.
    #[error("the two fields between the address and the time are missing")]
    NoUser,
    /// The field in brackets is not a time, or no real one, or not within the years 1678 to 2261.
    #[error("the time is not like 17/May/2015:10:05:03 +0000")]
    Time,
    /// The field named should stand here, in quotes.
    #[error("the {0} is missing or has no opening quote")]
    NotQuoted(&'static str),
    /// The line ends within the field named.
    #[error("the {0} has no closing quote")]
    NotClosed(&'static str),
    /// No status behind the request.
    #[error("the status is not a number of three digits")]
    Status,
    /// No size behind the status.
    #[error("the size is neither a number nor \"-\"")]
    Bytes,
    /// Another format, or a quote that the server did not escape.
    #[error("more follows where the line should end")]
    More,
}

/// Takes one line apart, with or without its line break.
pub fn parse(line: &[u8]) -> Result<Line, Refused> {
    let line = line.trim_ascii_end();
    if line.is_empty() {
        return Err(Refused::Empty);
    }
    let (address, rest) = word(line);
    let address = text(address).and_then(|text| text.parse().ok()).ok_or(Refused::Address)?;
    let (time, rest) = split_time(rest)?;
    let time = parse_time(time).ok_or(Refused::Time)?;
    let (request, rest) = quoted(rest, "request")?;
    let (status, rest) = word(rest.strip_prefix(b" ").ok_or(Refused::Status)?);
    let status = digits(status).filter(|_| status.len() == 3).ok_or(Refused::Status)?;
    let (bytes, rest) = word(rest);
    let bytes = if bytes == b"-" { None } else { Some(digits(bytes).ok_or(Refused::Bytes)?) };
    let agent = if rest.is_empty() { Vec::new() } else { parse_agent(rest)? };
    let request = unescape(request);
    let (method, path) = split_request(&request).unwrap_or(("-", b""));
    let (path, path_cut) = show(path);
    Ok(Line {
        address,
        time,
        method: method.to_owned(),
        path,
        path_cut,
        status,
        bytes,
        agent: (!matches!(agent.as_slice(), b"" | b"-")).then_some(agent),
    })
}

/// The time, and what follows the request's opening quote.
///
/// A user name can hold spaces and brackets, but neither server writes an unescaped quote into one; so the first
/// `] "` ends the time, and the last `[` before it begins it, whatever a client called itself.
fn split_time(rest: &[u8]) -> Result<(&[u8], &[u8]), Refused> {
    let Some(end) = rest.windows(3).position(|three| three == b"] \"") else {
        let bracketed = rest.contains(&b'[') && rest.contains(&b']');
        return Err(if bracketed { Refused::NotQuoted("request") } else { Refused::NoTime });
    };
    let (head, tail) = rest.split_at(end);
    let start = head.iter().rposition(|byte| *byte == b'[').ok_or(Refused::NoTime)?;
    let (users, time) = head.split_at(start);
    let words = users.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).count();
    if words < 2 || !users.ends_with(b" ") {
        return Err(Refused::NoUser);
    }
    Ok((time.strip_prefix(b"[").unwrap_or(time), tail.strip_prefix(b"] \"").unwrap_or(tail)))
}

/// Nanoseconds since 1970-01-01 UTC.
fn parse_time(time: &[u8]) -> Option<i64> {
    const SHAPE: &[u8] = b"00/Aaa/0000:00:00:00 +0000";
    let fits = |(byte, shape): (&u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        b'A' | b'a' => byte.is_ascii_alphabetic(),
        b'+' => matches!(byte, b'+' | b'-'),
        _ => byte == shape,
    };
    if time.len() != SHAPE.len() || !time.iter().zip(SHAPE).all(fits) {
        return None;
    }
    let time = strtime::parse("%d/%b/%Y:%H:%M:%S %z", time).ok()?.to_timestamp().ok()?;
    i64::try_from(time.as_nanosecond()).ok()
}

/// Referer and User-Agent; gives the latter.
fn parse_agent(rest: &[u8]) -> Result<Vec<u8>, Refused> {
    let rest = rest.strip_prefix(b"\"").ok_or(Refused::NotQuoted("referer"))?;
    let (_, rest) = quoted(rest, "referer")?;
    let rest = rest.strip_prefix(b" \"").ok_or(Refused::NotQuoted("User-Agent"))?;
    let (agent, rest) = quoted(rest, "User-Agent")?;
    if rest.is_empty() { Ok(unescape(agent)) } else { Err(Refused::More) }
}

/// Method, and path without query and fragment. `None` if it is no request of HTTP: `-`, nothing, one word, bytes of
/// another protocol.
fn split_request(request: &[u8]) -> Option<(&str, &[u8])> {
    let (method, rest) = word(request);
    let capitals = method.iter().all(|byte| matches!(byte, b'A'..=b'Z' | b'-' | b'_'));
    if !capitals || !method.first()?.is_ascii_uppercase() || method.len() > METHOD_BYTES_MAX {
        return None;
    }
    // A target may hold raw spaces; what follows the last one is the protocol, which HTTP/0.9 has not.
    let target = match rest.iter().rposition(|byte| *byte == b' ') {
        Some(space) if rest[space..].starts_with(b" HTTP/") => &rest[..space],
        _ if rest.starts_with(b"HTTP/") => b"",
        _ => rest,
    };
    let path = target.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default();
    let path = path_of(path);
    (!path.is_empty()).then_some((text(method)?, path))
}

/// The path of a target that may also be a whole URL, as proxies are sent.
fn path_of(target: &[u8]) -> &[u8] {
    let is = |scheme: &&[u8]| target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    let Some(scheme) = [b"http://".as_slice(), b"https://"].into_iter().find(is) else { return target };
    let rest = target.get(scheme.len()..).unwrap_or_default();
    rest.iter().position(|byte| *byte == b'/').map_or(b"/", |slash| &rest[slash..])
}

/// As text of at most [`PATH_BYTES_MAX`] bytes, and whether it was cut. Neither a character nor an escape is cut.
fn show(path: &[u8]) -> (String, bool) {
    fn escaped(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect()
    }
    let mut shown = String::new();
    let mut buffer = [0; 4];
    for chunk in path.utf8_chunks() {
        let good = chunk.valid().chars().map(|char| {
            let bytes = char.encode_utf8(&mut buffer);
            if char.is_control() || char == '\\' { escaped(bytes.as_bytes()) } else { bytes.to_owned() }
        });
        let bad = chunk.invalid().chunks(1).map(escaped);
        for piece in good.chain(bad) {
            if shown.len() + piece.len() > PATH_BYTES_MAX {
                return (shown, true);
            }
            shown.push_str(&piece);
        }
    }
    (shown, false)
}

/// A quoted field whose opening quote is already read, and what follows its closing quote.
fn quoted<'a>(rest: &'a [u8], field: &'static str) -> Result<(&'a [u8], &'a [u8]), Refused> {
    let mut escaped = false;
    let end = rest.iter().position(|byte| {
        let closes = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        closes
    });
    let (inside, closed) = rest.split_at(end.ok_or(Refused::NotClosed(field))?);
    Ok((inside, closed.strip_prefix(b"\"").unwrap_or(closed)))
}

/// Undoes the servers' escapes; what is none of them stays as it is.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut raw = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let (byte, length) = if *first == b'\\' { escape(after) } else { (*first, 0) };
        raw.push(byte);
        rest = after.get(length..).unwrap_or_default();
    }
    raw
}

/// The byte that an escape stands for, and how long the escape is after its backslash; a lone backslash is itself.
fn escape(after: &[u8]) -> (u8, usize) {
    let nibble = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match *after {
        [b'x', high, low, ..] => match (nibble(high), nibble(low)) {
            (Some(high), Some(low)) => (high * 16 + low, 3),
            _ => (b'\\', 0),
        },
        [byte @ (b'"' | b'\\'), ..] => (byte, 1),
        [b'b', ..] => (0x08, 1),
        [b't', ..] => (b'\t', 1),
        [b'n', ..] => (b'\n', 1),
        [b'v', ..] => (0x0b, 1),
        [b'r', ..] => (b'\r', 1),
        _ => (b'\\', 0),
    }
}

/// What stands before the first space, and what after it.
fn word(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|byte| *byte == b' ') {
        Some(space) => (&bytes[..space], &bytes[space + 1..]),
        None => (bytes, b""),
    }
}

/// A number of digits and nothing else.
fn digits<T: std::str::FromStr>(bytes: &[u8]) -> Option<T> {
    text(bytes).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 17/May/2015:10:05:03 +0000
    const TIME: i64 = 1_431_857_103_000_000_000;
    const HEAD: &str = "192.0.2.7 - - [17/May/2015:10:05:03 +0000] ";

    /// A line with this request.
    fn requesting(request: &[u8]) -> Vec<u8> {
        [HEAD.as_bytes(), b"\"", request, b"\" 200 5 \"-\" \"curl/8.5\""].concat()
    }

    /// A line with this User-Agent.
    fn agent(agent: &[u8]) -> Vec<u8> {
        [HEAD.as_bytes(), b"\"GET / HTTP/1.1\" 200 5 \"http://a.example/\" \"", agent, b"\""].concat()
    }

    fn get() -> Line {
        Line {
            address: "192.0.2.7".parse().unwrap(),
            time: TIME,
            method: "GET".into(),
            path: "/".into(),
            path_cut: false,
            status: 200,
            bytes: Some(5),
            agent: Some(b"curl/8.5".to_vec()),
        }
    }

    #[test]
    fn lines() {
        let timed = |who: &str, time: &str, rest: &str| format!("{who} [{time}] \"GET / HTTP/1.1\" {rest}");
        let (who, may, rest) = ("192.0.2.7 - -", "17/May/2015:10:05:03 +0000", "200 5 \"-\" \"curl/8.5\"");
        let plain = || Line { agent: None, ..get() };
        let rows = [
            (timed(who, may, rest), get()),
            (timed(who, may, "200 5"), plain()),
            (timed(who, may, "200 5 \"\" \"\"\r\n"), plain()),
            (timed(who, may, "200 -"), Line { bytes: None, ..plain() }),
            (timed(who, may, "000 18446744073709551615\n"), Line { status: 0, bytes: Some(u64::MAX), ..plain() }),
            (timed(who, "17/May/2015:12:05:03 +0200", rest), get()),
            (timed(who, "16/May/2015:23:35:03 -1030", rest), get()),
            (timed(who, "01/Jan/1970:00:00:00 +0100", "200 5"), Line { time: -3_600_000_000_000, ..plain() }),
            (timed(who, "30/Jun/2015:23:59:60 +0000", "200 5"), Line { time: 1_435_708_799_000_000_000, ..plain() }),
            (timed("2001:db8::7 - -", may, rest), Line { address: "2001:db8::7".parse().unwrap(), ..get() }),
            (timed("192.0.2.7 - ann", may, rest), get()),
            (timed("192.0.2.7 - \"\"", may, rest), get()),
            (timed("192.0.2.7 - ann [01/Jan/1999:00:00:00 +0000] \\\"x\\\"", may, rest), get()),
        ];
        for (line, expected) in rows {
            assert_eq!(parse(line.as_bytes()), Ok(expected), "{line}");
        }
    }

    #[test]
    fn requests() {
        let long = [b"GET /", "ą".repeat(64).as_bytes(), b" HTTP/1.1"].concat();
        let exact = [b"GET /".as_slice(), &[b'a'; 127], b"?q HTTP/1.1"].concat();
        let escape_cut = [b"GET /".as_slice(), &[b'a'; 124], b"\\xff HTTP/1.1"].concat();
        let rows: &[(&[u8], &str, &str, bool)] = &[
            (b"GET /a/b?name=ann&x=y HTTP/1.1", "GET", "/a/b", false),
            (b"GET /a#top?x HTTP/1.1", "GET", "/a", false),
            (b"GET /a%3Fb%20c HTTP/1.1", "GET", "/a%3Fb%20c", false),
            (b"GET /a b c HTTP/1.1", "GET", "/a b c", false),
            (b"GET /old", "GET", "/old", false),
            (b"OPTIONS * HTTP/1.1", "OPTIONS", "*", false),
            (b"M-SEARCH * HTTP/1.1", "M-SEARCH", "*", false),
            (b"CONNECT a.example:443 HTTP/1.1", "CONNECT", "a.example:443", false),
            (b"GET http://ann:secret@a.example/p?q HTTP/1.1", "GET", "/p", false),
            (b"GET HTTPS://a.example?q HTTP/1.1", "GET", "/", false),
            (b"GET /\\xc4\\x85\\\\\\\"\\t HTTP/1.1", "GET", "/ą\\x5c\"\\x09", false),
            (b"GET /\xff\xc4\x85\xc4\x00\xc2\x85 HTTP/1.1", "GET", "/\\xffą\\xc4\\x00\\xc2\\x85", false),
            (&long, "GET", &format!("/{}", "ą".repeat(63)), true),
            (&exact, "GET", &format!("/{}", "a".repeat(127)), false),
            (&escape_cut, "GET", &format!("/{}", "a".repeat(124)), true),
            (b"-", "-", "", false),
            (b"", "-", "", false),
            (b"GET", "-", "", false),
            (b"GET ?q=1 HTTP/1.1", "-", "", false),
            (b"GET HTTP/1.1", "-", "", false),
            (b"get / HTTP/1.1", "-", "", false),
            (b"\\x16\\x03\\x01\\x02 \\x01", "-", "", false),
            (b"ABCDEFGHIJABCDEFGHIJABCDEFGHIJABC / HTTP/1.1", "-", "", false),
        ];
        for (request, method, path, path_cut) in rows {
            let expected = Line { method: (*method).into(), path: (*path).into(), path_cut: *path_cut, ..get() };
            assert_eq!(parse(&requesting(request)), Ok(expected), "{}", request.escape_ascii());
        }
    }

    #[test]
    fn agents() {
        let rows: &[(&[u8], Option<&[u8]>)] = &[
            (b"-", None),
            (b"", None),
            (b"a \\\"b\\\" c", Some(b"a \"b\" c")),
            (b"a\\\\", Some(b"a\\")),
            (b"\\xe4\\xE5\\x22\xff", Some(b"\xe4\xe5\"\xff")),
            (b"\\n\\q\\xg1\\x4", Some(b"\n\\q\\xg1\\x4")),
            (b"] \\\" [", Some(b"] \" [")),
        ];
        for (written, sent) in rows {
            let expected = Line { agent: sent.map(<[u8]>::to_vec), ..get() };
            assert_eq!(parse(&agent(written)), Ok(expected), "{}", written.escape_ascii());
        }
    }

    #[test]
    fn refused_lines() {
        let timed = |time: &str| format!("192.0.2.7 - - [{time}] \"GET / HTTP/1.1\" 200 5");
        let after = |rest: &str| format!("{HEAD}{rest}");
        let rows: &[(String, Refused)] = &[
            (String::new(), Refused::Empty),
            (" \r\n".into(), Refused::Empty),
            ("x".repeat(64 * 1024), Refused::Address),
            ("\" [] ".repeat(13 * 1024), Refused::Address),
            (timed("17/May/2015:10:05:03 +0000").replace("192.0.2.7", "a.example"), Refused::Address),
            (timed("17/May/2015:10:05:03 +0000").replace("192.0.2.7", "192.0.2.256"), Refused::Address),
            ("192.0.2.7".into(), Refused::NoTime),
            ("192.0.2.7 - - 17/May/2015:10:05:03 +0000 \"GET / HTTP/1.1\" 200 5".into(), Refused::NoTime),
            ("192.0.2.7 - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 5".into(), Refused::NoUser),
            ("192.0.2.7 - -[17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 5".into(), Refused::NoUser),
            (timed(""), Refused::Time),
            (timed("2015-05-17T10:05:03+00:00"), Refused::Time),
            (timed("17/May/2015:10:05:03"), Refused::Time),
            (timed("31/Apr/2015:10:05:03 +0000"), Refused::Time),
            (timed("17/Mai/2015:10:05:03 +0000"), Refused::Time),
            (timed("17/May/2015:24:05:03 +0000"), Refused::Time),
            (timed("17/May/9999:10:05:03 +0000"), Refused::Time),
            (timed("17/May/0000:10:05:03 +0000"), Refused::Time),
            (after("GET / HTTP/1.1 200 5"), Refused::NotQuoted("request")),
            (after("\"GET / HTTP/1.1 200 5"), Refused::NotClosed("request")),
            (after("\"GET / HTTP/1.1\\\" 200 5"), Refused::NotClosed("request")),
            (after("\"GET / HTTP/1.1\""), Refused::Status),
            (after("\"GET / HTTP/1.1\" - 5"), Refused::Status),
            (after("\"GET / HTTP/1.1\" 20 5"), Refused::Status),
            (after("\"GET / HTTP/1.1\" 2000 5"), Refused::Status),
            (after("\"GET / HTTP/1.1\" +20 5"), Refused::Status),
            (after("\"GET / HTTP/1.1\" 200"), Refused::Bytes),
            (after("\"GET / HTTP/1.1\" 200 -5"), Refused::Bytes),
            (after("\"GET / HTTP/1.1\" 200 18446744073709551616"), Refused::Bytes),
            (after("\"GET / HTTP/1.1\" 200 5 -"), Refused::NotQuoted("referer")),
            (after("\"GET / HTTP/1.1\" 200 5 \"-"), Refused::NotClosed("referer")),
            (after("\"GET / HTTP/1.1\" 200 5 \"-\""), Refused::NotQuoted("User-Agent")),
            (after("\"GET / HTTP/1.1\" 200 5 \"-\" curl"), Refused::NotQuoted("User-Agent")),
            (after("\"GET / HTTP/1.1\" 200 5 \"-\" \"curl"), Refused::NotClosed("User-Agent")),
            (after("\"GET / HTTP/1.1\" 200 5 \"-\" \"curl\" \"-\""), Refused::More),
            (after(&format!("\"GET {} HTTP/1.1", "a".repeat(64 * 1024))), Refused::NotClosed("request")),
        ];
        for (line, expected) in rows {
            assert_eq!(parse(line.as_bytes()), Err(*expected), "{:.200}", line);
        }
    }

    #[test]
    fn reasons_in_words() {
        let rows = [
            (Refused::NotClosed("request"), "the request has no closing quote"),
            (Refused::NotQuoted("User-Agent"), "the User-Agent is missing or has no opening quote"),
            (Refused::Bytes, "the size is neither a number nor \"-\""),
        ];
        for (refused, words) in rows {
            assert_eq!(refused.to_string(), words);
        }
    }

    /// As Apache writes a field.
    fn escaped(bytes: &[u8]) -> Vec<u8> {
        let one = |byte: &u8| match byte {
            b'"' | b'\\' => vec![b'\\', *byte],
            b'\n' => b"\\n".to_vec(),
            b'\t' => b"\\t".to_vec(),
            0x20..=0x7e => vec![*byte],
            other => format!("\\x{other:02x}").into_bytes(),
        };
        bytes.iter().flat_map(one).collect()
    }

    /// Bytes that take every turn of the parser more often than chance would.
    fn odd_bytes() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(HEAD.as_bytes().to_vec()),
            Just(b"\"GET / HTTP/1.1\" 200 5 ".to_vec()),
            Just(b"http://".to_vec()),
            "[\\[\\]\"\\\\x ?#/A-Z0-9-]".prop_map(String::into_bytes),
            proptest::collection::vec(any::<u8>(), 0..4),
        ];
        proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn never_panics(line in odd_bytes()) {
            let _ = parse(&line);
            let _ = parse(&requesting(&line));
            let _ = parse(&[HEAD.as_bytes(), &line].concat());
        }

        #[test]
        fn agents_come_back(sent in proptest::collection::vec(any::<u8>(), 0..600)) {
            prop_assume!(!matches!(sent.as_slice(), b"" | b"-"));
            prop_assert_eq!(parse(&agent(&escaped(&sent))), Ok(Line { agent: Some(sent), ..get() }));
        }

        #[test]
        fn paths_are_short_text(path in proptest::collection::vec(any::<u8>(), 0..200)) {
            let request = [b"GET /", path.as_slice(), b" HTTP/1.1"].concat();
            let line = parse(&requesting(&escaped(&request)));
            let line = line.map_err(|refused| TestCaseError::fail(refused.to_string()))?;
            let raw = path.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default();
            let raw = [b"/", raw].concat();
            let shown = unescape(line.path.as_bytes());
            prop_assert!(line.path.len() <= PATH_BYTES_MAX && !line.path.chars().any(char::is_control));
            prop_assert_eq!(line.path_cut, shown.len() < raw.len());
            prop_assert!(raw.starts_with(&shown), "nothing is lost before the cut");
        }
    }
}
