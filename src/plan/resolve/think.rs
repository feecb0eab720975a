use crate::plan::Distribution;
use crate::profile::{Span, plain_number};
use std::time::Duration;

/// No think time is longer than this unless the profile says so: a log-normal has no upper end.
const THINK_CAP: Duration = Duration::from_secs(300);

/// Reads a distribution of times: `2s`, `1s..3s`, `exponential 2s`, `lognormal 2s sigma 0.6`, each with `max 20s` at its
/// end where it is to be capped.
pub(super) fn parse(text: &str) -> Result<(Distribution, Duration), String> {
    let (text, cap) = match text.rsplit_once("max ") {
        Some((shape, cap)) => (shape, span(cap)?),
        None => (text, THINK_CAP),
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let shape = match words.as_slice() {
        ["exponential", mean] => Distribution::Exponential { mean_seconds: seconds(mean)? },
        ["lognormal", median, "sigma", sigma] => Distribution::Lognormal {
            median_seconds: seconds(median)?,
            sigma: plain_number(sigma)
                .filter(|sigma| (0.0..=3.0).contains(sigma))
                .ok_or_else(|| format!("`{sigma}` is not a sigma from 0 to 3"))?,
        },
        ["constant", time] | [time] if !time.contains("..") => Distribution::Constant { seconds: seconds(time)? },
        ["uniform", range] | [range] => {
            let (from, to) = range.split_once("..").ok_or_else(|| format!("`{range}` is not a range"))?;
            let (from_seconds, to_seconds) = (seconds(from)?, seconds(to)?);
            if from_seconds > to_seconds {
                return Err(format!("`{range}` ends before it begins"));
            }
            Distribution::Uniform { from_seconds, to_seconds }
        }
        _ => return Err(format!("`{}` is not a distribution of times", text.trim())),
    };
    Ok((shape, cap))
}

pub(super) const HELP: &str =
    "write `2s`, `1s..3s`, `exponential 2s` or `lognormal 2s sigma 0.6`, with `max 20s` after it to cap it";

fn span(text: &str) -> Result<Duration, String> {
    text.parse::<Span>().map(|span| span.0).map_err(|e| e.to_string())
}

fn seconds(text: &str) -> Result<f64, String> {
    span(text).map(|time| time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distributions_are_read() {
        let table = [
            ("2s", Distribution::Constant { seconds: 2.0 }),
            ("constant 250ms", Distribution::Constant { seconds: 0.25 }),
            ("1s..3s", Distribution::Uniform { from_seconds: 1.0, to_seconds: 3.0 }),
            ("uniform 1s..3s", Distribution::Uniform { from_seconds: 1.0, to_seconds: 3.0 }),
            ("exponential 2s", Distribution::Exponential { mean_seconds: 2.0 }),
            ("lognormal 2s sigma 0.6", Distribution::Lognormal { median_seconds: 2.0, sigma: 0.6 }),
        ];
        for (text, shape) in table {
            assert_eq!(parse(text), Ok((shape, THINK_CAP)), "{text}");
            assert_eq!(parse(&format!("{text} max 20s")), Ok((shape, Duration::from_secs(20))), "{text}");
        }
    }

    #[test]
    fn what_is_no_distribution_is_refused() {
        for text in ["", "2", "3s..1s", "lognormal 2s", "lognormal 2s sigma 9", "pareto 2s", "2s max", "exponential"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
