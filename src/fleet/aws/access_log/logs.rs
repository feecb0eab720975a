use super::line::LogLine;
use crate::history::{RequestKey, Served, ServedBy, TraceRoot};
use flate2::read::MultiGzDecoder;
use rustc_hash::FxHashMap;
use std::io::{BufRead, BufReader, Read as _};

/// No line of a log is longer; what is, is damaged.
const LONGEST_LINE: u64 = 256 * 1024;

/// What the access logs tell of one run's requests.
#[derive(Debug)]
pub struct AccessLogs {
    run: u32,
    requests: FxHashMap<RequestKey, Entry>,
    targets: Texts,
    reasons: Texts,
    tally: ServedBy,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Places in the lists of texts.
    target: Option<u16>,
    reason: Option<u16>,
    balancer_status: u16,
    target_status: u16,
}

/// Texts that repeat, by number. Past 65,535 different ones they are not kept.
#[derive(Debug, Default)]
struct Texts {
    list: Vec<String>,
    places: FxHashMap<String, u16>,
}

impl Texts {
    fn place(&mut self, text: &str) -> Option<u16> {
        if let Some(place) = self.places.get(text) {
            return Some(*place);
        }
        let place = u16::try_from(self.list.len()).ok()?;
        self.list.push(text.to_owned());
        self.places.insert(text.to_owned(), place);
        Some(place)
    }

    fn text(&self, place: u16) -> &str {
        &self.list[usize::from(place)]
    }
}

impl AccessLogs {
    /// `run`: that of the requests' trace ids.
    pub fn new(run: u32) -> AccessLogs {
        AccessLogs {
            run,
            requests: FxHashMap::default(),
            targets: Texts::default(),
            reasons: Texts::default(),
            tally: ServedBy::default(),
        }
    }

    /// Reads a log file as it is in S3. What is damaged is counted, and the rest is read.
    pub fn read(&mut self, compressed: &[u8]) {
        self.tally.log_files += 1;
        let mut file = BufReader::new(MultiGzDecoder::new(compressed));
        let mut line = Vec::new();
        loop {
            line.clear();
            match file.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
                Ok(0) => return,
                Ok(_) => self.read_line(&line),
                Err(_) => {
                    // A line that was begun is not whole.
                    self.tally.damaged_files += 1;
                    return;
                }
            }
        }
    }

    fn read_line(&mut self, line: &[u8]) {
        self.tally.log_lines += 1;
        let Some(line) = std::str::from_utf8(line).ok().and_then(LogLine::parse) else {
            self.tally.damaged_lines += 1;
            return;
        };
        let Some(root) = TraceRoot::find(&line.trace).filter(|root| root.run == self.run) else { return };
        let entry = Entry {
            target: line.target.as_ref().and_then(|target| self.targets.place(target)),
            reason: line.error_reason.as_ref().and_then(|reason| self.reasons.place(reason)),
            balancer_status: line.balancer_status,
            target_status: line.target_status,
        };
        // A request that is sent again, because its connection was dead, is the same request. The one that was served
        // tells more.
        let known = self.requests.entry(root.request).or_insert(entry);
        if known.target_status == 0 {
            *known = entry;
        }
    }

    /// Requests of the run that were found.
    pub fn len(&self) -> usize {
        self.requests.len()
    }

    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    pub fn find(&self, request: RequestKey) -> Option<Served<'_>> {
        let entry = self.requests.get(&request)?;
        Some(Served {
            target: entry.target.map(|place| self.targets.text(place)),
            balancer_status: entry.balancer_status,
            target_status: entry.target_status,
            error_reason: entry.reason.map(|place| self.reasons.text(place)),
        })
    }

    /// Files and lines so far, and nothing yet of the record's rows.
    pub fn tally(&self) -> ServedBy {
        self.tally.clone()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::history::Offset;
    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;
    use std::io::Write as _;

    pub const RUN: u32 = 0x6980_1480;

    pub fn line(run: u32, session: u64, target: &str, statuses: &str, reason: &str) -> String {
        let root = TraceRoot { run, request: RequestKey::new(session, Offset(1000)) };
        format!(
            "https 2025-11-02T22:23:00.186641Z app/b/50dc6c495c0c9188 192.168.131.39:2817 {target} 0.0 0.0 0.0 {statuses} 0 \
             57 \"GET https://x:443/ HTTP/1.1\" \"rushhour\" - TLSv1.3 arn:aws:x \"{root}\" \"x\" \"-\" 0 \
             2025-11-02T22:22:48.364000Z \"forward\" \"-\" \"{reason}\" \"-\" \"-\" \"-\" \"-\" TID_1\n"
        )
    }

    pub fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn found(logs: &AccessLogs, session: u64) -> Option<Served<'_>> {
        logs.find(RequestKey::new(session, Offset(1000)))
    }

    #[test]
    fn requests_of_the_run_are_found_and_others_left() {
        let mut logs = AccessLogs::new(RUN);
        let lines = [
            line(RUN, 1, "10.0.0.1:80", "200 200", "-"),
            line(RUN, 2, "-", "503 -", "-"),
            line(RUN + 1, 3, "10.0.0.2:80", "200 200", "-"),
            "torn".to_owned(),
        ];
        logs.read(&gzip(&lines.concat()));
        assert_eq!(found(&logs, 1).and_then(|served| served.instance()), Some("10.0.0.1:80"));
        let unserved = found(&logs, 2).unwrap();
        assert_eq!((unserved.instance(), unserved.balancer_status), (None, 503));
        assert_eq!((found(&logs, 3), logs.len()), (None, 2));
        let tally = logs.tally();
        assert_eq!((tally.log_files, tally.log_lines, tally.damaged_lines, tally.damaged_files), (1, 4, 1, 0));
    }

    #[test]
    fn of_a_request_sent_twice_the_served_one_counts() {
        for served_first in [true, false] {
            let mut lines = [line(RUN, 1, "10.0.0.1:80", "502 -", "-"), line(RUN, 1, "10.0.0.2:80", "200 200", "-")];
            if served_first {
                lines.reverse();
            }
            let mut logs = AccessLogs::new(RUN);
            logs.read(&gzip(&lines.concat()));
            assert_eq!(found(&logs, 1).unwrap().instance(), Some("10.0.0.2:80"));
        }
    }

    #[test]
    fn a_file_that_breaks_off_is_counted_and_read_to_there() {
        let lines: String = (0..2000).map(|n| line(RUN, n, "10.0.0.1:80", "200 200", "-")).collect();
        let whole = gzip(&lines);
        let mut logs = AccessLogs::new(RUN);
        logs.read(&whole[..whole.len() / 2]);
        logs.read(b"not compressed at all");
        assert_eq!((logs.tally().log_files, logs.tally().damaged_files), (2, 2));
        assert!(logs.len() > 100 && logs.len() < 2000, "{}", logs.len());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>, text in ".*") {
            let mut logs = AccessLogs::new(RUN);
            logs.read(&bytes);
            logs.read(&gzip(&text));
        }
    }
}
