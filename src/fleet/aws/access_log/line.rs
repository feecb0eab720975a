//! A line of an access log ("Access log entries", Application Load Balancers user guide).
//!
//! Fields have been added at the end over the years, from 25 before 2019 to 33 in 2025, and more may come. Those that are
//! needed have kept their places.

use std::borrow::Cow;

/// What is needed of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine<'a> {
    /// `address:port` of the target; None where the balancer sent the request to none.
    pub target: Option<Cow<'a, str>>,
    /// 0 where there is none.
    pub balancer_status: u16,
    pub target_status: u16,
    /// The header field `X-Amzn-Trace-Id`.
    pub trace: Cow<'a, str>,
    pub error_reason: Option<Cow<'a, str>>,
}

const TYPES: [&str; 6] = ["http", "https", "h2", "grpcs", "ws", "wss"];

/// Places of the fields, counted from 0.
const TARGET: usize = 4;
const BALANCER_STATUS: usize = 8;
const TARGET_STATUS: usize = 9;
const TRACE: usize = 17;
const ERROR_REASON: usize = 24;

impl LogLine<'_> {
    /// None where this is no line of such a log, or a part of one.
    pub fn parse(line: &str) -> Option<LogLine<'_>> {
        let fields = fields(line)?;
        if !TYPES.contains(&fields.first()?.as_ref()) {
            return None;
        }
        let field = |at: usize| fields.get(at).cloned().filter(|field| field != "-");
        let status = |at: usize| match fields.get(at)?.as_ref() {
            "-" => Some(0),
            number => number.parse().ok(),
        };
        let target = match field(TARGET) {
            Some(target) if !is_address(&target) => return None,
            target => target,
        };
        Some(LogLine {
            target,
            balancer_status: status(BALANCER_STATUS)?,
            target_status: status(TARGET_STATUS)?,
            trace: fields.get(TRACE)?.clone(),
            error_reason: field(ERROR_REASON),
        })
    }
}

/// `10.0.1.7:8080`, `[2001:db8::7]:8080`, or the same without brackets.
fn is_address(target: &str) -> bool {
    let Some((address, port)) = target.rsplit_once(':') else { return false };
    let address = address.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(address);
    address.parse::<std::net::IpAddr>().is_ok() && port.parse::<u16>().is_ok()
}

/// Separated by a space each; those in quotes may hold spaces, and quotes behind a backslash. None where a quote is never
/// closed.
fn fields(line: &str) -> Option<Vec<Cow<'_, str>>> {
    let mut fields = Vec::with_capacity(33);
    let mut rest = line.trim_end();
    while !rest.is_empty() {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let (field, after) = rest.split_once(' ').unwrap_or((rest, ""));
                (Cow::Borrowed(field), after)
            }
        };
        fields.push(field);
        rest = after;
    }
    Some(fields)
}

