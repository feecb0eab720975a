use super::Subject;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::IntervalLogWriterBuilder;
use std::time::{Duration, SystemTime};

/// `response-time.hlog`: an HdrHistogram interval log, version 1.3, of histograms in V2 encoding.
pub(super) fn histogram_log(subject: &Subject) -> Vec<u8> {
    let start_us = subject.origin.zero_unix_us + subject.analysis.load_start_us.0;
    let start = SystemTime::UNIX_EPOCH + Duration::from_micros(start_us.max(0) as u64);
    let mut log = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let mut head = IntervalLogWriterBuilder::new();
    head.add_comment("[Histogram log format version 1.3]")
        .add_comment(
            "Response time in microseconds, from when a request was due to its last byte; the maximum is in ms.",
        )
        .add_comment("Tags: phase=..., step=..., instance=... Each request is in one line of each of these families.")
        .with_start_time(start)
        .with_base_time(start)
        .with_max_value_divisor(1e3);
    drop(head.begin_log_with(&mut log, &mut serializer).expect("a Vec takes all bytes"));
    log.extend_from_slice(&subject.analysis.interval_log);
    log
}
