use super::context::Context;
use super::window;
use crate::plan::{Action, FleetPlan, Limit, Metric, Objective, Plan, Scope, Window, WindowAnchor};
use crate::profile::{At, LimitFile, ObjectiveFile, Rate, Span, plain_number, suggestion};

const NAMES: [&str; 11] = [
    "response-time p99",
    "service-time p99",
    "error-rate",
    "throughput",
    "re-logins",
    "survival",
    "adoption-time p50",
    "recovery",
    "owed-share",
    "balance",
    "warm-up-penalty",
];

/// What an objective's limit is measured in.
#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Time,
    Share,
    Rate,
    Count,
    Ratio,
}

impl Context<'_> {
    /// `plan` is whole but for its objectives.
    pub fn objectives(&mut self, files: &[At<ObjectiveFile>], plan: &Plan) -> Vec<Objective> {
        let objectives: Vec<(Objective, &At<ObjectiveFile>)> =
            files.iter().filter_map(|file| Some((self.objective(file, plan)?, file))).collect();
        let timed = |(o, _): &(Objective, _)| matches!(o.metric, Metric::ResponseTime { .. });
        if let (Some((_, file)), false) =
            (objectives.iter().find(|(o, _)| o.metric == Metric::Recovery), objectives.iter().any(timed))
        {
            let help = "add an objective on `response-time p99`: recovery is the time until it holds again";
            self.error(&file.metric.span, "there is no response time to recover", help);
        }
        objectives.into_iter().map(|(objective, _)| objective).collect()
    }

    fn objective(&mut self, file: &At<ObjectiveFile>, plan: &Plan) -> Option<Objective> {
        let metric = metric(&file.metric).map_err(|message| {
            let written = file.metric.split_whitespace().next().unwrap_or_default();
            let near = crate::profile::nearest(written, NAMES.map(first_word));
            let meant = near.and_then(|near| NAMES.into_iter().find(|name| first_word(name) == near));
            self.error(&file.metric.span, message, suggestion(meant.unwrap_or(&file.metric), NAMES));
        });
        let window = self.window(file, plan);
        self.scope_exists(file, plan);
        let metric = metric.ok()?;
        let limit = self.limit(file, metric)?;
        let window = window?;
        self.event_needed(file, metric, &window);
        let scope = Scope {
            step: file.step.as_ref().map(|s| s.value.clone()),
            scenario: file.scenario.as_ref().map(|s| s.value.clone()),
            instance: file.instance.as_ref().map(|s| s.value.clone()),
        };
        Some(Objective { text: text(file), metric, scope, window, limit })
    }

    fn window(&mut self, file: &ObjectiveFile, plan: &Plan) -> Option<Window> {
        let Some(during) = &file.during else { return Some(Window::WHOLE_RUN) };
        let window = match window::parse(during) {
            Ok(window) => window,
            Err(message) => {
                self.error(&during.span, message, window::HELP);
                return None;
            }
        };
        let length = plan.workload.curve.duration().as_secs_f64();
        match &window.anchor {
            WindowAnchor::Start if length > 0.0 && window.from_seconds >= length => {
                let message = format!("the load is over by then: it lasts {}", Span(plan.workload.curve.duration()));
                self.error(
                    &during.span,
                    message,
                    "begin the window earlier (`workload.compress` does not move windows)",
                );
            }
            WindowAnchor::Event(event) => {
                let events = events(plan);
                if !events.contains(&event.as_str()) {
                    let span = self.within(&during.span, event);
                    let known = suggestion(event, events);
                    let help = format!("events come from `[[timeline]]` and `[fleet.autoscaler]`; {known}");
                    self.error(&span, format!("nothing in this run is named `{event}`"), help);
                }
            }
            WindowAnchor::Start => {}
        }
        Some(window)
    }

    fn scope_exists(&mut self, file: &ObjectiveFile, plan: &Plan) {
        if let Some(name) = &file.scenario {
            let known: Vec<&str> = plan.scenarios.iter().map(|s| s.name.as_str()).collect();
            if !known.contains(&name.as_str()) {
                return self.unknown(name, "scenario", known);
            }
        }
        let Some(name) = &file.step else { return };
        let within = |step: &crate::plan::Step| {
            let scenario = &plan.scenarios[usize::from(step.scenario)].name;
            file.scenario.as_ref().is_none_or(|wanted| wanted.value == *scenario)
        };
        let mut known: Vec<&str> = plan.steps.iter().filter(|s| within(s)).map(|s| s.name.as_str()).collect();
        known.sort_unstable();
        known.dedup();
        if !known.contains(&name.as_str()) {
            self.unknown(name, "step", known);
        }
    }

    fn event_needed(&mut self, file: &ObjectiveFile, metric: Metric, window: &Window) {
        let needs = matches!(metric, Metric::Survival | Metric::Recovery);
        if needs && window.anchor == WindowAnchor::Start {
            let span = file.during.as_ref().map_or(&file.metric.span, |during| &during.span);
            let help = "add `during = \"scale-out +0s..60s\"`";
            self.error(span, format!("`{}` is measured around an event", file.metric.value), help);
        }
    }

    fn limit(&mut self, file: &At<ObjectiveFile>, metric: Metric) -> Option<Limit> {
        let (written, limit): (&At<LimitFile>, fn(f64) -> Limit) = match (&file.at_most, &file.at_least) {
            (Some(most), None) => (most, Limit::AtMost),
            (None, Some(least)) => (least, Limit::AtLeast),
            _ => {
                self.error(&file.metric.span, "an objective has one limit", "give `at_most` or `at_least`");
                return None;
            }
        };
        let unit = unit(metric);
        match value(&written.value, unit) {
            Some(value) => Some(limit(value)),
            None => {
                let (message, help) = match unit {
                    Unit::Time => ("the limit is a time", "such as `\"500ms\"`"),
                    Unit::Share => ("the limit is a share from 0 to 1", "such as `0.01` or `\"1%\"`"),
                    Unit::Rate => ("the limit is a rate", "such as `\"100/s\"`"),
                    Unit::Count => ("the limit is a whole number", "such as `0`"),
                    Unit::Ratio => ("the limit is a ratio above 0", "such as `2.0`"),
                };
                self.error(&written.span, message, help);
                None
            }
        }
    }
}

