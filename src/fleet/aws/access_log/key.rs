//! Names of log files: `…_app.my-balancer.50dc6c495c0c9188_20251102T2225Z_172.160.1.2_20sg8hgm.log.gz`.

use std::time::{Duration, SystemTime};
use time::{Date, Month, OffsetDateTime, Time};

/// A file tells of five minutes, and is named by their end.
const INTERVAL: Duration = Duration::from_secs(300);

/// The time of a run, by the wall clock.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub from: SystemTime,
    pub to: SystemTime,
}

impl Span {
    /// Whether a file of this name may tell of requests that ended in it.
    pub fn may_hold(&self, key: &str) -> bool {
        // Whole minutes: the one that has begun counts.
        let from = self.from - Duration::from_secs(60);
        key.ends_with(".log.gz") && end_of(key).is_some_and(|end| from <= end && end <= self.to + 2 * INTERVAL)
    }

    /// The days by which keys of its files begin: `2025/11/02/`.
    pub fn days(&self) -> Vec<String> {
        let day = |at: SystemTime| OffsetDateTime::from(at).date();
        let (mut day, last) = (day(self.from), day(self.to + 2 * INTERVAL));
        let mut days = Vec::new();
        loop {
            days.push(format!("{:04}/{:02}/{:02}/", day.year(), u8::from(day.month()), day.day()));
            match day.next_day() {
                Some(next) if next <= last => day = next,
                _ => return days,
            }
        }
    }
}

fn end_of(key: &str) -> Option<SystemTime> {
    let file = key.rsplit('/').next()?;
    file.split('_').find_map(minute)
}

/// `20251102T2225Z`
fn minute(text: &str) -> Option<SystemTime> {
    let digits = text.strip_suffix('Z').filter(|digits| digits.len() == 13 && digits.is_ascii())?;
    let (date, time) = digits.split_once('T').filter(|(date, time)| date.len() == 8 && time.len() == 4)?;
    let month = Month::try_from(date[4..6].parse::<u8>().ok()?).ok()?;
    let date = Date::from_calendar_date(date[..4].parse().ok()?, month, date[6..].parse().ok()?).ok()?;
    let time = Time::from_hms(time[..2].parse().ok()?, time[2..].parse().ok()?, 0).ok()?;
    Some(OffsetDateTime::new_utc(date, time).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    fn at(text: &str) -> SystemTime {
        minute(text).unwrap()
    }

    fn key(end: &str) -> String {
        format!(
            "alb/AWSLogs/123456789012/elasticloadbalancing/us-east-2/2025/11/02/\
             123456789012_elasticloadbalancing_us-east-2_app.my_balancer.50dc6c495c0c9188_{end}_172.160.1.2_20sg8hgm.log.gz"
        )
    }

    #[test]
    fn files_of_the_run_are_told_by_their_names() {
        let span = Span { from: at("20251102T2222Z") + Duration::from_secs(30), to: at("20251102T2231Z") };
        for (end, expected) in [
            ("20251102T2220Z", false),
            ("20251102T2222Z", true),
            ("20251102T2225Z", true),
            ("20251102T2235Z", true),
            ("20251102T2240Z", true),
            ("20251102T2245Z", false),
            ("no-time", false),
            ("20251302T2225Z", false),
            ("2025é102T225Z", false),
        ] {
            assert_eq!(span.may_hold(&key(end)), expected, "{end}");
        }
        assert!(!span.may_hold("alb/AWSLogs/123456789012/ELBAccessLogTestFile"));
    }

    #[test]
    fn a_run_over_midnight_has_files_of_two_days() {
        let span = Span { from: at("20241231T2340Z"), to: at("20241231T2355Z") };
        assert_eq!(span.days(), ["2024/12/31/", "2025/01/01/"]);
        let span = Span { from: UNIX_EPOCH, to: UNIX_EPOCH };
        assert_eq!(span.days(), ["1970/01/01/"]);
    }
}
