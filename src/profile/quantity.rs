use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Longer than any run, and far from the end of what clocks can add.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// Why a quantity could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct QuantityError(String);

impl QuantityError {
    fn new(message: impl Into<String>) -> QuantityError {
        QuantityError(message.into())
    }
}

/// A time span such as `90s`, `1m30s`, `250ms`, `1.5h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Span, QuantityError> {
        let wrong = || QuantityError::new(format!("`{text}` is not a time; write `250ms`, `90s`, `1m30s` or `2h`"));
        let mut seconds = 0.0;
        let mut rest = text.trim();
        let mut last_unit = f64::INFINITY;
        if rest.is_empty() {
            return Err(wrong());
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
            let (number, tail) = rest.split_at(digits);
            let letters = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(letters);
            let unit = match unit {
                "us" | "µs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" | "min" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                _ => return Err(wrong()),
            };
            if unit >= last_unit {
                return Err(wrong());
            }
            last_unit = unit;
            seconds += number.parse::<f64>().map_err(|_| wrong())? * unit;
            rest = tail.trim_start();
        }
        if seconds > LONGEST.as_secs_f64() {
            return Err(QuantityError::new(format!("`{text}` is longer than a year")));
        }
        // To the nanosecond: 0.3 s written in decimal is not a whole number of nanoseconds in binary.
        Ok(Span(Duration::from_nanos((seconds * 1e9).round() as u64)))
    }
}

/// A number of bytes such as `1MiB`, `64KiB`, `500000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Size, QuantityError> {
        let wrong = || QuantityError::new(format!("`{text}` is not a size; write `64KiB`, `1MiB` or `500kB`"));
        let text_trimmed = text.trim();
        let digits = text_trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(text_trimmed.len());
        let (number, unit) = text_trimmed.split_at(digits);
        let unit: u64 = match unit.trim() {
            "" | "B" => 1,
            "kB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(wrong()),
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        number.checked_mul(unit).map(Size).ok_or_else(wrong)
    }
}

/// Events per second, written `5/s`, `120/min` or `3600/h`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate(pub f64);

impl FromStr for Rate {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Rate, QuantityError> {
        let wrong =
            || QuantityError::new(format!("`{}` is not a rate; write `5/s`, `120/min` or `900/h`", text.trim()));
        let (number, unit) = text.split_once('/').ok_or_else(wrong)?;
        let per = match unit.trim() {
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            _ => return Err(wrong()),
        };
        let number = plain_number(number).ok_or_else(wrong)?;
        if number < 0.0 {
            return Err(QuantityError::new(format!("`{}` is a negative rate", text.trim())));
        }
        Ok(Rate(number / per))
    }
}

/// A finite decimal number: no `inf`, no `nan`.
pub fn plain_number(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+'));
    text.parse::<f64>().ok().filter(|n| plain && n.is_finite())
}

impl fmt::Display for Span {
    /// The shortest of the forms [`Span::from_str`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_micros();
        let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
        match (seconds, rest) {
            (0, 0) => write!(f, "0s"),
            (0, us) if us % 1000 == 0 => write!(f, "{}ms", us / 1000),
            (0, us) => write!(f, "{us}us"),
            (s, 0) if s >= 3600 && s % 3600 == 0 => write!(f, "{}h", s / 3600),
            (s, 0) if s >= 60 && s % 60 == 0 => write!(f, "{}min", s / 60),
            (s, 0) if s >= 60 => write!(f, "{}m{}s", s / 60, s % 60),
            (s, 0) => write!(f, "{s}s"),
            _ => write!(f, "{:.3}s", self.0.as_secs_f64()),
        }
    }
}

/// Reads a type written as a string, and shows it as one in the schema.
macro_rules! written_as_string {
    ($type:ident, $name:literal, $example:literal) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "title": $name, "examples": [$example] })
            }
        }
    };
}

written_as_string!(Span, "time", "1m30s");
written_as_string!(Size, "size", "1MiB");
written_as_string!(Rate, "rate", "5/s");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        let table = [
            ("250ms", 0.25),
            ("90s", 90.0),
            ("1m30s", 90.0),
            ("1m 30s", 90.0),
            ("5min", 300.0),
            ("1.5h", 5400.0),
            ("0s", 0.0),
            ("15us", 15e-6),
            ("0.3s", 0.3),
        ];
        for (text, seconds) in table {
            assert_eq!(
                text.parse::<Span>().unwrap().0,
                Duration::from_nanos((seconds * 1e9f64).round() as u64),
                "{text}"
            );
        }
        for text in ["", "90", "s", "1s1m", "1s1s", "-5s", "1 year", "1.2.3s", "400d", "1e3s"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_shown_as_they_are_read() {
        for text in ["250ms", "90us", "59s", "1m30s", "5min", "2h", "1.500s"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in [("1MiB", 1 << 20), ("64 KiB", 1 << 16), ("500kB", 500_000), ("7", 7)] {
            assert_eq!(text.parse::<Size>().unwrap().0, bytes, "{text}");
        }
        for text in ["", "MiB", "1.5MiB", "-1", "1Mib", "99999999999GiB"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }

    #[test]
    fn rates_are_read() {
        for (text, rate) in [("5/s", 5.0), ("120/min", 2.0), ("0.5 / s", 0.5), ("3600/h", 1.0), ("0/s", 0.0)] {
            assert_eq!(text.parse::<Rate>().unwrap().0, rate, "{text}");
        }
        for text in ["5", "/s", "-1/s", "5/d", "inf/s", "NaN/s", "1e9/s"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
