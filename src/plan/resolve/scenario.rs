use super::context::Context;
use super::template::Names;
use super::think;
use crate::history::StepId;
use crate::plan::{Assignment, Distribution, Extraction, Repeat, Role, Scenario, State, Step, Template};
use crate::profile::{At, RepeatFile, ScenarioFile, StepFile};
use std::collections::HashSet;
use std::time::Duration;

const NAMES_TAKEN: [&str; 4] = ["counter", "session", "token", "user"];
const MOST_REPEATS: u32 = 10_000;
const GREATEST_WEIGHT: u32 = 10_000;

/// Scenarios with their steps, and the variables of all of them.
#[derive(Default)]
pub(super) struct Journeys {
    pub scenarios: Vec<Scenario>,
    pub steps: Vec<Step>,
    pub variables: Vec<String>,
}

/// What holds for every step of a scenario.
pub(super) struct Setting<'a> {
    pub user_fields: &'a [String],
    pub states: &'a [State],
    think: (Distribution, Duration),
}

/// What the steps of a scenario so far have left for later ones.
#[derive(Default)]
pub(super) struct Progress {
    variables: Vec<(String, u16)>,
    pub jobs_started: HashSet<String>,
}

impl Journeys {
    fn variable(&mut self, name: &str) -> u16 {
        let at = self.variables.iter().position(|known| known == name).unwrap_or_else(|| {
            self.variables.push(name.to_owned());
            self.variables.len() - 1
        });
        at as u16
    }
}