/// The field that a quote opened, and what comes after the space behind it.
fn unquoted(quoted: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut escaped = false;
    for (at, c) in quoted.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => {
                let (field, after) = (&quoted[..at], &quoted[at + 1..]);
                let field = match field.contains("\\\"") {
                    true => Cow::Owned(field.replace("\\\"", "\"")),
                    false => Cow::Borrowed(field),
                };
                return match after.strip_prefix(' ') {
                    Some(after) => Some((field, after)),
                    None => after.is_empty().then_some((field, "")),
                };
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Those of the user guide, with targets and statuses of every kind.
    const OLDER: &str = r#"https 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 0 57 "GET https://www.example.com:443/ HTTP/1.1" "curl/7.46.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337281-1d84f3d73c47ec4e58577259" "www.example.com" "arn:aws:acm:us-east-2:123456789012:certificate/12345678-1234-1234-1234-123456789012" 1 2018-07-02T22:22:48.364000Z "authenticate,forward" "-" "-""#;
    const NEWER: &str = r#"h2 2025-11-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 [2001:db8::39]:2817 [2001:db8:1::7]:8080 0.000 0.002 0.000 503 503 34 366 "POST https://www.example.com:443/cart?q=a b HTTP/2.0" "Mozilla/5.0 (X11; \"quoted\" Linux) \x22" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.3 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Self=1-67891234-12456789abcdef012345678;Root=1-67891233-abcdef012345678912345678" "www.example.com" "-" 0 2025-11-02T22:22:48.364000Z "forward" "-" "-" "[2001:db8:1::7]:8080" "503" "-" "-" TID_1234abcd5678ef90 "-" "-" "-""#;
    const UNSERVED: &str = r#"http 2025-11-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 - -1 -1 -1 502 - 34 366 "GET http://www.example.com:80/ HTTP/1.1" "-" - - arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337364-23a8c76965a2ef7629b185e3" "-" "-" 0 2025-11-02T22:22:48.364000Z "waf,forward" "-" "TargetConnectionErrorCode" "-" "-" "-" "-""#;

    #[test]
    fn lines_of_all_ages_are_read() {
        let line = LogLine::parse(OLDER).unwrap();
        assert_eq!((line.target.as_deref(), line.balancer_status, line.target_status), (Some("10.0.0.1:80"), 200, 200));
        assert_eq!((&*line.trace, line.error_reason), ("Root=1-58337281-1d84f3d73c47ec4e58577259", None));

        let line = LogLine::parse(NEWER).unwrap();
        assert_eq!(line.target.as_deref(), Some("[2001:db8:1::7]:8080"));
        assert_eq!((line.balancer_status, line.target_status), (503, 503));
        assert!(line.trace.ends_with("Root=1-67891233-abcdef012345678912345678"));

        let line = LogLine::parse(UNSERVED).unwrap();
        assert_eq!((line.target, line.balancer_status, line.target_status), (None, 502, 0));
        assert_eq!(line.error_reason.as_deref(), Some("TargetConnectionErrorCode"));
    }

    #[test]
    fn fields_may_be_added_at_the_end() {
        let grown = format!("{NEWER} \"a field of tomorrow\" 7");
        assert_eq!(LogLine::parse(&grown), LogLine::parse(NEWER));
        // Before 2018 a line ended with the trace id.
        let end = OLDER.find(" \"www.example.com\"").unwrap();
        assert!(LogLine::parse(&OLDER[..end]).is_some());
    }

    #[test]
    fn what_is_damaged_is_none() {
        let replaced = |from: &str, to: &str| OLDER.replacen(from, to, 1);
        for damaged in [
            String::new(),
            "Enable AccessLog for ELB".to_owned(),
            OLDER[..200].to_owned(),
            // A quote that is never closed.
            OLDER[..OLDER.find(" \"curl").unwrap() + 4].to_owned(),
            replaced("https ", "tls 2.0 "),
            replaced("10.0.0.1:80", "10.0.0.1"),
            replaced("10.0.0.1:80", "nowhere:80"),
            replaced(" 200 200 ", " 200 two "),
            replaced("HTTP/1.1\" ", "HTTP/1.1\"x "),
        ] {
            assert_eq!(LogLine::parse(&damaged), None, "{damaged}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".*") {
            LogLine::parse(&text);
        }

        #[test]
        fn any_part_of_a_line_is_read(from in 0..NEWER.len(), to in 0..NEWER.len(), between in "[ \"\\\\:\\-é]{0,3}") {
            let text = format!("{}{between}{}", &NEWER[..from], &NEWER[to..]);
            LogLine::parse(&text);
        }

        /// A quoted field says what was put into it, whatever that was, as long as it is escaped as the balancer does.
        #[test]
        fn a_user_agent_cannot_move_the_fields(agent in "[^\"\\\\\\p{C}]{0,40}(\\\\\"[^\"\\\\\\p{C}]{0,10}){0,3}") {
            let line = OLDER.replacen("curl/7.46.0", &agent, 1);
            prop_assert_eq!(LogLine::parse(&line), LogLine::parse(OLDER));
        }
    }
}
