use super::{Difference, Finding, Kind, Unit};
use crate::analysis::{InstanceStages, Stamp};
use crate::plan::CompareRules;

type Pick = fn(&InstanceStages) -> &Stamp;

const STAGES: [(&str, Pick, Pick); 8] = [
    ("load exceeds capacity → alarm", |s| &s.t0_load_exceeds_capacity, |s| &s.t2_alarm),
    ("alarm → activity", |s| &s.t2_alarm, |s| &s.t3_activity),
    ("activity → launched", |s| &s.t3_activity, |s| &s.t4_launched),
    ("launched → in service", |s| &s.t4_launched, |s| &s.t5_in_service),
    ("in service → healthy", |s| &s.t5_in_service, |s| &s.t6_healthy),
    ("healthy → first response", |s| &s.t6_healthy, |s| &s.t7_first_response),
    ("first response → first adoption", |s| &s.t7_first_response, |s| &s.t8_first_adoption),
    ("first response → fair share", |s| &s.t7_first_response, |s| &s.t9_fair_share),
];

/// A stage as each new instance of a run went through it.
struct Took {
    /// In order.
    seconds: Vec<f64>,
    /// How far a figure may be off by how its stamps were taken.
    slack: f64,
}

/// Each stage of a scale-out. A run has a figure for each new instance and no more, so there is no test of chance: a stage
/// takes longer when its *fastest* instance is slower than the *slowest* before, by more than the profile's effect size and
/// than what the stamps leave open.
pub(super) fn stages(base: &[InstanceStages], new: &[InstanceStages], rules: &CompareRules) -> Vec<Difference> {
    let compared = STAGES.iter().filter_map(|(name, from, to)| {
        let (before, now) = (took(base, *from, *to, rules), took(new, *from, *to, rules));
        (!before.seconds.is_empty() || !now.seconds.is_empty()).then(|| difference(name, &before, &now, rules))
    });
    compared.collect()
}

fn took(stages: &[InstanceStages], from: Pick, to: Pick, rules: &CompareRules) -> Took {
    let pairs = stages.iter().filter_map(|s| Some((known(from(s), rules)?, known(to(s), rules)?)));
    let (mut seconds, slacks): (Vec<f64>, Vec<f64>) =
        pairs.map(|((from, slack), (to, more))| (to - from, slack + more)).unzip();
    seconds.sort_by(f64::total_cmp);
    Took { seconds, slack: slacks.into_iter().fold(0.0, f64::max) }
}

/// A stamp and how far it may be off, in seconds. What is read from the rate of requests is a matter of chance, of which the
/// unit is a block.
fn known(stamp: &Stamp, rules: &CompareRules) -> Option<(f64, f64)> {
    let Stamp::At { at_us, source, resolution_us } = stamp else { return None };
    let resolution = *resolution_us as f64 / 1e6;
    Some((at_us.as_secs_f64(), if source == "rows" { resolution.max(rules.block_seconds) } else { resolution }))
}

fn difference(name: &str, before: &Took, now: &Took, rules: &CompareRules) -> Difference {
    let row = Difference {
        base: median(&before.seconds),
        new: median(&now.seconds),
        ..Difference::new(Kind::Stage, name, Unit::Seconds)
    };
    let (Some(base), Some(new)) = (row.base, row.new) else {
        let where_known = if row.base.is_some() { "only in the base run" } else { "only in the new run" };
        return Difference { remark: Some(format!("known {where_known}")), ..row };
    };
    let least = |than: f64| rules.stage_floor_seconds.max(rules.stage * than.abs()) + before.slack + now.slack;
    let apart = |faster: &Took, slower: &Took| slower.seconds[0] - faster.seconds[faster.seconds.len() - 1];
    let slower = apart(before, now) > least(base);
    let faster = apart(now, before) > least(base);
    Difference {
        // What takes no time to speak of has no percentage to speak of.
        change: (base >= rules.stage_floor_seconds).then(|| new / base - 1.0),
        large: slower || faster,
        finding: match (slower, faster) {
            (true, _) => Finding::Regression,
            (_, true) => Finding::Improvement,
            _ => Finding::Unchanged,
        },
        remark: Some(format!("of {} and {} instances, each at its own", before.seconds.len(), now.seconds.len())),
        ..row
    }
}

/// The middle of sorted figures; of an even number the lower of the two.
fn median(sorted: &[f64]) -> Option<f64> {
    sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}
