use super::seconds::Seconds;
use super::{InstanceStages, WarmUpCourse, WarmUpSecond};
use crate::history::{Appearance, NameId, Names, Observation, Offset};
use std::collections::BTreeMap;

/// The first minute of each new instance, second by second, and that of its peers. Peers in a second are the same for
/// all that are fresh in it, so they are kept once.
#[derive(Debug)]
pub(super) struct WarmUpCourses {
    start: Offset,
    /// By instance.
    fresh: BTreeMap<NameId, Course>,
    /// Service times of instances that are not fresh, in seconds in which some other is.
    peers: Seconds,
    /// No instance met so far is fresh from this second on.
    over_at: u64,
}

#[derive(Debug)]
struct Course {
    from: u64,
    own: Seconds,
}

impl WarmUpCourses {
    const SECONDS: u64 = 60;

    pub(super) fn new(start: Offset) -> WarmUpCourses {
        WarmUpCourses { start, fresh: BTreeMap::new(), peers: Seconds::default(), over_at: 0 }
    }

    /// An answered row of `instance`.
    pub(super) fn take(&mut self, row: &Observation, instance: NameId, appearance: Appearance) {
        if self.fresh.is_empty() && !appearance.new {
            return;
        }
        let second = row.last_byte.since(self.start).as_secs();
        if appearance.new && !self.fresh.contains_key(&instance) {
            self.fresh.insert(instance, Course { from: second, own: Seconds::default() });
            self.over_at = self.over_at.max(second + Self::SECONDS);
        }
        if second >= self.over_at {
            return;
        }
        let service_us = row.service_time().as_micros() as u64;
        match self.fresh.get_mut(&instance) {
            Some(course) if second < course.from => {}
            Some(course) if second < course.from + Self::SECONDS => {
                course.own.take(second - course.from, service_us, false);
            }
            _ => self.peers.take(second, service_us, false),
        }
    }

    /// In the order of `stages`.
    pub(super) fn finish(&self, names: &Names, stages: &[InstanceStages]) -> Vec<WarmUpCourse> {
        let by_name: BTreeMap<String, &Course> =
            self.fresh.iter().map(|(id, course)| (names.name(*id).to_string(), course)).collect();
        let course = |stages: &InstanceStages| {
            let course = by_name.get(&stages.instance)?;
            Some(WarmUpCourse {
                instance: stages.instance.clone(),
                from_second: course.from as u32,
                seconds: (0..course.own.len()).map(|second| self.second(course, second)).collect(),
            })
        };
        stages.iter().filter_map(course).collect()
    }

    fn second(&self, course: &Course, second: usize) -> WarmUpSecond {
        let own = course.own.times(second..second + 1);
        let at = course.from as usize + second;
        let peers = self.peers.times(at..at + 1);
        let quantile = |times: &super::times::Times, quantile| (times.count() > 0).then(|| times.quantile_ms(quantile));
        WarmUpSecond {
            requests: own.count(),
            p50_ms: quantile(&own, 0.5),
            p99_ms: quantile(&own, 0.99),
            peers_requests: peers.count(),
            peers_p50_ms: quantile(&peers, 0.5),
            peers_p99_ms: quantile(&peers, 0.99),
        }
    }
}
