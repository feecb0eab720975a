use super::Subject;
use super::text::printable;
use crate::history::{Offset, Sample};
use std::collections::BTreeMap;

/// `seconds.csv` (RFC 4180): a row for each second of the load. Requests count by their intended start, responses of an
/// instance by their last byte; gauges are those at the second's beginning, empty where there was none.
pub fn seconds_csv(subject: &Subject) -> Vec<u8> {
    let analysis = subject.analysis;
    let gauges = gauges(subject.samples, analysis.load_start_us);
    let mut table = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let head = HEAD.iter().map(|name| (*name).to_owned());
    // No cell begins with a name from a response, so none is taken for a formula by a spreadsheet.
    let instances = analysis.instances.iter().map(|instance| format!("responses of {}", printable(&instance.instance)));
    write(&mut table, head.chain(instances));
    for figures in &analysis.seconds {
        let sample = gauges.get(&i64::from(figures.second));
        let generator = sample.map(|sample| &sample.generator);
        let fleet = sample.and_then(|sample| sample.fleet.as_ref());
        // Of no request there is no response time.
        let time = |ms: f64| known((figures.requests > 0).then_some(ms));
        let row = [
            figures.second.to_string(),
            figures.requests.to_string(),
            figures.errors.to_string(),
            figures.completed.to_string(),
            time(figures.p50_ms),
            time(figures.p90_ms),
            time(figures.p99_ms),
            time(figures.p999_ms),
            time(figures.max_ms),
            figures.scheduling_lag_p99_ms.to_string(),
            known(generator.map(|gauges| gauges.sessions_in_flight)),
            known(generator.map(|gauges| gauges.arrivals_waiting)),
            known(generator.map(|gauges| gauges.load_thread_busy)),
            known(fleet.map(|gauges| gauges.desired)),
            known(fleet.map(|gauges| gauges.launched)),
            known(fleet.map(|gauges| gauges.healthy)),
            known(fleet.map(|gauges| gauges.balancer_queue)),
        ];
        let second = figures.second as usize;
        let served = analysis.instances.iter().map(|i| i.per_second.get(second).copied().unwrap_or(0).to_string());
        write(&mut table, row.into_iter().chain(served));
    }
    table.into_inner().expect("a Vec takes all bytes")
}

const HEAD: [&str; 17] = [
    "second",
    "requests",
    "errors",
    "completed",
    "response_time_p50_ms",
    "response_time_p90_ms",
    "response_time_p99_ms",
    "response_time_p999_ms",
    "response_time_max_ms",
    "scheduling_lag_p99_ms",
    "sessions_in_flight",
    "arrivals_waiting",
    "load_thread_busy",
    "instances_desired",
    "instances_launched",
    "instances_healthy",
    "balancer_queue",
];

fn write(table: &mut csv::Writer<Vec<u8>>, cells: impl Iterator<Item = String>) {
    table.write_record(cells).expect("a Vec takes all bytes, and all rows have as many cells");
}

fn known(gauge: Option<impl ToString>) -> String {
    gauge.map_or(String::new(), |gauge| gauge.to_string())
}

/// The first sample of each second.
fn gauges(samples: &[Sample], start: Offset) -> BTreeMap<i64, &Sample> {
    let mut gauges = BTreeMap::new();
    for sample in samples {
        gauges.entry((sample.at_us.0 - start.0).div_euclid(1_000_000)).or_insert(sample);
    }
    gauges
}
