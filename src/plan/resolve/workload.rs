use super::context::Context;
use super::stages;
use crate::plan::estimate::{Journey, in_flight};
use crate::plan::{ArrivalPattern, Curve, Model, Workload};
use crate::profile::{ArrivalsFile, At, CurveFile, ModelFile, WorkloadFile};
use std::time::Duration;

/// Slots per session expected: a system under pressure keeps sessions longer than an idle one.
const HEADROOM: f64 = 4.0;
const FEWEST_SLOTS: u32 = 50;
/// Far beyond any use, and near enough for times and counts to stay within their types.
const FACTORS: std::ops::RangeInclusive<f64> = 0.0001..=100_000.0;

/// What the number of slots follows from.
pub(super) struct Demand {
    pub journey: Journey,
    pub service_seconds: f64,
    /// Users there are; None: as many as it takes.
    pub users: Option<(u32, std::ops::Range<usize>)>,
}

impl Context<'_> {
    /// How many times as fast the curve and the timeline run.
    pub fn compress(&mut self, file: &At<WorkloadFile>) -> f64 {
        self.factor(file.compress.as_ref(), "compress")
    }

    fn factor(&mut self, factor: Option<&At<f64>>, key: &str) -> f64 {
        match factor {
            None => 1.0,
            Some(factor) if FACTORS.contains(&factor.value) => factor.value,
            Some(factor) => {
                let message = format!("`{key}` must be above 0, from {} to {}", FACTORS.start(), FACTORS.end());
                self.error(&factor.span, message, "1 leaves the curve as it is");
                1.0
            }
        }
    }

    pub fn model(&self, file: &WorkloadFile) -> Model {
        match file.model.unwrap_or_default() {
            ModelFile::Sessions => Model::Sessions,
            ModelFile::Arrivals => Model::Arrivals,
            ModelFile::Users => Model::Users,
        }
    }

    /// The curve as written, before `workload.compress`.
    pub fn curve(&mut self, file: &At<WorkloadFile>, model: Model) -> Curve {
        let curve = match (&file.stages, &file.curve) {
            (Some(stages), None) => self.stages(stages, model),
            (None, Some(curve)) => self.csv_curve(curve),
            _ => {
                let help =
                    format!("give either `stages` ({}) or `curve = {{ csv = \"day.csv\" }}`", stages::help(model));
                self.error(&file.span, "how much load there is must be said in one way", help);
                None
            }
        };
        let span = file.stages.as_ref().map(|s| &s.span).or(file.curve.as_ref().map(|c| &c.span)).unwrap_or(&file.span);
        if let Some(curve) = &curve {
            if curve.duration().is_zero() {
                self.error(span, "the curve lasts no time", stages::help(model));
            } else if curve.total() < 1.0 {
                self.error(span, "the curve is so low that nothing arrives", "raise a rate or lengthen a stage");
            }
        }
        curve.unwrap_or(Curve { points: Vec::new() })
    }

    fn stages(&mut self, written: &At<Vec<At<String>>>, model: Model) -> Option<Curve> {
        let mut parsed = Vec::new();
        for stage in &written.value {
            match stages::parse(stage, model) {
                Ok(stage) => parsed.push(stage),
                Err(message) => self.error(&stage.span, message, stages::help(model)),
            }
        }
        if written.is_empty() {
            self.error(&written.span, "there are no stages", stages::help(model));
        }
        (!parsed.is_empty() && parsed.len() == written.len()).then(|| stages::curve(&parsed))
    }

    fn csv_curve(&mut self, file: &CurveFile) -> Option<Curve> {
        let scale = self.factor(file.scale.as_ref(), "scale");
        let compress = self.factor(file.compress.as_ref(), "compress");
        let text = self.read(&file.csv, &file.csv.span)?;
        match stages::from_csv(&text) {
            Ok(curve) => Some(curve.scaled(scale).compressed(compress)),
            Err(reason) => {
                let message = format!("`{}`: {reason}", file.csv.display());
                self.error(
                    &file.csv.span,
                    message,
                    "columns `seconds` (or `time`, as `18:30`) and `rate` (per second)",
                );
                None
            }
        }
    }

    pub fn workload(&mut self, file: &At<WorkloadFile>, curve: Curve, model: Model, demand: &Demand) -> Workload {
        let expected = in_flight(&curve, model, demand.journey, demand.service_seconds);
        let expected_slots = expected.ceil().min(f64::from(u32::MAX / 8)) as u32;
        let max_sessions = match (&file.max_sessions, model) {
            (Some(most), _) => {
                if most.value == 0 {
                    self.error(
                        &most.span,
                        "no session could ever begin",
                        "write `max_sessions = 100`, or leave it out",
                    );
                } else if model == Model::Users && most.value < expected_slots {
                    let message = format!("{} slots for the {expected_slots} users of the curve's peak", most.value);
                    self.error(&most.span, message, "raise it, or leave it out");
                }
                most.value
            }
            (None, Model::Users) => expected_slots,
            (None, _) => {
                let wanted = ((expected * HEADROOM).ceil() as u32).max(FEWEST_SLOTS);
                match demand.users {
                    // Fewer users than the headroom asks for will do, as long as they suffice for what is expected.
                    Some((users, _)) if users >= expected_slots => wanted.min(users),
                    Some(_) => expected_slots,
                    None => wanted,
                }
            }
        };
        if let Some((users, span)) = &demand.users {
            let why = match (&file.max_sessions, model) {
                (Some(_), _) => "as many as `workload.max_sessions`".to_owned(),
                (None, Model::Users) => "as many as the curve's peak".to_owned(),
                (None, _) => "as many as sessions are expected in flight at the peak".to_owned(),
            };
            self.enough_users(*users, max_sessions, span, &why);
        }
        Workload {
            model,
            curve,
            arrivals: match file.arrivals.unwrap_or_default() {
                ArrivalsFile::Poisson => ArrivalPattern::Poisson,
                ArrivalsFile::Even => ArrivalPattern::Even,
            },
            seed: file.seed.unwrap_or(1),
            max_sessions,
            grace: file.grace.as_ref().map_or(Duration::from_secs(30), |grace| grace.0),
        }
    }
}
