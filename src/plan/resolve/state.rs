use super::context::Context;
use super::scenario::{Progress, Setting};
use super::template::Names;
use crate::plan::{JobPoll, JobStart, Piece, StateKind, StateUse};
use crate::profile::{At, PollFile, StepFile, suggestion};
use std::ops::Range;
use std::time::Duration;

impl Context<'_> {
    pub(super) fn state_uses(
        &mut self,
        file: &StepFile,
        setting: &Setting<'_>,
        names: Names<'_>,
        progress: &mut Progress,
    ) -> Vec<StateUse> {
        let mut uses = Vec::new();
        for (name, amount) in &file.adds {
            if amount.value < 1 {
                self.error(&amount.span, "a counter only grows", "give a number of at least 1");
            }
            let state = self.state(name, &amount.span, setting, &[StateKind::Counter]);
            uses.extend(state.map(|state| StateUse::Add { state, amount: amount.value }));
        }
        for (name, text) in &file.sets {
            let state = self.state(name, &text.span, setting, &[StateKind::Register]);
            let value = self.template(text, &text.span, names);
            let drawn = |piece: &Piece| !matches!(piece, Piece::Text(_) | Piece::User(_) | Piece::Variable(_));
            if value.pieces.iter().any(drawn) {
                let help = format!(
                    "draw once with `let = {{ {name} = \"{}\" }}` and write `{{{{{name}}}}}` both here and in the request",
                    text.value
                );
                self.error(&text.span, "this would be drawn anew, and differ from what was sent", help);
            }
            uses.extend(state.map(|state| StateUse::Set { state, value }));
        }
        for (name, place) in &file.reads {
            let state = self.state(name, &place.span, setting, &[StateKind::Counter, StateKind::Register]);
            let source = self.place(place);
            uses.extend(state.zip(source).map(|(state, source)| StateUse::Read { state, source }));
        }
        if let Some(job) = &file.starts_job {
            let state = self.state(job, &job.span, setting, &[StateKind::Job]);
            progress.jobs_started.insert(job.value.clone());
            uses.extend(state.map(|state| StateUse::StartJob(JobStart { state })));
        }
        if let Some(poll) = &file.polls_job {
            uses.extend(self.poll(poll, setting, progress).map(StateUse::PollJob));
        }
        uses
    }

    fn poll(&mut self, file: &At<PollFile>, setting: &Setting<'_>, progress: &Progress) -> Option<JobPoll> {
        let state = self.state(&file.job, &file.job.span, setting, &[StateKind::Job]);
        if state.is_some() && !progress.jobs_started.contains(&file.job.value) {
            let message = format!("no step before this one starts the job `{}`", file.job.value);
            self.error(&file.job.span, message, "give an earlier step of this scenario `starts_job`");
        }
        let every = file.every.as_ref().map_or(Duration::from_secs(1), |every| every.0);
        let within = file.within.as_ref().map_or(Duration::from_secs(30), |within| within.0);
        if every.is_zero() || every > within {
            let span = file.every.as_ref().or(file.within.as_ref()).map_or(&file.span, |at| &at.span);
            self.error(span, "`every` must be above zero and no longer than `within`", "such as 1s within 30s");
        }
        let list = |given: &Option<At<Vec<String>>>, default: &str| {
            given.as_ref().map_or(vec![default.to_owned()], |list| list.value.clone())
        };
        let (done, failed) = (list(&file.done, "done"), list(&file.failed, "failed"));
        if done.is_empty() || done.iter().any(|state| failed.contains(state)) {
            let span = file.done.as_ref().map_or(&file.span, |done| &done.span);
            self.error(span, "`done` must name a state that `failed` does not", "such as `done = [\"done\"]`");
        }
        let source = self.place(&file.state)?;
        Some(JobPoll { state: state?, source, done, failed, every, within })
    }

    /// The number of a state that is of one of these kinds.
    fn state(&mut self, name: &str, span: &Range<usize>, setting: &Setting<'_>, kinds: &[StateKind]) -> Option<u8> {
        let word = |kind: StateKind| match kind {
            StateKind::Counter => "counter",
            StateKind::Register => "register",
            StateKind::Job => "job",
        };
        let wanted = kinds.iter().map(|&kind| word(kind)).collect::<Vec<_>>().join(" or ");
        match setting.states.iter().position(|state| state.name == name) {
            None => {
                let known = setting.states.iter().filter(|s| kinds.contains(&s.kind)).map(|s| s.name.as_str());
                let help = format!(
                    "add it to `[session]`: `states = {{ {name} = \"{}\" }}`; {}",
                    word(kinds[0]),
                    suggestion(name, known.collect::<Vec<_>>())
                );
                self.error(span, format!("there is no {wanted} `{name}`"), help);
                None
            }
            Some(at) if !kinds.contains(&setting.states[at].kind) => {
                let message = format!("`{name}` is a {}, not a {wanted}", word(setting.states[at].kind));
                self.error(span, message, "`session.states` says what kind each is");
                None
            }
            Some(at) => u8::try_from(at).ok(),
        }
    }
}
