//! The plan in the form that requests are made from: names checked, patterns compiled, literals turned into what
//! hyper takes, once.

use super::pointer::JsonPointer;
use super::running::LoadError;
use super::tags::TagSelector;
use crate::history::{Fingerprinter, StepId};
use crate::plan::{
    Body, Check, Distribution, Extraction, Feeder, JobPoll, OnRejected, Part, Plan, Repeat, Role, Source, StateUse,
    Stickiness, Template,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use regex::bytes::Regex;
use std::sync::Arc;
use std::time::Duration;

pub struct CompiledPlan {
    pub plan: Arc<Plan>,
    pub feeder: Feeder,
    pub fingerprints: Fingerprinter,
    pub scenarios: Vec<CompiledScenario>,
    pub steps: Vec<CompiledStep>,
    pub rejected: Vec<CompiledRejection>,
    pub identity: Option<(CompiledSource, Template)>,
    pub on_rejected: OnRejected,
    pub instance: Option<CompiledSource>,
    pub zone: Option<CompiledSource>,
    /// Requests carry what the balancer's access logs tell of them by.
    pub traced: bool,
    pub affinity: AffinityNames,
    pub strip_affinity: bool,
    pub timeout: Duration,
    pub max_body: usize,
    pub seed: u64,
}

pub struct CompiledScenario {
    pub name: String,
    /// Relative to the other scenarios: the share of slots it gets.
    pub slot_weight: u32,
    pub weight: u32,
    pub steps: Vec<StepId>,
    /// Those of `steps` that log in, in order.
    pub login: Vec<StepId>,
}

pub struct CompiledStep {
    pub id: StepId,
    pub method: Method,
    pub path: Template,
    /// Every field that is the same each time.
    pub headers: HeaderMap,
    pub filled_headers: Vec<(HeaderName, Template)>,
    pub body: CompiledBody,
    pub assign: Vec<(u16, Template)>,
    pub follow_redirects: bool,
    pub role: Role,
    /// The last step of the login: answered as expected, the session is logged in.
    pub completes_login: bool,
    pub think: Distribution,
    pub think_cap: Duration,
    pub repeat: Repeat,
    pub extract: Vec<(u16, CompiledSource)>,
    pub expect: Vec<CompiledExpectation>,
    pub states: Vec<CompiledState>,
    pub poll: Option<CompiledPoll>,
    pub proves_identity: bool,
    /// Something is read from the body, so it has to be kept and, where compressed, decoded.
    pub needs_body: bool,
}

pub enum CompiledBody {
    Literal(Bytes),
    Form(Vec<(String, Template)>),
    Json(Template),
    Raw(Template),
}

pub enum CompiledSource {
    Header(HeaderName),
    Cookie(String),
    Json(JsonPointer),
    Regex(Regex),
    /// What a start tag tells by itself.
    Tag {
        selector: TagSelector,
        attribute: String,
    },
    /// What takes the whole document: an element's place in it, or its text.
    Css {
        selector: scraper::Selector,
        attribute: Option<String>,
    },
}

pub enum CompiledExpectation {
    Status(Vec<u16>),
    StatusBelow(u16),
    Header(HeaderName, CompiledCheck),
    Body(CompiledCheck),
    Json(JsonPointer, CompiledCheck),
}

pub enum CompiledCheck {
    Equals(Template),
    Contains(String),
    Matches(Regex),
    Exists,
}

pub enum CompiledState {
    Add { state: u8, amount: i64 },
    Set { state: u8, value: Template },
    ReadCounter { state: u8, source: CompiledSource },
    ReadRegister { state: u8, source: CompiledSource },
    StartJob { state: u8 },
}

pub struct CompiledPoll {
    pub source: CompiledSource,
    pub plan: JobPoll,
}

pub struct CompiledRejection {
    pub status: Vec<u16>,
    pub redirect: Option<String>,
    pub body: Option<Vec<u8>>,
}

/// Names of the balancer's affinity cookies.
pub struct AffinityNames(Vec<String>);

impl AffinityNames {
    pub fn of(names: &[impl AsRef<str>]) -> AffinityNames {
        AffinityNames(names.iter().map(|name| name.as_ref().to_owned()).collect())
    }

    pub fn has(&self, cookie: &str) -> bool {
        self.0.iter().any(|name| match name.strip_suffix('*') {
            Some(start) => cookie.starts_with(start),
            None => cookie == name,
        })
    }
}

impl CompiledSource {
    fn new(source: &Source) -> Result<CompiledSource, LoadError> {
        Ok(match source {
            Source::Header(name) => CompiledSource::Header(header_name(name)?),
            Source::Cookie(name) => CompiledSource::Cookie(name.clone()),
            Source::Json(pointer) => CompiledSource::Json(JsonPointer::new(pointer)),
            Source::Regex(pattern) => CompiledSource::Regex(regex(pattern)?),
            Source::Css { selector, attribute } => match (TagSelector::parse(selector), attribute) {
                (Some(selector), Some(name)) => CompiledSource::Tag { selector, attribute: name.to_ascii_lowercase() },
                _ => CompiledSource::Css {
                    selector: scraper::Selector::parse(selector).map_err(|e| LoadError::plan(selector, &e))?,
                    attribute: attribute.clone(),
                },
            },
        })
    }

    fn reads_body(&self) -> bool {
        !matches!(self, CompiledSource::Header(_) | CompiledSource::Cookie(_))
    }
}

impl CompiledPlan {
    /// # Errors
    /// When a name or pattern of the plan is not one. A plan made from a profile was checked for this.
    pub fn new(plan: Arc<Plan>, feeder: Feeder, fingerprints: Fingerprinter) -> Result<CompiledPlan, LoadError> {
        let source = |source: &Option<Source>| source.as_ref().map(CompiledSource::new).transpose();
        let (instance, zone) = (source(&plan.target.instance)?, source(&plan.target.zone)?);
        let identity = match &plan.session.identity {
            Some(rule) => Some((CompiledSource::new(&rule.source)?, rule.equals.clone())),
            None => None,
        };
        let rejected: Vec<CompiledRejection> = plan
            .session
            .rejected
            .iter()
            .map(|rule| CompiledRejection {
                status: rule.status.clone(),
                redirect: rule.redirect.clone(),
                body: rule.body.as_ref().map(|text| text.as_bytes().to_vec()),
            })
            .collect();
        let always_needs_body = rejected.iter().any(|rule| rule.body.is_some())
            || [&instance, &zone].into_iter().flatten().any(CompiledSource::reads_body)
            || identity.as_ref().is_some_and(|(source, _)| source.reads_body());

        let mut steps = Vec::with_capacity(plan.steps.len());
        for (index, _) in plan.steps.iter().enumerate() {
            steps.push(CompiledStep::new(&plan, StepId(index as u16), always_needs_body)?);
        }
        // The affinity cookies of an AWS load balancer are known without being told.
        let affinity = [plan.connections.affinity_cookies.clone(), vec!["AWSALB*".to_owned()]].concat();
        Ok(CompiledPlan {
            scenarios: compile_scenarios(&plan),
            steps,
            rejected,
            identity,
            on_rejected: plan.session.on_rejected,
            instance,
            zone,
            traced: plan.target.access_log.is_some(),
            affinity: AffinityNames::of(&affinity),
            strip_affinity: plan.connections.stickiness == Stickiness::Stripped,
            timeout: plan.target.timeout,
            max_body: usize::try_from(plan.target.max_body_bytes).unwrap_or(usize::MAX),
            seed: plan.workload.seed,
            fingerprints,
            feeder,
            plan,
        })
    }

    pub fn step(&self, id: StepId) -> &CompiledStep {
        &self.steps[usize::from(id.0)]
    }

    /// The scenario that arrival `number` is, by a draw between 0 and 1.
    pub fn scenario_of(&self, draw: f64) -> usize {
        let total: u32 = self.scenarios.iter().map(|s| s.weight).sum();
        let mut left = draw * f64::from(total);
        for (index, scenario) in self.scenarios.iter().enumerate() {
            left -= f64::from(scenario.weight);
            if left < 0.0 {
                return index;
            }
        }
        self.scenarios.len() - 1
    }
}

fn compile_scenarios(plan: &Plan) -> Vec<CompiledScenario> {
    // A scenario needs slots in proportion to the sessions it has in flight: how often it comes times how long it
    // lasts (Little's law). In the users model the weight alone says how many users are of its kind.
    let lasts = |steps: &[StepId]| -> f64 {
        let step_seconds = |id: &StepId| {
            let step = &plan.steps[usize::from(id.0)];
            let times = f64::from(step.repeat.from + step.repeat.to) / 2.0;
            let waits: f64 = step
                .states
                .iter()
                .map(|s| if let StateUse::PollJob(p) = s { p.within.as_secs_f64() } else { 0.0 })
                .sum();
            times * (step.think.mean_seconds().min(step.think_cap.as_secs_f64()) + 0.05 + waits)
        };
        steps.iter().map(step_seconds).sum()
    };
    let longest = plan.scenarios.iter().map(|s| lasts(&s.steps)).fold(0.0, f64::max);
    plan.scenarios
        .iter()
        .map(|scenario| CompiledScenario {
            name: scenario.name.clone(),
            slot_weight: match plan.workload.model {
                crate::plan::Model::Users => scenario.weight,
                _ => (f64::from(scenario.weight) * 100.0 * lasts(&scenario.steps) / longest).ceil() as u32,
            },
            weight: scenario.weight,
            steps: scenario.steps.clone(),
            login: scenario
                .steps
                .iter()
                .filter(|id| plan.steps[usize::from(id.0)].role == Role::Login)
                .copied()
                .collect(),
        })
        .collect()
}

impl CompiledStep {
    fn new(plan: &Plan, id: StepId, always_needs_body: bool) -> Result<CompiledStep, LoadError> {
        let step = &plan.steps[usize::from(id.0)];
        let (body, content_type) = compile_body(&step.body)?;
        let mut headers = default_headers();
        headers.extend(content_type.map(|value| (header::CONTENT_TYPE, value)));
        for (name, value) in &plan.target.headers {
            headers.insert(header_name(name)?, header_value(name, value)?);
        }
        let mut filled_headers = Vec::new();
        for (name, template) in &step.headers {
            match template.as_literal() {
                Some(value) => drop(headers.insert(header_name(name)?, header_value(name, value)?)),
                None => filled_headers.push((header_name(name)?, template.clone())),
            }
        }
        let mut extract = Vec::new();
        for Extraction { variable, source } in &step.extract {
            extract.push((*variable, CompiledSource::new(source)?));
        }
        let mut expect = Vec::new();
        for expectation in &step.expect {
            expect.push(match (&expectation.part, &expectation.check) {
                (_, Check::StatusIn(list)) => CompiledExpectation::Status(list.clone()),
                (_, Check::StatusBelow(limit)) => CompiledExpectation::StatusBelow(*limit),
                (Part::Header(name), check) => CompiledExpectation::Header(header_name(name)?, compile_check(check)?),
                (Part::Json(pointer), check) => {
                    CompiledExpectation::Json(JsonPointer::new(pointer), compile_check(check)?)
                }
                (Part::Body | Part::Status, check) => CompiledExpectation::Body(compile_check(check)?),
            });
        }
        let (mut states, mut poll) = (Vec::new(), None);
        for state in &step.states {
            states.push(match state {
                StateUse::Add { state, amount } => CompiledState::Add { state: *state, amount: *amount },
                StateUse::Set { state, value } => CompiledState::Set { state: *state, value: value.clone() },
                StateUse::Read { state, source } => {
                    let (state, source) = (*state, CompiledSource::new(source)?);
                    match plan.states[usize::from(state)].kind {
                        crate::plan::StateKind::Counter => CompiledState::ReadCounter { state, source },
                        _ => CompiledState::ReadRegister { state, source },
                    }
                }
                StateUse::StartJob(job) => CompiledState::StartJob { state: job.state },
                StateUse::PollJob(job) => {
                    poll = Some(CompiledPoll { source: CompiledSource::new(&job.source)?, plan: job.clone() });
                    continue;
                }
            });
        }
        let needs_body = always_needs_body
            || extract.iter().any(|(_, source)| source.reads_body())
            || expect.iter().any(|e| matches!(e, CompiledExpectation::Body(_) | CompiledExpectation::Json(..)))
            || poll.as_ref().is_some_and(|poll| poll.source.reads_body())
            || states.iter().any(|state| match state {
                CompiledState::ReadCounter { source, .. } | CompiledState::ReadRegister { source, .. } => {
                    source.reads_body()
                }
                _ => false,
            });
        let scenario = &plan.scenarios[usize::from(step.scenario)];
        let last_login = scenario.steps.iter().rev().find(|s| plan.steps[usize::from(s.0)].role == Role::Login);
        Ok(CompiledStep {
            id,
            method: Method::from_bytes(step.method.as_bytes()).map_err(|e| LoadError::plan(&step.method, &e))?,
            path: step.path.clone(),
            headers,
            filled_headers,
            body,
            assign: step.assign.iter().map(|a| (a.variable, a.value.clone())).collect(),
            follow_redirects: step.follow_redirects,
            role: step.role,
            completes_login: last_login == Some(&id),
            think: step.think,
            think_cap: step.think_cap,
            repeat: step.repeat,
            extract,
            expect,
            states,
            poll,
            proves_identity: step.proves_identity,
            needs_body,
        })
    }
}

fn default_headers() -> HeaderMap {
    HeaderMap::from_iter([
        (header::USER_AGENT, HeaderValue::from_static(concat!("rushhour/", env!("CARGO_PKG_VERSION")))),
        (header::ACCEPT, HeaderValue::from_static("*/*")),
        (header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, br, deflate")),
    ])
}

/// The body, and what it is.
fn compile_body(body: &Body) -> Result<(CompiledBody, Option<HeaderValue>), LoadError> {
    let literal = |text: &str| CompiledBody::Literal(Bytes::copy_from_slice(text.as_bytes()));
    Ok(match body {
        Body::None => (CompiledBody::Literal(Bytes::new()), None),
        Body::Form(fields) => {
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            (CompiledBody::Form(fields.clone()), Some(form))
        }
        Body::Json(template) => {
            let body = template.as_literal().map_or_else(|| CompiledBody::Json(template.clone()), literal);
            (body, Some(HeaderValue::from_static("application/json")))
        }
        Body::Raw { content_type, body } => {
            let content_type = content_type.as_ref().map(|name| header_value("content-type", name)).transpose()?;
            (body.as_literal().map_or_else(|| CompiledBody::Raw(body.clone()), literal), content_type)
        }
    })
}

fn compile_check(check: &Check) -> Result<CompiledCheck, LoadError> {
    Ok(match check {
        Check::Equals(template) => CompiledCheck::Equals(template.clone()),
        Check::Contains(text) => CompiledCheck::Contains(text.clone()),
        Check::Matches(pattern) => CompiledCheck::Matches(regex(pattern)?),
        Check::Exists | Check::StatusIn(_) | Check::StatusBelow(_) => CompiledCheck::Exists,
    })
}

fn header_name(name: &str) -> Result<HeaderName, LoadError> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|e| LoadError::plan(name, &e))
}

fn header_value(name: &str, value: &str) -> Result<HeaderValue, LoadError> {
    HeaderValue::from_str(value).map_err(|e| LoadError::plan(name, &e))
}

fn regex(pattern: &str) -> Result<Regex, LoadError> {
    Regex::new(pattern).map_err(|e| LoadError::plan(pattern, &e))
}
