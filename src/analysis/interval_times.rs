use super::Phases;
use super::seconds::Seconds;
use super::times::Times;
use crate::history::{NameId, Names, Observation, Offset};
use crate::plan::Plan;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use std::collections::BTreeSet;
use std::time::Duration;

/// Response times in intervals of some seconds, by step, by instance and by phase, as lines of an HdrHistogram interval
/// log. Each row is in one line of each of the three families, so that the lines of one family sum up to the run.
///
/// Rows come nearly in order of time: a few intervals are open, the others are lines already. A row that comes after its
/// interval was closed opens it again, and adds a line to it.
pub(super) struct IntervalTimes {
    start: Offset,
    seconds_each: u64,
    steps: Vec<String>,
    instances: BTreeSet<NameId>,
    open: Vec<Interval>,
    lines: Vec<(u64, Vec<u8>)>,
    /// Due before the load's start, or too late to be believed: in no second, so in no phase.
    outside: Times,
}

struct Interval {
    index: u64,
    /// By step; the first is for those that are not in the plan.
    steps: Vec<Option<Times>>,
    /// By instance; the first is for requests whose instance is not known.
    instances: Vec<Option<Times>>,
}

impl IntervalTimes {
    const LEAST_SECONDS: u64 = 10;
    /// A longer run has longer intervals.
    const MOST_INTERVALS: u64 = 360;
    const MOST_OPEN: usize = 3;
    const MOST_INSTANCES: usize = 512;

    pub(super) fn new(plan: &Plan, start: Offset) -> IntervalTimes {
        let planned = (plan.workload.curve.duration() + plan.workload.grace).as_secs();
        let fits = planned.div_ceil(Self::MOST_INTERVALS).next_multiple_of(Self::LEAST_SECONDS);
        IntervalTimes {
            start,
            seconds_each: fits.max(Self::LEAST_SECONDS),
            steps: plan.steps.iter().map(|s| s.name.clone()).collect(),
            instances: BTreeSet::new(),
            open: Vec::new(),
            lines: Vec::new(),
            outside: Times::new(),
        }
    }

    pub(super) fn take(&mut self, row: &Observation, names: &Names) {
        let second = row.intended.since(self.start).as_secs();
        let us = row.response_time().as_micros() as u64;
        if row.intended < self.start || second >= Seconds::MOST {
            self.outside.record(us);
        }
        let instance = row.instance.filter(|id| self.is_told_apart(*id)).map_or(0, |id| usize::from(id.0) + 1);
        let step = usize::from(row.step.0) + 1;
        let step = if step <= self.steps.len() { step } else { 0 };
        let interval = self.interval(second.min(Seconds::MOST) / self.seconds_each, names);
        slot(&mut interval.steps, step).record(us);
        slot(&mut interval.instances, instance).record(us);
    }

    fn is_told_apart(&mut self, instance: NameId) -> bool {
        self.instances.contains(&instance)
            || (self.instances.len() < Self::MOST_INSTANCES && self.instances.insert(instance))
    }

    fn interval(&mut self, index: u64, names: &Names) -> &mut Interval {
        if let Some(at) = self.open.iter().rposition(|i| i.index == index) {
            return &mut self.open[at];
        }
        if self.open.len() >= Self::MOST_OPEN {
            let oldest = (0..self.open.len()).min_by_key(|at| self.open[*at].index).expect("some are open");
            let oldest = self.open.swap_remove(oldest);
            self.close(oldest, names);
        }
        self.open.push(Interval { index, steps: Vec::new(), instances: Vec::new() });
        self.open.last_mut().expect("just pushed")
    }

    fn close(&mut self, interval: Interval, names: &Names) {
        let step = |index: usize| match index {
            0 => "(unknown)".to_owned(),
            index => self.steps[index - 1].clone(),
        };
        let instance = |index: usize| match index {
            0 => "(unknown)".to_owned(),
            index => names.name(NameId(index as u16 - 1)).to_string(),
        };
        let mut tagged = Vec::new();
        for (index, times) in interval.steps.iter().enumerate() {
            tagged.extend(times.as_ref().map(|times| (tag("step", &step(index)), times)));
        }
        for (index, times) in interval.instances.iter().enumerate() {
            tagged.extend(times.as_ref().map(|times| (tag("instance", &instance(index)), times)));
        }
        let lines = self.lines(interval.index, &tagged);
        self.lines.push((interval.index, lines));
    }

    fn lines(&self, index: u64, tagged: &[(String, &Times)]) -> Vec<u8> {
        let from = Duration::from_secs(index * self.seconds_each);
        let mut log = Vec::new();
        let mut serializer = V2DeflateSerializer::new();
        let mut writer = (IntervalLogWriterBuilder::new().with_max_value_divisor(1e3))
            .begin_log_with(&mut log, &mut serializer)
            .expect("a Vec takes all bytes");
        for (tag, times) in tagged {
            let each = Duration::from_secs(self.seconds_each);
            let tag = Tag::new(tag).expect("what a tag may not hold was replaced");
            times.write(&mut writer, from, each, tag);
        }
        drop(writer);
        // What the writer puts before the first line is written once, by whoever makes the file.
        let lines = log.split_inclusive(|byte| *byte == b'\n').filter(|line| line.starts_with(b"Tag="));
        lines.flatten().copied().collect()
    }