impl Context<'_> {
    pub fn scenarios(&mut self, files: &At<Vec<At<ScenarioFile>>>, fields: &[String], states: &[State]) -> Journeys {
        let mut journeys = Journeys::default();
        if files.is_empty() {
            self.error(&files.span, "there are no scenarios", "add `[[scenarios]]` with `[[scenarios.steps]]`");
        }
        for file in &files.value {
            if journeys.scenarios.iter().any(|known| known.name == file.name.value) {
                let message = format!("a scenario before is named `{}` too", file.name.value);
                self.error(&file.name.span, message, "reports name scenarios: give each a name of its own");
            }
            self.scenario(file, fields, states, &mut journeys);
        }
        if !files.is_empty() && journeys.scenarios.iter().all(|scenario| scenario.weight == 0) {
            let span = files.iter().find_map(|f| f.weight.as_ref()).map_or(&files.span, |weight| &weight.span);
            self.error(span, "every scenario has weight 0, so none would run", "give one a weight above 0");
        }
        journeys
    }

    fn scenario(&mut self, file: &At<ScenarioFile>, fields: &[String], states: &[State], journeys: &mut Journeys) {
        let think = file.think.as_ref().map_or((Distribution::ZERO, Duration::ZERO), |text| self.think(text));
        let setting = Setting { user_fields: fields, states, think };
        let mut progress = Progress::default();
        let mut steps = Vec::new();
        let number = journeys.scenarios.len() as u16;
        if file.steps.is_empty() {
            self.error(&file.steps.span, "the scenario has no steps", "add `[[scenarios.steps]]`");
        }
        let names: Vec<&str> = file.steps.iter().map(|step| step.name.as_str()).collect();
        for (at, step) in file.steps.iter().enumerate() {
            if names[..at].contains(&step.name.as_str()) {
                let message = format!("a step before is named `{}` too", step.name.value);
                self.error(&step.name.span, message, "reports and objectives name steps: give each its own name");
            }
            if step.logout && at + 1 < file.steps.len() {
                let help = "a session ends where it logs out: move the step to the end of its scenario";
                self.error(&step.name.span, "steps come after the logout", help);
            }
            if journeys.steps.len() >= usize::from(u16::MAX) {
                self.error(&step.span, "more than 65535 steps", "leave some out");
                return;
            }
            steps.push(StepId(journeys.steps.len() as u16));
            let resolved = self.step(step, number, &setting, &mut progress, journeys);
            journeys.steps.push(resolved);
        }
        self.logins(file);
        let weight = file.weight.as_ref().map_or(1, |weight| {
            if weight.value > GREATEST_WEIGHT {
                let help = format!("at most {GREATEST_WEIGHT}: only the ratio to the other weights counts");
                self.error(&weight.span, format!("a weight of {} is too much", weight.value), help);
            }
            weight.value.min(GREATEST_WEIGHT)
        });
        journeys.scenarios.push(Scenario { name: file.name.value.clone(), weight, steps });
    }

    /// A response can only name the user of a session that logged in.
    fn logins(&mut self, file: &ScenarioFile) {
        let proof = file.steps.iter().find_map(|step| step.proves_identity.as_ref().filter(|proves| proves.value));
        if let (Some(proof), false) = (proof, file.steps.iter().any(|step| step.login)) {
            let message = format!("the scenario `{}` proves who the user is, but never logs in", file.name.value);
            self.error(&proof.span, message, "mark the steps that log in with `login = true`");
        }
    }

    pub fn think(&mut self, text: &At<String>) -> (Distribution, Duration) {
        think::parse(text).unwrap_or_else(|message| {
            self.error(&text.span, message, think::HELP);
            (Distribution::ZERO, Duration::ZERO)
        })
    }

    fn step(
        &mut self,
        file: &At<StepFile>,
        scenario: u16,
        setting: &Setting<'_>,
        progress: &mut Progress,
        journeys: &mut Journeys,
    ) -> Step {
        let assign = self.assignments(file, setting, progress, journeys);
        let variables = progress.variables.clone();
        let names = Names { user_fields: setting.user_fields, variables: &variables };
        let (method, path) = self.request_line(file, names);
        let headers = file.headers.iter().filter_map(|(name, value)| {
            let name = self.step_header(name, value)?;
            // A raw body carries its type itself.
            (file.raw.is_none() || name != "content-type").then(|| (name, self.template(value, &value.span, names)))
        });
        let headers = headers.collect();
        let states = self.state_uses(file, setting, names, progress);
        let extract = file.extract.iter().filter_map(|(name, place)| {
            self.variable_name(name, &place.span);
            let (variable, source) = (journeys.variable(name), self.place(place)?);
            Some((Extraction { variable, source }, name.clone()))
        });
        let extract: Vec<(Extraction, String)> = extract.collect();
        for (extraction, name) in &extract {
            progress.variables.push((name.clone(), extraction.variable));
        }
        let (think, think_cap) = file.think.as_ref().map_or(setting.think, |text| self.think(text));
        Step {
            name: file.name.value.clone(),
            scenario,
            assign,
            method,
            path,
            headers,
            body: self.body(file, names),
            follow_redirects: file.follow_redirects.unwrap_or(file.login),
            role: self.role(file),
            think,
            think_cap,
            repeat: self.repeat(file),
            extract: extract.into_iter().map(|(extraction, _)| extraction).collect(),
            expect: self.expectations(&file.expect, names),
            states,
            proves_identity: file.proves_identity.as_ref().is_some_and(|proves| proves.value),
        }
    }

    fn assignments(
        &mut self,
        file: &StepFile,
        setting: &Setting<'_>,
        progress: &mut Progress,
        journeys: &mut Journeys,
    ) -> Vec<Assignment> {
        let mut assign = Vec::new();
        for (name, text) in &file.assign {
            self.variable_name(name, &text.span);
            let names = Names { user_fields: setting.user_fields, variables: &progress.variables };
            let value = self.template(text, &text.span, names);
            let variable = journeys.variable(name);
            progress.variables.push((name.clone(), variable));
            assign.push(Assignment { variable, value });
        }
        assign
    }

    fn variable_name(&mut self, name: &str, span: &std::ops::Range<usize>) {
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') && !name.is_empty();
        if !plain || NAMES_TAKEN.contains(&name) {
            let help = "letters, digits, `_` and `-`; `counter`, `session`, `token` and `user` have a meaning";
            self.error(span, format!("`{name}` cannot name a variable"), help);
        }
    }

    fn request_line(&mut self, file: &At<StepFile>, names: Names<'_>) -> (String, Template) {
        let methods = [
            ("GET", &file.get),
            ("POST", &file.post),
            ("PUT", &file.put),
            ("PATCH", &file.patch),
            ("DELETE", &file.delete),
            ("HEAD", &file.head),
        ];
        let mut given = methods.into_iter().filter_map(|(method, path)| Some((method, path.as_ref()?)));
        let (Some((method, path)), None) = (given.next(), given.next()) else {
            let help = "give exactly one of `get`, `post`, `put`, `patch`, `delete`, `head`, with the path";
            self.error(&file.name.span, format!("the step `{}` is not one request", file.name.value), help);
            return ("GET".to_owned(), Template::literal("/"));
        };
        if !path.starts_with('/') && !path.starts_with("{{") {
            let help = "it begins with `/` and lies below the target's URL";
            self.error(&path.span, format!("`{}` is not a path", path.value), help);
        }
        let template = self.template(path, &path.span, names);
        let literal = template.pieces.iter().filter_map(|piece| match piece {
            crate::plan::Piece::Text(text) => Some(text),
            _ => None,
        });
        if let Some(bad) = literal.flat_map(|text| text.chars()).find(|c| !c.is_ascii_graphic() || *c == '#') {
            let message = format!("a path cannot hold {bad:?}");
            self.error(&path.span, message, "percent-encode it, such as `%20` for a space");
        }
        if method == "GET" && (file.form.is_some() || file.json.is_some() || file.raw.is_some()) {
            self.error(&path.span, "a GET request has no body", "use `post` or `put`, or leave the body out");
        }
        (method.to_owned(), template)
    }

    fn role(&mut self, file: &StepFile) -> Role {
        match (file.login, file.logout) {
            (true, true) => {
                self.error(&file.name.span, "a step cannot log in and log out", "leave one out");
                Role::Login
            }
            (true, false) => Role::Login,
            (false, true) => Role::Logout,
            (false, false) => Role::Ordinary,
        }
    }

    fn repeat(&mut self, file: &StepFile) -> Repeat {
        let Some(written) = &file.repeat else { return Repeat { from: 1, to: 1 } };
        let (from, to) = match written.value {
            RepeatFile::Times(times) => (times, times),
            RepeatFile::Between(from, to) => (from, to),
        };
        if to == 0 || from > to || to > MOST_REPEATS {
            let help = format!("a number from 1 to {MOST_REPEATS}, or two in order such as `[0, 4]`");
            self.error(&written.span, "this is not a number of times", help);
        }
        if file.polls_job.is_some() {
            self.error(&written.span, "`repeat` beside `polls_job`", "`every` and `within` say how often it is polled");
        }
        if file.login || file.logout {
            self.error(&written.span, "a step that logs in or out is run once", "leave `repeat` out");
        }
        Repeat { from, to }
    }
}
