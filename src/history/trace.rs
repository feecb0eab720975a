use super::{Offset, SessionNumber};
use std::fmt;

/// The root of a request's `X-Amzn-Trace-Id`, made from what its row in the record holds, so that a balancer's log of the
/// request and the row find each other. A balancer of AWS passes a root on as it came and writes it into its access log
/// ("Request tracing for your Application Load Balancer", Elastic Load Balancing user guide).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceRoot {
    /// Seconds from 1970 to the run's zero, which tells runs apart.
    pub run: u32,
    pub request: RequestKey,
}

/// A request within its run: of a session, no two are due in the same microsecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestKey {
    session: u64,
    intended: u64,
}

/// Session and intended start share the root's 96 bits.
const HALF: u64 = (1 << 48) - 1;

impl RequestKey {
    pub fn new(session: SessionNumber, intended: Offset) -> RequestKey {
        RequestKey { session: session & HALF, intended: intended.0 as u64 & HALF }
    }
}

impl TraceRoot {
    /// The header field's name.
    pub const HEADER: &'static str = "x-amzn-trace-id";

    /// `zero_unix_us`: the run's zero, in microseconds from 1970.
    pub fn run_of(zero_unix_us: i64) -> u32 {
        // The field has 32 bits, which are enough until 2106.
        (zero_unix_us / 1_000_000) as u32
    }

    /// Finds the root in a header field's value, which may have other parts: `Self=1-…;Root=1-…`.
    pub fn find(value: &str) -> Option<TraceRoot> {
        let root = value.split(';').find_map(|part| part.trim().strip_prefix("Root=1-"))?;
        let (run, unique) = root.split_once('-')?;
        if run.len() != 8 || unique.len() != 24 || !root.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
            return None;
        }
        let hex = |text| u64::from_str_radix(text, 16).ok();
        let request = RequestKey { session: hex(&unique[..12])?, intended: hex(&unique[12..])? };
        Some(TraceRoot { run: hex(run)? as u32, request })
    }
}

impl fmt::Display for TraceRoot {
    /// The header field's value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RequestKey { session, intended } = self.request;
        write!(f, "Root=1-{:08x}-{session:012x}{intended:012x}", self.run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_root_is_as_aws_writes_them() {
        let request = RequestKey::new(300, Offset(1_000_000));
        let root = TraceRoot { run: TraceRoot::run_of(1_770_000_000_123_456), request };
        assert_eq!(root.to_string(), "Root=1-69800e80-00000000012c0000000f4240");
        assert_eq!(TraceRoot::find(&format!("Self=1-67891234-12456789abcdef012345678;{root}")), Some(root));
    }

    #[test]
    fn what_is_no_root_of_ours_is_none() {
        for value in ["", "-", "Root=", "Root=1-", "Root=1-69801480", "Root=1-69801480-00000000012c", "Self=1-1-1"] {
            assert_eq!(TraceRoot::find(value), None, "{value}");
        }
        assert_eq!(TraceRoot::find("Root=1-+9801480-00000000012c0000000f4240"), None);
        assert_eq!(TraceRoot::find("Root=1-69801480-00000000012cß00000f4240"), None);
    }

    proptest! {
        #[test]
        fn a_root_is_found_again(run: u32, session in 0..1_u64 << 48, intended in 0..1_i64 << 47) {
            let root = TraceRoot { run, request: RequestKey::new(session, Offset(intended)) };
            prop_assert_eq!(TraceRoot::find(&root.to_string()), Some(root));
        }

        #[test]
        fn any_text_is_read(text in ".*") {
            TraceRoot::find(&text);
        }
    }
}