    /// All lines, in order of time. `seconds`: the same rows.
    pub(super) fn finish(mut self, names: &Names, seconds: &Seconds, phases: Option<&Phases>) -> Vec<u8> {
        for interval in std::mem::take(&mut self.open) {
            self.close(interval, names);
        }
        let each = self.seconds_each as usize;
        for index in 0..seconds.len().div_ceil(each) {
            let span = index * each..(index + 1) * each;
            let parts: Vec<(String, Times)> = phase_spans(phases)
                .into_iter()
                .map(|(name, from, to)| (tag("phase", name), seconds.times(span.start.max(from)..span.end.min(to))))
                .filter(|(_, times)| times.count() > 0)
                .collect();
            let tagged: Vec<(String, &Times)> = parts.iter().map(|(tag, times)| (tag.clone(), times)).collect();
            let lines = self.lines(index as u64, &tagged);
            self.lines.push((index as u64, lines));
        }
        if self.outside.count() > 0 {
            let lines = self.lines(0, &[(tag("phase", "outside"), &self.outside)]);
            self.lines.push((0, lines));
        }
        self.lines.sort_by_key(|(index, _)| *index);
        self.lines.into_iter().flat_map(|(_, lines)| lines).collect()
    }
}

fn phase_spans(phases: Option<&Phases>) -> Vec<(&'static str, usize, usize)> {
    match phases {
        None => vec![("whole", 0, usize::MAX)],
        Some(p) => {
            let (from, to) = (p.during_from_second as usize, p.during_to_second as usize);
            vec![("before", 0, from), ("during", from, to), ("after", to, usize::MAX)]
        }
    }
}

fn slot(list: &mut Vec<Option<Times>>, index: usize) -> &mut Times {
    if list.len() <= index {
        list.resize_with(index + 1, || None);
    }
    list[index].get_or_insert_with(Times::new)
}

/// `family=name`, without what would end a tag or a line.
fn tag(family: &str, name: &str) -> String {
    let harmless = |c: char| if c.is_whitespace() || c.is_control() || c == ',' { '_' } else { c };
    format!("{family}={}", name.chars().map(harmless).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::fixture::{at, row};
    use crate::plan::Point;
    use crate::plan::fixture::{LOGIN, PAGE, plan};
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
    use std::collections::BTreeMap;

    /// Tag, start, number of requests of each line.
    fn read(log: &[u8]) -> Vec<(String, u64, u64)> {
        let line = |entry| match entry {
            LogEntry::Interval(line) => {
                let bytes = BASE64_STANDARD.decode(line.encoded_histogram()).unwrap();
                let histogram: Histogram<u64> = Deserializer::new().deserialize(&mut &bytes[..]).unwrap();
                (line.tag().unwrap().as_str().to_owned(), line.start_timestamp().as_secs(), histogram.len())
            }
            other => panic!("no line: {other:?}"),
        };
        IntervalLogIterator::new(log).map(|entry| line(entry.unwrap())).collect()
    }

    /// As two workers would record them: all of the one, then all of the other.
    #[test]
    fn each_family_sums_up_to_the_run_however_late_rows_come() {
        let names = Names::default();
        let (mut intervals, mut seconds) = (IntervalTimes::new(&plan(), at(0.0)), Seconds::default());
        let mut count = 0;
        for worker in 0..2 {
            for n in 0..900u32 {
                let due = f64::from(n) * 0.1 - 1.0;
                let row = row(u64::from(n), if n % 3 == 0 { LOGIN } else { PAGE }, due);
                let row = if n % 7 == 0 { row } else { row.on(["a,1", "b"][worker], &names) };
                intervals.take(&row, &names);
                if due >= 0.0 {
                    seconds.take(due as u64, row.response_time().as_micros() as u64, false);
                }
                count += 1;
            }
        }
        let lines = read(&intervals.finish(&names, &seconds, None));
        let mut families: BTreeMap<&str, u64> = BTreeMap::new();
        for (tag, _, requests) in &lines {
            *families.entry(tag.split_once('=').unwrap().0).or_default() += requests;
        }
        assert_eq!(families, BTreeMap::from([("instance", count), ("phase", count), ("step", count)]));
        assert!(lines.windows(2).all(|pair| pair[0].1 <= pair[1].1), "in order of time");
        assert!(
            lines.iter().any(|(tag, ..)| tag == "instance=a_1") && lines.iter().all(|(_, start, _)| start % 10 == 0)
        );
    }

    #[test]
    fn a_longer_run_has_longer_intervals() {
        for (hours, seconds_each) in [(0.0, 10), (1.0, 20), (24.0, 250)] {
            let mut plan = plan();
            plan.workload.curve.points = vec![Point { at_seconds: hours * 3600.0, value: 1.0 }];
            assert_eq!(IntervalTimes::new(&plan, at(0.0)).seconds_each, seconds_each, "{hours} h");
        }
    }
}
