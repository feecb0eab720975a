use super::{ConnectionMode, Curve, FleetPlan, Model, Plan, Scenario, Step};

/// Mean time an unloaded application is taken to need for a request when nothing better is known, in seconds.
const ASSUMED_SERVICE_SECONDS: f64 = 0.1;
/// Descriptors for everything but connections: runtime, record, terminal, resolver.
const OWN_DESCRIPTORS: u64 = 128;
/// Steps in which the curve is looked at for its busiest moment.
const RESOLUTION: u32 = 2000;

/// What a plan will ask for, before anything is sent. Redirects are not counted, and a job's polls count once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub load_seconds: f64,
    /// Sessions that will begin (in the model `arrivals`: none, only requests arrive).
    pub sessions: f64,
    pub requests_per_session: f64,
    /// Mean length of a session.
    pub session_seconds: f64,
    pub requests: f64,
    /// Requests/s at the busiest moment.
    pub peak_requests_per_second: f64,
    /// Sessions in flight at the busiest moment (in the model `arrivals`: requests).
    pub in_flight: f64,
    /// Connections open at a time, at most.
    pub sockets: u64,
    pub file_descriptors: u64,
    /// Connections opened per second at the busiest moment; each holds a local port for a minute after it closed.
    pub connections_per_second: f64,
}

/// A session of the average user.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Journey {
    pub requests: f64,
    pub seconds: f64,
}

impl Journey {
    /// The mean over scenarios by weight. After its last request a session does not think.
    pub fn mean(scenarios: &[Scenario], steps: &[Step], service_seconds: f64) -> Journey {
        let (mut requests, mut seconds, mut weights) = (0.0, 0.0, 0.0);
        for scenario in scenarios {
            let weight = f64::from(scenario.weight);
            let steps: Vec<&Step> = scenario.steps.iter().map(|id| &steps[usize::from(id.0)]).collect();
            let often = |step: &Step| (f64::from(step.repeat.from) + f64::from(step.repeat.to)) / 2.0;
            let count: f64 = steps.iter().map(|step| often(step)).sum();
            let thinking: f64 = steps.iter().map(|step| often(step) * think_seconds(step)).sum();
            let after_last = steps.last().map_or(0.0, |step| think_seconds(step));
            requests += weight * count;
            seconds += weight * (count * service_seconds + (thinking - after_last).max(0.0));
            weights += weight;
        }
        let weights = f64::max(weights, 1.0);
        Journey { requests: requests / weights, seconds: seconds / weights }
    }
}

fn think_seconds(step: &Step) -> f64 {
    step.think.mean_seconds().min(step.think_cap.as_secs_f64())
}

/// Mean time the fleet needs for a request while it is not overloaded, in seconds.
pub(super) fn service_seconds(fleet: &FleetPlan) -> f64 {
    match fleet {
        FleetPlan::Lab(lab) => lab.service_time.mean_seconds(),
        FleetPlan::Aws(_) | FleetPlan::Observe { .. } => ASSUMED_SERVICE_SECONDS,
    }
}

/// Sessions in flight at the busiest moment: those that began within one session's length before it. On a plateau this
/// is Little's law, L = λ·W (Little 1961).
pub(super) fn in_flight(curve: &Curve, model: Model, journey: Journey, service_seconds: f64) -> f64 {
    let length = match model {
        Model::Users => return curve.peak(),
        Model::Sessions => journey.seconds,
        Model::Arrivals => service_seconds,
    };
    let end = curve.duration().as_secs_f64();
    let moments = (0..=RESOLUTION).map(|i| end * f64::from(i) / f64::from(RESOLUTION));
    moments.map(|at| curve.area_until(at) - curve.area_until(at - length)).fold(0.0, f64::max)
}

impl Plan {
    pub fn estimate(&self) -> Estimate {
        let (curve, model) = (&self.workload.curve, self.workload.model);
        let service = service_seconds(&self.fleet);
        let journey = Journey::mean(&self.scenarios, &self.steps, service);
        let in_flight = in_flight(curve, model, journey, service);
        let per_second_in_flight = journey.requests / journey.seconds.max(f64::MIN_POSITIVE);
        let (sessions, requests, peak_requests_per_second) = match model {
            Model::Sessions => (curve.total(), curve.total() * journey.requests, in_flight * per_second_in_flight),
            Model::Users => {
                let sessions = curve.total() / journey.seconds.max(f64::MIN_POSITIVE);
                (sessions, sessions * journey.requests, in_flight * per_second_in_flight)
            }
            Model::Arrivals => (0.0, curve.total(), curve.peak()),
        };
        let sockets = u64::from(self.workload.max_sessions);
        let per_session = peak_requests_per_second / journey.requests.max(1.0);
        let connections_per_second = match self.connections.mode {
            ConnectionMode::PerRequest => peak_requests_per_second,
            ConnectionMode::Browser => per_session,
            ConnectionMode::Pinned => 0.0,
            ConnectionMode::Rotate { max_age, max_requests, .. } => {
                let by_age = in_flight / max_age.as_secs_f64().max(f64::MIN_POSITIVE);
                per_session + f64::max(by_age, peak_requests_per_second / f64::from(max_requests.max(1)))
            }
        };
        Estimate {
            load_seconds: curve.duration().as_secs_f64(),
            sessions,
            requests_per_session: journey.requests,
            session_seconds: journey.seconds,
            requests,
            peak_requests_per_second,
            in_flight,
            sockets,
            file_descriptors: sockets + OWN_DESCRIPTORS,
            connections_per_second,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Point;

    fn curve(points: &[(f64, f64)]) -> Curve {
        Curve { points: points.iter().map(|&(at_seconds, value)| Point { at_seconds, value }).collect() }
    }

    #[test]
    fn a_long_plateau_follows_littles_law() {
        let plateau = curve(&[(0.0, 4.0), (100.0, 4.0)]);
        let journey = Journey { requests: 10.0, seconds: 25.0 };
        let found = in_flight(&plateau, Model::Sessions, journey, 0.1);
        assert!((found - 100.0).abs() < 1e-6, "{found}");
    }

    #[test]
    fn a_peak_shorter_than_a_session_holds_no_more_than_its_arrivals() {
        let short = curve(&[(0.0, 4.0), (10.0, 4.0)]);
        let journey = Journey { requests: 10.0, seconds: 25.0 };
        assert!((in_flight(&short, Model::Sessions, journey, 0.1) - 40.0).abs() < 1e-6);
    }

    #[test]
    fn users_are_in_flight_as_the_curve_says_and_requests_for_their_service() {
        let ramp = curve(&[(0.0, 0.0), (10.0, 50.0)]);
        let journey = Journey { requests: 10.0, seconds: 25.0 };
        assert_eq!(in_flight(&ramp, Model::Users, journey, 0.1), 50.0);
        let arrivals = in_flight(&ramp, Model::Arrivals, journey, 0.1);
        assert!((arrivals - 4.975).abs() < 1e-6, "{arrivals}");
    }
}
