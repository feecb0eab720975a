use crate::plan::{Window, WindowAnchor};
use crate::profile::Span;

pub(super) const HELP: &str =
    "write `scale-out +0s..60s` (around each such event), or `+30s..90s` (after the load's start)";

/// Reads `EVENT FROM..TO`, `FROM..TO` or either without `TO`.
pub(super) fn parse(text: &str) -> Result<Window, String> {
    let text = text.trim();
    let (anchor, range) = match text.rsplit_once(char::is_whitespace) {
        Some((event, range)) => (WindowAnchor::Event(event.trim().to_owned()), range),
        None => (WindowAnchor::Start, text),
    };
    let (from, to) = range.split_once("..").ok_or_else(|| format!("`{range}` is not a range of times"))?;
    let from_seconds = signed_seconds(from)?;
    let to_seconds = if to.is_empty() { None } else { Some(signed_seconds(to)?) };
    if to_seconds.is_some_and(|to| to <= from_seconds) {
        return Err(format!("`{range}` ends before it begins"));
    }
    if anchor == WindowAnchor::Start && from_seconds < 0.0 {
        return Err("no load is made before the load's start".to_owned());
    }
    Ok(Window { anchor, from_seconds, to_seconds })
}

fn signed_seconds(text: &str) -> Result<f64, String> {
    let (sign, time) = match text.strip_prefix('-') {
        Some(time) => (-1.0, time),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    time.parse::<Span>().map(|span| sign * span.0.as_secs_f64()).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_read() {
        let event = |name: &str| WindowAnchor::Event(name.to_owned());
        let table = [
            ("scale-out +0s..60s", event("scale-out"), 0.0, Some(60.0)),
            ("scale-in -10s..+30s", event("scale-in"), -10.0, Some(30.0)),
            ("blue green +1m30s..", event("blue green"), 90.0, None),
            ("+10s..40s", WindowAnchor::Start, 10.0, Some(40.0)),
            ("10s..", WindowAnchor::Start, 10.0, None),
        ];
        for (text, anchor, from_seconds, to_seconds) in table {
            assert_eq!(parse(text), Ok(Window { anchor, from_seconds, to_seconds }), "{text}");
        }
        for text in ["", "scale-out", "scale-out 60s", "+5s..1s", "-5s..10s", "5..6", "scale-out +0s..0s"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