/// Names that a window can be anchored at.
fn events(plan: &Plan) -> Vec<&str> {
    let mut events: Vec<&str> =
        plan.timeline.iter().map(|entry| &entry.action).filter(|action| action.is_change()).map(Action::name).collect();
    let changes = |action: &Action| matches!(action, Action::SetCapacity { .. });
    if plan.timeline.iter().any(|entry| changes(&entry.action)) {
        // Which of the two it is depends on the capacity at that time.
        events.extend(["scale-out", "scale-in"]);
    }
    match &plan.fleet {
        FleetPlan::Lab(lab) => {
            if let Some(scaler) = &lab.autoscaler {
                events.push("scale-out");
                events.extend(scaler.scale_in_datapoints.map(|_| "scale-in"));
            }
        }
        // Its scaling policies are not in the profile.
        FleetPlan::Aws(_) => events.extend(["scale-out", "scale-in"]),
        FleetPlan::Observe { .. } => {}
    }
    events.sort_unstable();
    events.dedup();
    events
}

fn first_word(name: &'static str) -> &'static str {
    name.split_once(' ').map_or(name, |(word, _)| word)
}

fn metric(text: &str) -> Result<Metric, String> {
    let mut words = text.split_whitespace();
    let (name, percentile, rest) = (words.next().unwrap_or_default(), words.next(), words.next());
    let quantile = || {
        let number = percentile.and_then(|p| plain_number(p.strip_prefix('p')?)).filter(|p| *p > 0.0 && *p < 100.0);
        number.map(|p| p / 100.0).ok_or_else(|| format!("`{text}` needs a percentile, such as `{name} p99`"))
    };
    let metric = match name {
        "response-time" => Metric::ResponseTime { quantile: quantile()? },
        "service-time" => Metric::ServiceTime { quantile: quantile()? },
        "adoption-time" => Metric::AdoptionTime { quantile: quantile()? },
        "error-rate" => Metric::ErrorRate,
        "throughput" => Metric::Throughput,
        "re-logins" => Metric::Relogins,
        "survival" => Metric::Survival,
        "recovery" => Metric::Recovery,
        "owed-share" => Metric::OwedShare,
        "balance" => Metric::Balance,
        "warm-up-penalty" => Metric::WarmUpPenalty,
        _ => return Err(format!("there is no metric `{text}`")),
    };
    let takes_percentile =
        matches!(metric, Metric::ResponseTime { .. } | Metric::ServiceTime { .. } | Metric::AdoptionTime { .. });
    if rest.is_some() || (percentile.is_some() && !takes_percentile) {
        return Err(format!("`{text}` has a word too many"));
    }
    Ok(metric)
}

fn unit(metric: Metric) -> Unit {
    match metric {
        Metric::ResponseTime { .. } | Metric::ServiceTime { .. } | Metric::AdoptionTime { .. } | Metric::Recovery => {
            Unit::Time
        }
        Metric::ErrorRate | Metric::Survival | Metric::OwedShare | Metric::Balance => Unit::Share,
        Metric::Throughput => Unit::Rate,
        Metric::Relogins => Unit::Count,
        Metric::WarmUpPenalty => Unit::Ratio,
    }
}

/// A share of 0 to 1, written as a number or in per cent.
pub(super) fn share(written: &LimitFile) -> Option<f64> {
    value(written, Unit::Share)
}

fn value(written: &LimitFile, unit: Unit) -> Option<f64> {
    match (written, unit) {
        (LimitFile::Text(text), Unit::Time) => text.parse::<Span>().ok().map(|span| span.0.as_secs_f64()),
        (LimitFile::Text(text), Unit::Share) => {
            let percent = plain_number(text.trim().strip_suffix('%')?)?;
            Some(percent / 100.0).filter(|share| (0.0..=1.0).contains(share))
        }
        (LimitFile::Text(text), Unit::Rate) => text.parse::<Rate>().ok().map(|rate| rate.0),
        (LimitFile::Number(share), Unit::Share) => Some(*share).filter(|share| (0.0..=1.0).contains(share)),
        (LimitFile::Number(count), Unit::Count) => Some(*count).filter(|n| *n >= 0.0 && n.fract() == 0.0),
        (LimitFile::Number(ratio), Unit::Ratio) => Some(*ratio).filter(|ratio| *ratio > 0.0),
        _ => None,
    }
}

/// The objective in one line, as the profile has it.
fn text(file: &ObjectiveFile) -> String {
    let mut text = file.metric.value.clone();
    let scopes = [("of step", &file.step), ("of scenario", &file.scenario), ("on instance", &file.instance)];
    for (word, name) in scopes {
        if let Some(name) = name {
            text.push_str(&format!(" {word} {}", name.value));
        }
    }
    if let Some(during) = &file.during {
        text.push_str(&format!(" during {}", during.value));
    }
    for (sign, limit) in [("≤", &file.at_most), ("≥", &file.at_least)] {
        match limit.as_ref().map(|limit| &limit.value) {
            Some(LimitFile::Text(limit)) => text.push_str(&format!(" {sign} {limit}")),
            Some(LimitFile::Number(limit)) => text.push_str(&format!(" {sign} {limit}")),
            None => {}
        }
    }
    text
}
